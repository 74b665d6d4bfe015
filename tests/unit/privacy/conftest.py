from collections.abc import AsyncIterator

import pytest
from unit.privacy.house import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.open()
    await house.set_up()
    yield house
    await house.close()
