"""The whole trail of a case in a terminal."""

from collections.abc import Iterable, Sequence

from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.entries import ApprovalGiven, Entry
from bot.cli.terminal import out
from bot.views.entry_content import TrailItem, trail
from bot.views.labels import Labels


def print_trail(entries: Sequence[Entry], labels: Labels, stored_case: Case | None = None) -> None:
    """Print every entry, and whether folding gives the stored case.

    Without a ``stored_case`` only that the entries follow on each other is said.

    Raises:
        LedgerBroken: an entry does not follow the one before.
    """
    last: TrailItem | None = None
    for item in trail(entries, labels):
        for line in item_lines(item, last):
            out.print(line, markup=False, soft_wrap=True)
        last = item
    if last is None:
        return
    out.print(f"\n{_folding(last.case, stored_case, len(entries))}", markup=False)


def item_lines(item: TrailItem, earlier: TrailItem | None) -> Iterable[str]:
    """Write one entry, and the state where it changed."""
    entry = item.entry
    plan = f", plan {entry.revision}" if entry.revision else ""
    at = f"{entry.at:%d %b %Y %H:%M:%S} UTC"
    yield f"{entry.version}. {at} · {item.author} · {entry.surface}{plan}"
    yield f"   {item.content.sentence}."
    for line in item.content.lines:
        yield f"     {line}"
    if isinstance(entry.body, ApprovalGiven):
        yield f"     {_binding(item.case, entry.body.approval)}"
    state = item.case.state
    if earlier is None or earlier.case.state is not state:
        yield f"   → {state}"


def _binding(case: Case, approval: Approval) -> str:
    plan = case.proposal.plan
    if plan and plan.plan_hash == approval.digest:
        return f"Binds exactly plan {plan.revision}, as it stands above"
    return "Binds ANOTHER plan than the one above"


def _folding(case: Case, stored_case: Case | None, count: int) -> str:
    if stored_case is None:
        return f"{count} entries follow on each other; the case is {case.state}."
    if stored_case == case:
        return f"{count} entries, folded again, give the case as it is stored."
    return f"{count} entries, folded again, do NOT give the case as it is stored."
