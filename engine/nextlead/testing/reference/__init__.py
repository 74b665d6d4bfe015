"""A naive model of the engine: an executable reading of SPEC 1 to 14.

`records` are what it knows and `world` has them all; `who` has the rules of who may get which lead, `order` the dial
order, `changes` what happens to a lead, `timers` what happens by itself, `hours` and `limits` when people may be
called, `explained` why a lead is not offered, `outcomes` what becomes of a lead by what was said, `conditions` what is
counted of leads. `leases`, `finish`, `activities`, `edits`, `intake`, `pools`, `blocking`, `privacy`, `schemes`,
`filters` and `setup` are the commands; `vocabularies` is a reading of the schemes that are shipped. Each function names
the rules it is a reading of.
"""

from .answers import Answer, Done, Offered, Served
from .model import ReferenceModel
from .records import Lead
from .world import World

__all__ = ["Answer", "Done", "Lead", "Offered", "ReferenceModel", "Served", "World"]
