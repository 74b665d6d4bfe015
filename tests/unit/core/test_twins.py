"""The short ways of the engine leave what the long ways leave, and serve whom they serve (`twins.py`)."""

import pytest
from unit.core.twins import Twins, slowly


@pytest.mark.patches
@pytest.mark.parametrize("seed", range(10))
def test_what_is_kept_and_cut_short_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    shop = Twins(seed, limited=seed % 2 == 1)
    for step in range(120):
        shop.live()
        if step % 3 == 0:
            assert shop.engine.verify() == []
