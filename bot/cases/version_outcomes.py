"""Outcomes of cases that end a version of a playbook."""

from collections.abc import Iterable

from bot.cases.autonomy import bad_outcomes_after
from bot.cases.case import Case
from bot.cases.control_commands import EndVersion, TakeVersionBack
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, is_version_kind
from bot.cases.entries import Entry, Rejected
from bot.cases.errors import NoLongerAlone
from bot.cases.plan import DRY_RUN, Plan


def version_ends_after(
    before: Case | None, entries: Iterable[Entry], after: Case
) -> tuple[TakeVersionBack | EndVersion, ...]:
    """List what a case that turned out wrong, or a rejection, ends.

    Whether that version is still on trial or watched is decided where it is written.
    """
    if before is None:
        return ()
    if is_version_kind(before.kind):
        return tuple(_rejections(before, entries))
    checksum = before.assessment.playbook_version
    if not checksum:
        return ()
    return tuple(
        TakeVersionBack(
            kind=score.kind,
            checksum=checksum,
            reason=f"{score.case_id} was {score.bad_outcome}: {score.bad_reason}".rstrip(": "),
            on_case=score.case_id,
        )
        for score in bad_outcomes_after(before, after)[:1]
    )


def _rejections(case: Case, entries: Iterable[Entry]) -> Iterable[EndVersion]:
    """Yield the end of the version that people did not want."""
    # Whoever sends signals from outside names no version here.
    if case.signal.source != DESK_SOURCE:
        return
    facts = case.signal.facts
    for entry in entries:
        if isinstance(entry.body, Rejected):
            yield EndVersion(
                kind=str(facts.get("of_kind", "")),
                checksum=str(facts.get("version", "")),
                reason=entry.body.note or entry.body.reason.description,
                by_name=entry.body.by_name,
                on_case=str(case.id),
            )


def must_be_of_live_version(case: Case, plan: Plan, controls: DeskControls) -> None:
    """Refuse to begin alone by a version that is not in force.

    It is called in the transaction that begins the step.

    Raises:
        NoLongerAlone: people decide about the plan now.
    """
    versions, checksum = controls.versions_of(plan.playbook), case.assessment.playbook_version
    if versions is None or not checksum or plan.mode == DRY_RUN:
        return
    if checksum != versions.in_force.checksum:
        raise NoLongerAlone("another version of the playbook is in force now")
