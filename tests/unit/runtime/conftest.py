from collections.abc import AsyncIterator

import pytest
from unit.runtime.centre import Centre


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    """Three leads, agents A and B with a session."""
    centre = Centre()
    await centre.open()
    await centre.set_up(leads=3)
    yield centre
    await centre.leave()
