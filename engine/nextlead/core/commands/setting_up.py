"""Commands of set-up: teams, agents, projects, campaigns, settings, tokens."""

from typing import Literal

from msgspec import UNSET, UnsetType

from ..setup_model import ContactLimit, Dialer, Template, UploadRules
from .base import Command


class PutTeam(Command, frozen=True, kw_only=True):
    """Make or change a team. A `parent` of None is the root. Refused when it would make a circle."""

    code: str
    name: str | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET


class PutAgent(Command, frozen=True, kw_only=True):
    """Make or change an agent. Disabling one ends its leases and releases its redials (SPEC R3.5, R4.6)."""

    code: str
    name: str | UnsetType = UNSET
    team: str | UnsetType | None = UNSET
    campaigns: tuple[str, ...] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    may_set: tuple[str, ...] | UnsetType = UNSET


class PutProject(Command, frozen=True, kw_only=True):
    """Make or change a project."""

    code: str
    name: str | UnsetType = UNSET


class PutCampaign(Command, frozen=True, kw_only=True):
    """Make or change a campaign. The reply to a deactivation is `Stranded` (SPEC R3.3).

    When contact limits change and leads were called, the reply may be `Begun`: they are looked at again in slices.
    """

    code: str
    name: str | UnsetType = UNSET
    project: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    scheme: str | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    dialer: Dialer | UnsetType = UNSET
    default_region: str | UnsetType = UNSET
    upload_rules: UploadRules | UnsetType = UNSET


class PutSettings(Command, frozen=True, kw_only=True):
    """Change settings of the organisation. Switching Redial Restrictions on releases at once (SPEC R4.6).

    `contact_limits` as in `PutCampaign`.
    """

    redial_restrictions: bool | UnsetType = UNSET
    cross_campaign_redials_default: bool | UnsetType = UNSET
    default_region: str | UnsetType = UNSET
    abandon_after_ms: int | UnsetType = UNSET
    leases_per_agent: int | UnsetType = UNSET
    manual_pool_gap_ms: int | UnsetType = UNSET
    restart_grace_ms: int | UnsetType = UNSET
    contact_limits: tuple[ContactLimit, ...] | UnsetType = UNSET


class Delete(Command, frozen=True, kw_only=True):
    """Delete a team, agent, project or campaign that nothing depends on (`InUse` otherwise)."""

    kind: Literal["team", "agent", "project", "campaign"]
    code: str


class PutToken(Command, frozen=True, kw_only=True):
    """Keep a bearer token's hash; the reply is the `Token` row."""

    sha256: str
    role: str
    agent: str | None = None


class DeleteToken(Command, frozen=True, kw_only=True):
    """Forget a bearer token."""

    id: int
