"""The card of a case: what happened, why it matters, the evidence, one plan, who decides and until when, and what came of it."""

import re

from bot.cases.actor import is_person
from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import State
from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import RiskTier, Ruling, Verdict
from bot.cases.recommendation import Recommendation
from bot.ports.card_store import CardContext
from handlers.cards import ids
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    context,
    escaped,
    groups,
    handle,
    paragraph,
    plain,
    quote,
    rich,
    say,
    when,
)

MOST_EVIDENCE = 12
# A guess that is less likely than this (per cent) is noise on a card.
LEAST_LIKELY = 3
PERSON = re.compile(r"[A-Z0-9]+/[UW][A-Z0-9]+")
PLAIN = CardContext()
MOST_OFFERS = 5
MAX_REASON, MAX_CONFIRM = 300, 300
MARKS = {
    State.OPEN: ":hourglass_flowing_sand: Looking into it",
    State.PROPOSED: ":large_yellow_circle: Waiting for a decision",
    State.REFERRED: ":bust_in_silhouette: Needs a person",
    State.SNOOZED: ":zzz: Snoozed",
    State.APPROVED: ":white_check_mark: Approved, about to be carried out",
    State.RUNNING: ":gear: Being carried out",
    State.OUTCOME_UNKNOWN: ":question: Outcome unknown: somebody must look",
    State.RESOLVED: ":white_check_mark: Resolved",
    State.REJECTED: ":no_entry: Rejected",
    State.EXPIRED: ":hourglass: Expired, nothing was done",
    State.CLEARED: ":wind_blowing_face: Cleared by itself, nothing was done",
}
STEP_MARKS = {
    StepState.STARTED: "running",
    StepState.ACCEPTED: "accepted, not visible there yet",
    StepState.LANDED: "done",
    StepState.FAILED: "failed",
    StepState.ABSENT: "did not happen",
    StepState.DEFERRED: "waiting to be tried again",
    StepState.UNKNOWN: "outcome unknown",
    StepState.MISSING: "not found there yet, looked for again",
    StepState.UNDOING: "being undone",
    StepState.UNDO_UNKNOWN: "being undone, outcome unknown",
    StepState.UNDO_MISSING: "being undone, not found there yet",
    StepState.UNDONE: "undone",
    StepState.ABSENT: "did not happen",
}


def case_card(case: Case, look: CardContext = PLAIN) -> list[Json]:
    """The blocks of the card, from the state alone; ``look`` says what holds beside it."""
    blocks: list[Json] = [
        {"type": "header", "text": plain(_headline(case), 150)},
        context(_status(case)),
    ]
    if look.paused:
        blocks.append(
            context(":double_vertical_bar: *Paused: nothing runs.*", plain(look.paused, 400))
        )
    blocks += _ending(case)
    if look.is_undoable:
        blocks += _undo_votes(case)
    blocks.append(
        rich(
            paragraph(
                say(f"What happened, according to {clean(case.signal.source, 40)}", bold=True)
            ),
            quote(_what(case)),
        )
    )
    if case.why:
        blocks.append(
            rich(paragraph(say("Why it matters  ", bold=True), say(clean(case.why, 600, lines=3))))
        )
    blocks += _recognition(case)
    blocks += _evidence(case)
    blocks += _plan(case)
    blocks += _words(case)
    blocks.append(context(*_who(case)))
    names = _names(case)
    if names:
        blocks.append({"type": "actions", "block_id": f"kind:{ids.token(case)}", "elements": names})
    buttons = _buttons(case, look)
    if buttons:
        blocks.append(
            {"type": "actions", "block_id": f"case:{ids.token(case)}", "elements": buttons}
        )
    return blocks


def notification(case: Case) -> str:
    """The line in a notification: plain words, nothing live in it."""
    return escaped(f"{case.id}: {case.signal.title} — {case.state}", 250)


def superseded_card(case: Case) -> list[Json]:
    """What is left of an older card of the same case: no buttons, and where to look."""
    named = (
        f"{case.named_by} says what it is: {case.kind.replace('_', ' ')}" if case.named_by else ""
    )
    because = "; ".join(case.drifted) or case.reopened or named or "it came up again"
    return [
        {"type": "header", "text": plain(_headline(case), 150)},
        context(":arrows_counterclockwise: Replaced by a newer card in this channel"),
        rich(paragraph(say("Why  ", bold=True), say(clean(because, 500)))),
    ]


def _headline(case: Case) -> str:
    stake = f" · {case.stake}" if case.stake else ""
    return f"{case.id} · {clean(case.signal.title, 110)}{stake}"


def _status(case: Case) -> str:
    parts = [f"*{MARKS[case.state]}*"]
    if case.state is State.SNOOZED and case.snoozed_until:
        parts.append(f"until {when(case.snoozed_until)}")
    if case.state is State.PROPOSED and case.expires_at:
        parts.append(f"decide by {when(case.expires_at)}")
    if case.verdict and case.state in {State.PROPOSED, State.APPROVED}:
        parts.append(f"{case.verdict.tier.name.lower()} risk")
    if case.count > 1:
        parts.append(f"seen {case.count:,} times")
    if case.cleared_at and case.state is not State.CLEARED:
        parts.append("the source says it has cleared")
    if case.conflicts:
        parts.append(f":warning: {case.conflicts} contradictory deliveries kept aside")
    return "  ·  ".join(parts)


def _what(case: Case) -> str:
    return clean(case.what or case.signal.title, 900, lines=6) or "(no words)"


def _ending(case: Case) -> list[Json]:
    """Who, when, why: what a person sees first once something has been decided."""
    lines = []
    if case.approvals:
        names = ", ".join(map(_who_approved, case.approvals))
        notes = "".join(f" — “{clean(given.note, 200)}”" for given in case.approvals if given.note)
        lines.append(paragraph(say("Approved by ", bold=True), say(f"{names}{notes}")))
    ending = case.ending
    if ending and case.state is State.REJECTED:
        note = f" — “{clean(ending.note, 300)}”" if ending.note else ""
        lines.append(
            paragraph(
                say(f"Rejected by {clean(ending.by, 60)}: ", bold=True),
                say(f"{ending.reason}{note}"),
            )
        )
    elif ending and case.state is not State.PROPOSED:
        by = (
            f" ({clean(ending.by, 60)})"
            if ending.by and ending.by != "countersign" and not ending.by.startswith("source:")
            else ""
        )
        note = f" — {clean(ending.note, 500)}" if ending.note else ""
        lines.append(
            paragraph(say(clean(ending.reason, 700).capitalize(), bold=True), say(f"{by}{note}"))
        )
    if case.drifted and not case.is_terminal:
        lines.append(
            paragraph(
                say("Asked again because ", bold=True), say(clean("; ".join(case.drifted), 500))
            )
        )
    if case.reopened and not case.is_terminal:
        lines.append(paragraph(say("Opened again: ", bold=True), say(clean(case.reopened, 300))))
    return [rich(*lines)] if lines else []


def _undo_votes(case: Case) -> list[Json]:
    """Who has said that it is taken back, and what that still waits for."""
    given, verdict = case.undo_approvals, case.verdict
    if case.state is not State.RESOLVED or not given or not verdict or not case.undo_until:
        return []
    votes = ", ".join(f"{_who_approved(vote)} — “{clean(vote.note, 200)}”" for vote in given)
    so_far = f"{len(case.undo_approvals)} of {case.undo_votes_needed} say take it back: "
    who, until = groups(verdict.factors), when(case.undo_until)
    waits = f"It takes {who} to say so, until {until}; after that it stays as it is"
    return [rich(paragraph(say(so_far, bold=True), say(votes))), context(waits)]


def _who_approved(given: Approval) -> str:
    if given.person.startswith("policy:"):
        return "policy, by itself"
    behalf = f" for {clean(given.behalf_name, 60)}" if given.behalf_of else ""
    return f"{clean(given.name, 60)}{behalf}{', ALONE in an emergency' if given.emergency else ''}"


def _evidence(case: Case) -> list[Json]:
    """The facts as a table. A look-up that failed is a row like any other, and says so."""
    shown = [fact for fact in case.evidence if fact.label]
    if not shown:
        return []
    head = [_cell(title) for title in ("Fact", "Value", "Source", "Read")]
    rows = [
        [
            _cell(clean(fact.label, 60)),
            _cell(_value(fact)),
            _cell(clean(fact.source, 30)),
            _cell(f"{fact.read_at:%H:%M} UTC"),
        ]
        for fact in shown[:MOST_EVIDENCE]
    ]
    table: Json = {"type": "table", "rows": [head, *rows]}
    more = len(shown) - MOST_EVIDENCE
    return [table, context(f"{more} more facts are in the ledger")] if more > 0 else [table]


def _cell(text: str) -> Json:
    return {"type": "raw_text", "text": text or "-"}


def _value(fact: Evidence) -> str:
    if fact.failure is not None:
        return f"could not be read: {clean(fact.failure, 140)}"
    if isinstance(fact.value, float):
        return f"{fact.value:,.2f}".removesuffix(".00")
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    return clean(str(fact.value), 160) if fact.value is not None else "none"


def _plan(case: Case) -> list[Json]:
    """The plan, from the bytes that will run; then why, on what basis, and what else was considered."""
    recommendation = case.recommendation
    if case.plan is None:
        return [context(*_precedents(recommendation))] if recommendation else []
    title = "Plan" if case.state not in {State.PROPOSED, State.OPEN} else "Recommended plan"
    revised = f" (revision {case.revision})" if case.revision > 1 else ""
    steps = [_step(case, index, action) for index, action in enumerate(case.plan.actions)]
    parts = [
        paragraph(say(f"{title}{revised}", bold=True)),
        *_dry_run(case),
        bullets(steps, ordered=True),
    ]
    if case.changes:
        edits = ", ".join(
            f"{change.field} {change.before} → {change.after}" for change in case.changes
        )
        parts.append(paragraph(say("Edited: ", bold=True), say(clean(edits, 400))))
    blocks = [rich(*parts)]
    if recommendation:
        why = [paragraph(say("Why this  ", bold=True), say(clean(recommendation.reason, 300)))]
        considered = "; ".join(
            f"{item.action}: {item.why_not}" for item in recommendation.alternatives
        )
        if considered:
            why.append(paragraph(say("Also considered  ", bold=True), say(clean(considered, 300))))
        blocks.append(rich(*why))
        blocks.append(context(*_precedents(recommendation), _sureness(recommendation)))
    return blocks


def _dry_run(case: Case) -> list[Json]:
    """Say before the steps that they are only rehearsed."""
    if case.plan is None or not case.plan.is_dry_run:
        return []
    words = "nothing was changed" if case.is_terminal else "nothing will be changed"
    return [paragraph(say(f"Dry run: {words}", bold=True))]


def _precedents(recommendation: Recommendation) -> list[str | Json]:
    """How like cases ended, or why nobody can say; and whether any of them is not to be trusted."""
    if recommendation.memory:
        return [plain(f"Precedents: not available: {recommendation.memory}", 220)]
    flagged = sum(citation.is_flagged for citation in recommendation.citations)
    stale = sum(citation.is_stale for citation in recommendation.citations)
    marks = [f"{stale} older than a year"] if stale else []
    marks += [f":warning: {flagged} with text that gives orders, not counted"] if flagged else []
    return [
        plain(f"Precedents: {recommendation.precedents or 'none found'}", 220),
        "  ·  ".join(marks),
    ]


def _sureness(recommendation: Recommendation) -> Json:
    """How sure, on what basis, and what of it is promised."""
    sure = (
        f"Confidence {recommendation.confidence} % · "
        if recommendation.confidence is not None
        else ""
    )
    promise = f" · {clean(recommendation.promise, 200)}" if recommendation.promise else ""
    return plain(f"{sure}Basis: {clean(recommendation.basis, 400)}{promise}", 700)


def _recognition(case: Case) -> list[Json]:
    """What recognition made of a signal whose source did not say what it is."""
    found = case.recognition
    if found is None:
        return []
    if case.named_by:
        said = (
            "is something new"
            if case.is_novel
            else f"is “{clean(case.kind.replace('_', ' '), 200)}”"
        )
        return [context(plain(f"🏷 {clean(case.named_by, 60)} says that it {said}", 300))]
    if found.kind:
        title = next(
            (guess.title for guess in found.guesses if guess.kind == found.kind), found.kind
        )
        said = f"Taken for “{clean(title, 200)}”, {found.confidence} % sure ({clean(found.basis, 200)})"
        return [context(plain(f"🏷 {said}", 450))]
    urgent = (
        ":small_red_triangle: *Nothing like it is known, and much is at stake: asked first.*"
        if case.is_urgent
        else ""
    )
    basis = f"🏷 Not recognised ({clean(found.basis, 200)}). Your answer below is learned from."
    return [context(urgent, plain(basis, 300))]


def _names(case: Case) -> list[Json]:
    """The best guesses as buttons; any other kind, or none, is two presses away."""
    found = case.recognition
    if case.state is not State.REFERRED or found is None or found.kind or case.named_by:
        return []
    token = ids.token(case)
    likely = [guess for guess in found.guesses if guess.confidence >= LEAST_LIKELY]
    guesses = [
        _button(f"{_kind(guess.kind)} ({guess.confidence} %)", action_id, f"{guess.kind} {token}")
        for action_id, guess in zip(
            (ids.NAME_FIRST, ids.NAME_SECOND, ids.NAME_THIRD), likely, strict=False
        )
    ]
    return [
        *guesses,
        _button("Another kind…", ids.ANOTHER_KIND, token),
        _button("Something new", ids.NOVEL, token),
    ]


def _kind(kind: str) -> str:
    return clean(kind.replace("_", " ").capitalize(), 50)


def _words(case: Case) -> list[Json]:
    """A model's words, quoted and labelled, below everything that counts."""
    words = case.words
    if words is None or case.is_terminal:
        return []
    suggested = f"\nIt would change: {clean(words.suggestion, 300)}" if words.suggestion else ""
    said = f"{clean(words.what, 400)}\n{clean(words.why, 400)}{suggested}"
    label = say(
        f"In other words, written by the model {clean(words.model, 60)} and not checked",
        italic=True,
    )
    return [rich(paragraph(label), quote(said))]


def _step(case: Case, index: int, action: Action) -> list[Json]:
    parts = [say(clean(action.summary, 200), bold=True)]
    if index < len(case.steps):
        record = case.steps[index]
        detail = f" ({clean(record.detail, 150)})" if record.detail else ""
        parts.append(say(f"  {STEP_MARKS[record.state]}{detail}"))
    else:
        undo = _undo(action)
        parts.append(say(f"  {_money(action.amount)}{undo}. Dry run: {clean(action.preview, 250)}"))
    return parts


def _undo(action: Action) -> str:
    if not action.reversible:
        return "CANNOT be undone"
    minutes = int(action.undo_for.total_seconds() // 60)
    return f"can be taken back for {minutes} minutes" if minutes else "can be undone"


def _money(amount: Money | None) -> str:
    return f"{amount}, " if amount else ""


def _who(case: Case) -> list[str | Json]:
    """Owner, who may approve and how many, and the rule that says so.

    The reason of a verdict quotes the plan, and so what a source has sent: it is never read as markup.
    """
    owner = (
        f"<@{case.owner.rpartition('/')[2]}>"
        if PERSON.fullmatch(case.owner)
        else f"@{handle(case.owner)}"
    )
    lines: list[str | Json] = [f"*Owner* {owner}  ·  *Opened* {when(case.opened_at)}"]
    verdict = case.verdict
    if verdict and case.state is State.PROPOSED:
        given = f" ({_heard(case, verdict)})" if case.approvals else ""
        given += ", each with their passkey" if verdict.step_up else ""
        lines.append(f"*May approve* {groups(verdict.factors)}{given}")
        lines.append(
            plain(f"Policy: {clean(verdict.reason, MAX_REASON)} ({verdict.rule})", 2 * MAX_REASON)
        )
    elif verdict and verdict.ruling is Ruling.REFUSE:
        reason = f"Policy refuses: {clean(verdict.reason, MAX_REASON)} ({verdict.rule})"
        lines.append(plain(reason, 2 * MAX_REASON))
    return lines


def _heard(case: Case, verdict: Verdict) -> str:
    """Say how many have said yes; enough of them may still leave a place empty."""
    if len(case.approvals) < verdict.approvals_needed:
        return f"{len(case.approvals)} of {verdict.approvals_needed} given"
    return f"{len(case.approvals)} given, but not yet a person of its own for each"


def _buttons(case: Case, look: CardContext) -> list[Json]:
    """Never a dead button: each state has only those that do something now."""
    token = ids.token(case)
    more = _more(case, token)
    claim = [] if is_person(case.owner) else [_button("I'm on it", ids.CLAIM, token)]
    if case.state is State.PROPOSED:
        edit = (
            [_button("Edit…", ids.EDIT, token)]
            if case.recommendation and case.recommendation.editable
            else []
        )
        return [
            _approve(case, token),
            *edit,
            _button("Reject…", ids.REJECT, token, style="danger"),
            more,
        ]
    if case.state is State.REFERRED:
        by_hand = _button("Handled by hand…", ids.RESOLVE, token)
        return [
            by_hand,
            *claim,
            _button("Try again", ids.TRY_AGAIN, token),
            _button("Reject…", ids.REJECT, token, style="danger"),
            more,
        ]
    if case.state is State.OUTCOME_UNKNOWN:
        return [_button("I have looked…", ids.SETTLE, token, style="primary"), *claim, more]
    if look.is_undoable and case.state is State.RESOLVED:
        return [_button("Take back…", ids.UNDO, token)]
    return [more] if not case.is_terminal else []


def row_buttons(case: Case) -> list[Json]:
    """What can be decided with one press from a list: yes or no. Everything else is on the card."""
    if case.state is not State.PROPOSED:
        return []
    token = ids.token(case)
    return [_approve(case, token), _button("Reject…", ids.REJECT, token)]


def name_buttons(case: Case) -> list[Json]:
    """The best guesses for what was not recognised."""
    return _names(case)


def _approve(case: Case, token: str) -> Json:
    tier = case.verdict.tier if case.verdict else RiskTier.HIGH
    if tier is RiskTier.HIGH:
        # No colour that nudges, and a form that asks for words.
        return _button("Approve…", ids.APPROVE_WITH_REASON, token)
    if tier is RiskTier.LOW or case.plan is None:
        return _button("Approve", ids.APPROVE, token, style="primary")
    words = confirmed_words(case.plan)
    if words is None:
        # Too much to be said in a dialog: the form has room for all of it.
        return _button("Approve…", ids.APPROVE_WITH_REASON, token, style="primary")
    return {
        **_button("Approve", ids.APPROVE, token, style="primary"),
        "confirm": _confirm(case, words),
    }


def _confirm(case: Case, words: str) -> Json:
    return {
        "title": plain(f"Approve {case.id}?", 100),
        "text": plain(words, MAX_CONFIRM),
        "confirm": plain("Approve", 30),
        "deny": plain("Not yet", 30),
    }


def confirmed_words(plan: Plan) -> str | None:
    """Repeat amount and target whole, then as many steps as there is room for; None when amount and target have none."""
    amount = f"Amount: {plan.amount}. " if plan.amount else ""
    targets = [
        clean(target, 10_000) for target in dict.fromkeys(action.target for action in plan.actions)
    ]
    head = f"{amount}Target{'s' if len(targets) > 1 else ''}: {', '.join(targets)}."
    steps = [clean(action.summary, 80) for action in plan.actions]
    for shown in range(len(steps), -1, -1):
        more = len(steps) - shown
        rest = [f"and {more} more" if shown else f"{more} steps"] if more else []
        words = f"{head} {'; '.join([*steps[:shown], *rest])}."
        # Slack counts as JavaScript does: an emoji is two.
        if len(words.encode("utf-16-le")) // 2 <= MAX_CONFIRM:
            return words
    return None


def _more(case: Case, token: str) -> Json:
    offers = [(ids.HAND_OVER, "Hand over…")]
    if case.state in {State.PROPOSED, State.REFERRED}:
        offers.append((ids.SNOOZE, "Snooze…"))
    if case.approvals and case.state in {State.PROPOSED, State.APPROVED}:
        offers.append((ids.WITHDRAW, "Withdraw my approval"))
    if case.recommendation and case.recommendation.citations:
        offers.append((ids.PRECEDENTS, "Precedents"))
    offers.append((ids.TRAIL, "Trail"))
    if case.state is State.PROPOSED and not is_person(case.owner) and len(offers) < MOST_OFFERS:
        offers.insert(0, (ids.CLAIM_IT, "I'm on it"))
    options = [{"text": plain(label), "value": f"{name} {token}"} for name, label in offers]
    return {"type": "overflow", "action_id": ids.MORE, "options": options}


def _button(label: str, action_id: str, value: str, *, style: str = "") -> Json:
    button: Json = {"type": "button", "action_id": action_id, "text": plain(label), "value": value}
    return {**button, "style": style} if style else button
