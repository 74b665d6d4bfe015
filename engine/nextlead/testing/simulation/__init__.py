"""Days of a call centre in made-up time, each from a seed: the real dialer, over a store that fails, stalls and dies.

`simulate(seed)` plays one and says how it went; the same seed does the same again, byte for byte. `loop` makes the
time, `disk` and `machine` what goes wrong, `agents`, `office` and the moves the people; `oracle`, `laws`,
`witness` and `audit` look whether all is right, `record` knows what was acknowledged. `plan` is what a seed draws.
"""

from .plan import Plan, draw_plan
from .run import DAYS, Failure, Report, simulate
from .violation import Violation

__all__ = ["DAYS", "Failure", "Plan", "Report", "Violation", "draw_plan", "simulate"]
