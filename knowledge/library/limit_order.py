"""Limits, names and stages of a library that contradict each other."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from bot.cases.approval import ApprovalRequirement
from bot.cases.constraints import is_channel_name
from bot.cases.finding import Finding, Severity
from bot.cases.policy import ActionLimit
from bot.cases.signal import UNRECOGNISED
from knowledge.library.complaints import nearest
from knowledge.library.library import FileLibrary
from knowledge.library.places import LibraryFile, LibraryFiles, Way
from knowledge.library.systems import find_action

_POLICY = "policy.yml"
#: Groups of one company have names that are alike: sales-leads and ops-leads.
MIN_GROUP_LIKENESS = 0.85
#: The smaller limit of each pair says nothing where it is above the larger one.
_DAY_PAIRS = (("times_per_target_per_day", "times_per_day"),)
_WINDOW_PAIRS = (
    ("amount_per_target", "amount"),
    ("times_per_target", "times"),
    ("amount_per_requester", "amount"),
    ("times_per_requester", "times"),
)


def check_limit_order(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield the limits that limit nothing, or nobody can reach."""
    file = files.root(_POLICY)
    actions = [f"{name}.{one}" for name, spec in library.systems.items() for one in spec.actions]
    for name in library.limits_without_action():
        yield files.finding(
            file,
            ("actions", name),
            f"policy.yml limits {name}, which systems.yml does not declare: check the name",
            suggestion=nearest(name, actions),
        )
    for name, limit in library.rules.actions.items():
        way: Way = ("actions", name)
        spec = find_action(library.systems, name)
        yield from _pairs_out_of_order(name, limit, file=file, files=files)
        if limit.alone and spec and not spec.reversible:
            yield files.finding(
                file,
                (*way, "alone"),
                f"{name} is to run alone and cannot be undone, so it never will",
                suggestion="Give it an undo in systems.yml, or take alone away.",
            )


def check_groups(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield the listed groups with too few people to decide."""
    groups = library.rules.groups
    for group, people in groups.items():
        if not people:
            yield files.finding(
                files.root(_POLICY),
                ("groups", group),
                f"nobody is in the group {group}, so it can decide nothing",
                suggestion="List people by Slack id or e-mail, or take the line out for a user"
                " group of Slack.",
            )
    for file, way, factor in _factors(library, files):
        people = groups.get(factor.group, ())
        if people and factor.count > len(people):
            yield files.finding(
                file,
                way,
                f"{factor.count} of {factor.group} must approve, and only {len(people)} people are"
                " in it, so nothing can be approved",
                suggestion="Lower count, or list more people under groups: in policy.yml.",
            )


def _factors(
    library: FileLibrary, files: LibraryFiles
) -> Iterator[tuple[LibraryFile, Way, ApprovalRequirement]]:
    """Iterate over the approvals that are asked for, with places."""
    for tier, rule in library.rules.tiers.items():
        for number, factor in enumerate(rule.factors):
            yield files.root(_POLICY), ("tiers", tier, "approvers", number), factor
    for kind, playbook in library.playbooks.items():
        for number, factor in enumerate(playbook.terms.factors):
            yield files.playbook(kind), ("approval", "approvers", number), factor


def find_unused(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield hints about what nobody uses, or nothing can be learned from."""
    offers = {
        offer.action
        for playbook in library.playbooks.values()
        for first in playbook.offers
        for offer in first.chain()
    }
    for name, system in library.systems.items():
        for action in system.actions:
            if f"{name}.{action}" not in offers:
                yield files.finding(
                    files.root("systems.yml"),
                    ("systems", name, "actions", action),
                    f"no playbook offers {name}.{action}",
                    suggestion="Offer it under actions of a playbook, or take it out.",
                    severity=Severity.HINT,
                )
    if {*library.playbooks} <= {UNRECOGNISED} and not library.programs:
        yield Finding(
            sentence="the library has no playbook, so it finds no cases",
            suggestion="Write one into playbooks/, or let `countersign init` propose one.",
            severity=Severity.HINT,
            file="playbooks",
        )
    for kind, playbook in library.playbooks.items():
        if not playbook.examples and kind != UNRECOGNISED:
            yield files.finding(
                files.playbook(kind),
                ("kind",),
                f"{kind} has no examples, so nobody can report such a case in words",
                suggestion="Write four or more sentences under examples, as people say it.",
                severity=Severity.HINT,
            )
    yield from _lone_groups(library, files)


def check_channels(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield the channels of playbooks that channels.yml does not name."""
    titles = library.channel_rules.titles
    for kind, playbook in library.playbooks.items():
        if playbook.channel not in titles and not is_channel_name(playbook.channel):
            yield files.finding(
                files.playbook(kind),
                ("channel",),
                f"channels.yml has no title for {playbook.channel}, and cards name it",
                word=playbook.channel,
                suggestion=nearest(playbook.channel, titles)
                or "Say under titles of channels.yml what people call it.",
            )


def find_stakes_without_rate(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield the stakes that policy cannot compare with its limits."""
    policy = library.rules
    for kind, playbook in sorted(library.playbooks.items()):
        stake = playbook.stake
        if stake.amount and policy.convert(Decimal(1), stake.currency) is None:
            yield files.finding(
                files.playbook(kind),
                ("stake", "currency"),
                f"the stake of {kind} is in {stake.currency}, and policy.yml has no rate for it,"
                " so rules cannot compare it",
                word=stake.currency,
                suggestion=f"Leave it out for {policy.currency}, the currency of policy.yml, or add"
                f" {stake.currency} under currencies there.",
            )


def _pairs_out_of_order(
    name: str, limit: ActionLimit, *, file: LibraryFile, files: LibraryFiles
) -> Iterator[Finding]:
    objects: list[tuple[Way, object, tuple[tuple[str, str], ...]]] = [
        (("actions", name), limit, _DAY_PAIRS)
    ]
    for number, window in enumerate(limit.over):
        objects.append((("actions", name, "over", number), window, _WINDOW_PAIRS))
        bound = window.amount
        if limit.per_plan is not None and bound is not None and limit.per_plan > bound:
            yield files.finding(
                file,
                ("actions", name, "over", number, "amount"),
                f"amount is below per_plan, so no plan of {name} can reach per_plan",
                suggestion="Raise amount, or lower per_plan.",
            )
    for way, limits, pairs in objects:
        for smaller, larger in pairs:
            low, high = getattr(limits, smaller), getattr(limits, larger)
            if low is not None and high is not None and low > high:
                yield files.finding(
                    file,
                    (*way, smaller),
                    f"{smaller} is above {larger}, so it limits nothing",
                    suggestion=f"Lower {smaller}, or raise {larger}.",
                )


def _lone_groups(library: FileLibrary, files: LibraryFiles) -> Iterator[Finding]:
    """Yield each group that one file alone names, nearly like others."""
    uses: Counter[str] = Counter()
    places: dict[str, tuple[LibraryFile, Way]] = {}
    for kind, playbook in library.playbooks.items():
        for role, group in playbook.owners.by_role().items():
            uses[group] += 1
            places.setdefault(group, (files.playbook(kind), ("owners", role)))
    for file, way, factor in _factors(library, files):
        uses[factor.group] += 1
        places.setdefault(factor.group, (file, way))
    for group, count in uses.items():
        others = [other for other, times in uses.items() if times > 1]
        question = nearest(group, others, likeness=MIN_GROUP_LIKENESS)
        if count == 1 and question and group not in library.rules.groups:
            file, way = places[group]
            yield files.finding(
                file,
                way,
                f"the group {group} is named here alone",
                word=group,
                suggestion=question,
                severity=Severity.HINT,
            )
