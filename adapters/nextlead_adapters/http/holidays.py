"""Public holidays are looked up beside the loop before the core asks for them: the library takes a while to wake up."""

from datetime import UTC, datetime
from functools import partial

from anyio import to_thread
from msgspec import UnsetType

from .setup_shapes import DialerShape
from .table import Call


async def learn_holidays(call: Call, dialer: DialerShape | UnsetType) -> None:
    """Have those of the place that the dialer's hours name at hand; a place that is none is left to the core.

    The first place that is asked for costs some 200 ms; other years of it less than one, and these the core waits for.
    """
    hours = None if isinstance(dialer, UnsetType) else dialer.calling_hours
    place = None if hours is None or isinstance(hours, UnsetType) else hours.holidays
    if isinstance(place, str) and place:
        year = datetime.fromtimestamp(call.services.dialer.now_ms() / 1000, UTC).year
        await to_thread.run_sync(partial(call.services.engine.almanac.holidays, place, year))
