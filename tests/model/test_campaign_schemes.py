"""What a campaign has by its scheme, and what of it is its own (SPEC 13), on engine and model."""

from model.driver import Both
from model.schemes import LISTS, ORDERS
from model.test_replay import started

from nextlead.core.commands import PutCampaign
from nextlead.core.setup_model import DEFAULT_RESULTS, Duplicates, Template, TemplateField, TemplateResult, UploadRules
from nextlead.testing.reference.records import Campaign

OWN = (TemplateResult("mine", "Mine", "success"),)


def campaign(both: Both, code: str = "c1") -> Campaign:
    return both.model.world.campaigns[code]


def past(both: Both) -> set[str]:
    """Codes of results that went."""
    return {result.code for result in campaign(both).template.past}


def test_campaign_follows_its_scheme() -> None:
    """R13.2: results, what becomes of invalid rows, duplicates; fields are nobody's but its own."""
    both = started(1)
    both.do(PutCampaign(code="c1", template=Template(fields=(TemplateField("name"),))))
    both.do(PutCampaign(code="c1", scheme="orders"))
    assert campaign(both).template.results == ORDERS.results
    assert campaign(both).template.fields == (TemplateField("name"),)
    assert campaign(both).upload_rules == UploadRules(on_invalid="close", duplicates=ORDERS.duplicates)
    assert past(both) == {"not_interested", "invalid", "unqualified"}
    both.do(PutCampaign(code="c1", scheme="lists"))
    both.crash()
    assert campaign(both).template.results == LISTS.results
    assert campaign(both).upload_rules == UploadRules()
    both.do(PutCampaign(code="c1", scheme="hero"))
    assert campaign(both).template.results == DEFAULT_RESULTS
    assert past(both) == {"refused", "blacklisted", "no"}


def test_what_was_changed_by_hand_stays() -> None:
    both = started(1)
    loads = Duplicates(action="load")
    both.do(PutCampaign(code="c1", template=Template(results=OWN), upload_rules=UploadRules(duplicates=loads)))
    both.do(PutCampaign(code="c1", scheme="orders"))
    assert campaign(both).template.results == OWN
    assert campaign(both).upload_rules == UploadRules(on_invalid="close", duplicates=loads)


def test_what_comes_with_the_scheme_is_by_hand() -> None:
    """Results of the new scheme that the campaign never had are none of its past."""
    both = started(1)
    both.do(PutCampaign(code="c1", scheme="orders", template=Template(results=OWN)))
    assert campaign(both).template.results == OWN
    assert past(both) == {"success", "not_interested", "invalid", "unqualified"}
    both.do(PutCampaign(code="c1", scheme="nonsense", template=Template()))
    assert campaign(both).template.results == OWN


def test_new_campaign_has_no_past() -> None:
    both = started(1)
    both.do(PutCampaign(code="c2", scheme="orders"))
    both.do(PutCampaign(code="c3", scheme="orders", template=Template(results=OWN)))
    assert campaign(both, "c2").template == Template(results=ORDERS.results)
    assert campaign(both, "c3").template == Template(results=OWN)
    assert campaign(both, "c3").upload_rules.on_invalid == "close"
