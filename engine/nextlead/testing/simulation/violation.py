"""What is wrong, and by which rule."""


class Violation(Exception):
    """An invariant does not hold: `rule` is its number in the rules, or a word for those that have none."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
        self.what = what


def need(holds: bool, rule: str, what: str) -> None:
    """Raises `Violation` unless it holds."""
    if not holds:
        raise Violation(rule, what)
