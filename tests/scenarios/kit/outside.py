"""What only a daemon has. Scenarios that use a verb of it say `# over HTTP only` at the top."""

from .http_driver import HttpDriver
from .language import BadStep
from .world import World


def outside(world: World) -> HttpDriver:
    if not isinstance(world.driver, HttpDriver):
        raise BadStep("only over HTTP: the scenario must say so at its top")
    return world.driver
