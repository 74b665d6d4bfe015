"""Three vocabularies: the plain one, one with results and upload rules of its own, and one that looks at activities."""

from nextlead.core.activity_model import Activity
from nextlead.core.schemes import Scheme, Shown
from nextlead.core.setup_model import Duplicates, TemplateResult

ORDERS = Scheme(
    "orders",
    results=(
        TemplateResult("success", "Confirmed", "success"),
        TemplateResult("refused", "Client refused", "negative"),
        TemplateResult("blacklisted", "Blacklisted", "negative", do_not_call=True),
    ),
    by_category={"success": Shown("Confirmed"), "negative": Shown("Rejected", "{label}"), "invalid": Shown("Trash")},
    on_invalid="close",
    duplicates=Duplicates(among="open", action="close"),
)
LISTS = Scheme(
    "lists",
    results=(TemplateResult("success", "Sold", "success"), TemplateResult("no", "No Sale", "negative")),
    by_activity={Activity.SMS_IN: Shown("SMS in Progress"), Activity.SMS_OUT: Shown("No SMS Reply")},
    over_activities=frozenset({"do_not_call", "removed"}),
)
SCHEMES = {"hero": Scheme("hero"), "orders": ORDERS, "lists": LISTS}
