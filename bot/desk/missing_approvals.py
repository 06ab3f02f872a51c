"""The approvals that a case still needs, by the current groups."""

import logging

from bot.cases.case import Case
from bot.cases.errors import ChatFailed
from bot.cases.group_lists import describe_gaps
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import MissingApprovals, missing_approvals
from bot.ports.directory import Directory
from bot.ports.library import Library

log = logging.getLogger(__name__)


def find_missing_approvals(
    case: Case, directory: Directory, library: Library
) -> MissingApprovals | None:
    """Return the missing approvals of a case that has some already.

    None when there are no approvals yet, or when the groups cannot be read.
    """
    verdict = case.proposal.verdict
    if case.state is not State.PROPOSED or verdict is None or not case.proposal.approvals:
        return None
    try:
        groups = directory.groups([factor.group for factor in verdict.factors])
    except ChatFailed as failure:
        # The card then counts the approvals, which is less and still true.
        log.warning("%s: groups cannot be read: %s", case.id, failure.error)
        return None
    votes = tuple(library.identities().distinct_votes(case.proposal.approvals))
    return missing_approvals(verdict.factors, votes, groups)


def describe_missing_groups(case: Case, directory: Directory) -> str:
    """Say why nobody can approve the plan.

    It is empty where somebody can, and while the groups cannot be read.
    """
    verdict = case.proposal.verdict
    if case.state is not State.PROPOSED or verdict is None:
        return ""
    try:
        gaps = directory.group_gaps(sorted({factor.group for factor in verdict.factors}))
    except ChatFailed as failure:
        log.warning("%s: groups cannot be read: %s", case.id, failure.error)
        return ""
    return describe_gaps(gaps)
