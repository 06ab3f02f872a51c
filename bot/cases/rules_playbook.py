"""The built-in kind of case about changed rules.

No file declares it, so no change of a file can take it away.
"""

from collections.abc import Iterable
from datetime import timedelta

from bot.cases.approval import ApprovalRequirement
from bot.cases.desk_kinds import ADOPT_RULES, DESK_SYSTEM, RULES_KIND
from bot.cases.playbook import ActionOffer, Lookup, Owners, Playbook, Stake
from bot.cases.policy import PlaybookTerms
from bot.cases.service_level import ServiceLevel

CHANGE_QUERY = "rule_change"
DAY = timedelta(days=1)
EXPIRES_FOR = 7 * DAY


def rules_terms(governors: Iterable[str]) -> PlaybookTerms:
    """Require one person of every group that governs a kind."""
    groups = tuple(dict.fromkeys(governors))
    owners = {"governance": groups[0]} if groups else {}
    factors = tuple(ApprovalRequirement(group, 1) for group in groups)
    return PlaybookTerms(factors=factors, expires_for=EXPIRES_FOR, owners=owners)


def rules_playbook(beside: Playbook, governors: Iterable[str]) -> Playbook:
    """Make the playbook that decides changed rules.

    Its cards are in the channel of ``beside``, the playbook of unrecognised cases.
    """
    terms = rules_terms(governors)
    governance = next((factor.group for factor in terms.factors), beside.owners.governance)
    owners = Owners(
        business=governance,
        operations=governance,
        technical=beside.owners.technical,
        governance=governance,
        next_owner=governance,
    )
    return Playbook(
        kind=RULES_KIND,
        title="Changed rules",
        what="{change.changes}. Until it is decided, the stricter of both holds.",
        brief="{change.changes}",
        channel=beside.channel,
        evidence=(_change_lookup(),),
        stake=Stake("{change.figures}"),
        offers=(_offer(),),
        terms=terms,
        owners=owners,
        measure=ServiceLevel(decide_for=3 * DAY, resolve_for=7 * DAY, follow_up_for=DAY),
        checksum=beside.checksum,
    )


def _change_lookup() -> Lookup:
    return Lookup(
        name="change",
        system=DESK_SYSTEM,
        query=CHANGE_QUERY,
        parameters={"checksum": "signal.checksum"},
        show={
            "changes": "What changes",
            "figures": "Over the last 90 days",
            "comparison": "Compared with what is in force",
        },
        fresh_for=DAY,
    )


def _offer() -> ActionOffer:
    return ActionOffer(
        action=ADOPT_RULES,
        when="change.is_waiting",
        otherwise="the files were changed again, or are in force",
        parameters={"checksum": "signal.checksum"},
        reason="The files say so, and nobody has decided it yet",
    )
