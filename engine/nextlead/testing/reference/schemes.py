"""Status schemes of campaigns (SPEC 13): what a campaign has by its scheme, and what was changed by hand."""

from msgspec import UNSET, structs

from nextlead.core.commands import PutCampaign
from nextlead.core.errors import Invalid
from nextlead.core.schemes import Scheme
from nextlead.core.setup_model import Template, TemplateResult, UploadRules

from .records import Campaign
from .world import World


def put_vocabulary(world: World, campaign: Campaign, command: PutCampaign) -> None:
    """What is by the scheme first, then what the command says itself: that was given by hand."""
    scheme = scheme_of(world, campaign.scheme if command.scheme is UNSET else command.scheme)
    if campaign.code in world.campaigns:
        known = {result.code: result for result in (*campaign.template.past, *campaign.template.results)}
        follow(campaign, world.schemes[campaign.scheme], scheme)
    else:
        known = {}
        campaign.template = Template(results=scheme.results)
        campaign.upload_rules = UploadRules(on_invalid=scheme.on_invalid, duplicates=scheme.duplicates)
    campaign.scheme = scheme.name
    if command.template is not UNSET:
        campaign.template = command.template
    if command.upload_rules is not UNSET:
        campaign.upload_rules = command.upload_rules
    keep_past(campaign, known)


def scheme_of(world: World, name: str) -> Scheme:
    """Raises Invalid."""
    if name not in world.schemes:
        raise Invalid("scheme", "not a scheme")
    return world.schemes[name]


def follow(campaign: Campaign, old: Scheme, new: Scheme) -> None:
    """What the campaign had of the old scheme's own it now has of the new one's; what was changed by hand stays."""
    template, rules = campaign.template, campaign.upload_rules
    results = new.results if template.results == old.results else template.results
    campaign.template = Template(template.fields, results)
    campaign.upload_rules = UploadRules(
        rules.countries,
        rules.number_types,
        rules.fields,
        new.on_invalid if rules.on_invalid == old.on_invalid else rules.on_invalid,
        new.duplicates if rules.duplicates == old.duplicates else rules.duplicates,
    )


def keep_past(campaign: Campaign, known: dict[str, TemplateResult]) -> None:
    """Results that went are kept for leads that closed with them; one that is back is of the present."""
    present = [result.code for result in campaign.template.results]
    past = tuple(result for code, result in known.items() if code not in present)
    campaign.template = structs.replace(campaign.template, past=past)
