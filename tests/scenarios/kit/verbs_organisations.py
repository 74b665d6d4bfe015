"""Verbs of several organisations, over HTTP only."""

import re

from .language import Step
from .outside import outside
from .verbs import verb
from .world import World


@verb(r"in organisation (?P<code>\w+)")
def go_to(world: World, m: re.Match[str], _: Step) -> None:
    """All steps from here on are of that organisation, with its own people, leads and pools."""
    outside(world).line.go_to(m["code"])
    world.go_to(m["code"])
