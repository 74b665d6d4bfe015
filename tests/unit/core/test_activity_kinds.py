"""Which activities there are, and what each says of a lead: the whole table of SPEC R13.3."""

from itertools import product

import pytest

from nextlead.core.activity_model import DIRECTIONS, INTERACTIONS, OUTCOMES, Activity, kind_of
from nextlead.core.errors import Invalid

PAIRS = {
    # outcome: what a call, an sms, an e-mail, a visit with it says; None where there is no such thing
    "sale_in_progress": (Activity.SALE_IN_PROGRESS,) * 4,
    "no_sale": (Activity.NO_SALE,) * 4,
    "sold": (Activity.SOLD,) * 4,
    "no_answer": (Activity.NO_ANSWER, None, None, None),
    "left_a_voicemail": (Activity.LEFT_A_VOICEMAIL, None, None, None),
    "wrong_number": (Activity.WRONG_NUMBER, None, None, None),
}
ORDER = ("call", "sms", "email", "in_store")
REASONS = ("", "too dear", "not satisfied", "satisfied with that")
SATISFIED = ("satisfied", "Satisfied", "  SATISFIED ")


def test_the_table_has_them_all() -> None:
    assert set(PAIRS) == set(OUTCOMES)
    assert set(ORDER) == set(INTERACTIONS)
    assert set(DIRECTIONS) == {"in", "out"}


@pytest.mark.parametrize(
    ("interaction", "direction", "outcome", "explanation"), list(product(ORDER, ("in", "out"), PAIRS, REASONS))
)
def test_an_outcome_says_the_same_whoever_began(
    interaction: str, direction: str, outcome: str, explanation: str
) -> None:  # R13.3
    expected = PAIRS[outcome][ORDER.index(interaction)]
    if expected is not None:
        assert kind_of(interaction, direction, outcome, explanation) is expected
        return
    with pytest.raises(Invalid, match=interaction) as refusal:
        kind_of(interaction, direction, outcome, explanation)
    assert refusal.value.field == "outcome"


@pytest.mark.parametrize(("interaction", "direction", "explanation"), list(product(ORDER, ("in", "out"), SATISFIED)))
def test_no_sale_to_someone_who_is_satisfied_is_that(interaction: str, direction: str, explanation: str) -> None:
    # R13.3
    assert kind_of(interaction, direction, "no_sale", explanation) is Activity.SATISFIED


@pytest.mark.parametrize(
    ("interaction", "direction", "outcome", "explanation"),
    [case for case in product(ORDER, ("in", "out"), PAIRS, SATISFIED) if case[2] != "no_sale"],
)
def test_satisfied_explains_nothing_else(interaction: str, direction: str, outcome: str, explanation: str) -> None:
    # R13.3
    with pytest.raises(Invalid) as refusal:
        kind_of(interaction, direction, outcome, explanation)
    is_pair = PAIRS[outcome][ORDER.index(interaction)] is not None
    assert refusal.value.field == ("explanation" if is_pair else "outcome")


def test_a_text_alone_says_who_sent_it() -> None:  # R13.3
    assert kind_of("sms", "out", None) is Activity.SMS_OUT
    assert kind_of("sms", "in", None) is Activity.SMS_IN


@pytest.mark.parametrize(
    ("interaction", "direction"), [case for case in product(ORDER, ("in", "out")) if case[0] != "sms"]
)
def test_anything_else_has_an_outcome(interaction: str, direction: str) -> None:  # R13.3
    with pytest.raises(Invalid) as refusal:
        kind_of(interaction, direction, None)
    assert refusal.value.field == "outcome"


@pytest.mark.parametrize(("direction", "explanation"), list(product(("in", "out"), ("satisfied", "too dear"))))
def test_where_there_is_no_outcome_nothing_explains_it(direction: str, explanation: str) -> None:
    with pytest.raises(Invalid) as refusal:
        kind_of("sms", direction, None, explanation)
    assert refusal.value.field == "explanation"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("fax", "out", "sold"), "interaction"),
        (("Call", "out", "sold"), "interaction"),
        (("", "out", "sold"), "interaction"),
        (("call", "up", "sold"), "direction"),
        (("sms", "", None), "direction"),
        (("call", "out", "success"), "outcome"),
        (("call", "out", ""), "outcome"),
        (("sms", "out", "sms_in"), "outcome"),
        (("sms", "out", "satisfied"), "outcome"),
    ],
)
def test_other_words_are_refused_by_the_name_of_their_field(given: tuple[str, str, str | None], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        kind_of(*given)
    assert refusal.value.field == field


def test_kinds_keep_their_numbers_and_names() -> None:
    # they are stored, and scheme files name them
    assert [(int(kind), kind.code) for kind in Activity] == list(
        enumerate(
            (
                "none",
                "sms_out",
                "sms_in",
                "sale_in_progress",
                "no_sale",
                "satisfied",
                "sold",
                "no_answer",
                "left_a_voicemail",
                "wrong_number",
            )
        )
    )
