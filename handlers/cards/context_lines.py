"""Context lines of a waiting card: evidence, precedents, approvers and deadline.

A card has a budget of words. What must be known before a decision is always there; evidence and
precedents stand below it while there is room, and in Details otherwise.
"""

from dataclasses import dataclass
from typing import TypeVar

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.precedent import CaseOutcome
from bot.cases.recognition import Recognition
from bot.cases.verdict import Verdict
from bot.ports.card_store import CardContext
from handlers.cards.blocks import context_block
from handlers.cards.case_words import approver_name, owner_mention
from handlers.cards.facts import evidence_line
from handlers.cards.inquiry_message import inquiry_line
from handlers.cards.text import (
    Json,
    clean,
    count_words,
    describe_approvers,
    describe_missing,
    mrkdwn_date,
    plain_text,
)
from handlers.cards.wording import Wording

Elements = list[str | Json]
Part = TypeVar("Part", str, Elements)


@dataclass
class WordBudget:
    """The words that a card may still have."""

    words: int

    def fit(self, part: Part) -> Part:
        """Return the part and deduct its words from the budget.

        A part that does not fit is returned empty.
        """
        count = count_words(part)
        if count > self.words:
            return type(part)()
        self.words -= count
        return part


def context_blocks(
    case: Case,
    wording: Wording,
    card_context: CardContext,
    *,
    words_left: int,
    is_doubtful: bool,
) -> list[Json]:
    """Build at most two lines.

    ``is_doubtful``: something stands against a quick answer, so how others ended is no help. It is
    none either while somebody is asked.
    """
    names = [*_approvals(case), *_giver(card_context)]
    decision = _who_decides(case, card_context)
    # Whoever asked waits for the answer: it stands for the evidence, which is in Details.
    inquiry = inquiry_line(case)
    warning = _warning(case)
    budget = WordBudget(words_left - count_words([*names, *inquiry, warning, decision]))
    kind = budget.fit(_plain(_kind(case, wording)))
    evidence = inquiry or budget.fit(_evidence(case, wording))
    precedents = ""
    if not (is_doubtful or inquiry or warning):
        precedents = budget.fit(_precedents(case))
    expiry = budget.fit(_expiry(case))
    # One element of ours, as elements stand below each other on a phone.
    words = " · ".join(filter(None, [warning or precedents, decision, expiry]))
    blocks = [context_block(*evidence)] if evidence else []
    return [*blocks, context_block(*kind, *names, words)]


def _plain(text: str) -> Elements:
    return [plain_text(text, 300)] if text else []


def _evidence(case: Case, wording: Wording) -> Elements:
    # Where the outcome is in doubt, only the outside system has evidence.
    if case.state is State.OUTCOME_UNKNOWN:
        return []
    return evidence_line(case, wording)


def _approvals(case: Case) -> Elements:
    """Name everybody who approved; what they said stands in Details."""
    names = ", ".join(map(approver_name, case.proposal.approvals))
    if not names or case.state is not State.PROPOSED:
        return []
    return [plain_text(f"Approved by {names}", 300)]


def _giver(card_context: CardContext) -> Elements:
    """Name whoever handed the case over."""
    giver = clean(card_context.handed_over_by, 60)
    return _plain(f"Handed over by {giver}" if giver else "")


def _warning(case: Case) -> str:
    """Say why what was learned does not speak for the recommendation."""
    recommendation = case.proposal.recommendation
    if recommendation is None or case.state is not State.PROPOSED:
        return ""
    if recommendation.lapsed_percent is not None:
        return "⚠ Such plans were often wrong lately: please check"
    if recommendation.is_unlike_past:
        return "Unusual case: please check"
    return ""


def _precedents(case: Case) -> str:
    """Say in one statement of one set how cases like it ended."""
    recommendation = case.proposal.recommendation
    if recommendation is None or case.state is not State.PROPOSED:
        return ""
    if recommendation.memory:
        return "Cases like it are not available now"
    if recommendation.promised_percent is not None:
        # In as few words as the line that it stands for; Details has all of them.
        return f"Right {recommendation.promised_percent} times in 100"
    citations = [citation for citation in recommendation.citations if not citation.is_flagged]
    if not citations:
        return ""
    successes = 0
    for citation in citations:
        is_same_action = citation.action == recommendation.action
        if is_same_action and citation.ended == CaseOutcome.WORKED:
            successes += 1
    return f"{successes} of {len(citations)} like it worked"


def _kind(case: Case, wording: Wording) -> str:
    """Say for which kind an unnamed signal was taken, and by whom."""
    recognition = case.classification.recognition
    if recognition is None:
        return ""
    named_by = clean(case.classification.named_by, 60)
    if case.classification.is_novel:
        return f"{named_by} says that it is something new"
    if named_by:
        return f"{named_by} said what it is"
    if recognition.kind:
        return _guess(recognition, wording)
    return ""


def _guess(recognition: Recognition, wording: Wording) -> str:
    title = wording.labels.kind(recognition.kind)
    for guess in recognition.guesses:
        if guess.kind == recognition.kind:
            title = guess.title
            break
    return f"Taken for “{clean(title, 120)}”, {recognition.confidence} % sure"


def _who_decides(case: Case, card_context: CardContext) -> str:
    """Say in mrkdwn who decides, and by when."""
    verdict = case.proposal.verdict
    deadline = mrkdwn_date(case.timers.sla.decide_by)
    if case.state is not State.PROPOSED or verdict is None:
        return f"*With* {owner_mention(case)}, due by {deadline}"
    missing = card_context.missing_approvals
    label = "High risk" if verdict.tier is RiskTier.HIGH else "Decides"
    if missing:
        label = "High risk, still needed" if verdict.tier is RiskTier.HIGH else "Still needed"
        parts = [f"*{label}:* {describe_missing(missing)} by {deadline}"]
    else:
        parts = [f"*{label}:* {_name_approvers(verdict)} by {deadline}"]
    if case.proposal.approvals and not missing:
        parts.append(_count_approvals(case, verdict))
    if verdict.step_up:
        parts.append("each with their passkey")
    if card_context.handed_over_by:
        parts.append(f"with {owner_mention(case)}")
    return ", ".join(parts)


def _expiry(case: Case) -> str:
    """Say when the approval expires, unless that is the decision deadline."""
    expires_at = case.proposal.expires_at
    if case.state is not State.PROPOSED or expires_at is None:
        return ""
    if case.timers.is_escalated or expires_at < case.timers.sla.decide_by:
        return f"approval expires {mrkdwn_date(expires_at)}"
    return ""


def _name_approvers(verdict: Verdict) -> str:
    """Name the people who may approve, in mrkdwn.

    Groups of which one approval is enough have no count.
    """
    approvers = describe_approvers(verdict.factors)
    is_one_of_each = all(factor.count == 1 for factor in verdict.factors)
    # With commas it is a list of people, of whom one is enough.
    if is_one_of_each and "," not in approvers:
        return approvers.replace("one of ", "")
    return approvers


def _count_approvals(case: Case, verdict: Verdict) -> str:
    """Count the approvals.

    There may be enough of them, and still none from a group that is required.
    """
    count = len(case.proposal.approvals)
    if count < verdict.approvals_needed:
        return f"{count} of {verdict.approvals_needed} given"
    return f"{count} given, but not yet a person of its own for each"
