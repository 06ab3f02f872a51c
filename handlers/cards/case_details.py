"""The window *Details*: the full record of a case, for auditors.

It opens with one press on the card.
"""

from collections.abc import Iterable, Mapping, Sequence

from bot.cases.case import Case
from bot.cases.plan import Action, Branch
from bot.cases.plan_tree import bounds
from bot.cases.recommendation import Recommendation
from bot.views.labels import Labels, start_upper
from bot.views.plan_words import step_labels
from handlers.cards.blocks import heading, label_paragraph, modal
from handlers.cards.case_words import case_wording, describe_approvals, headline
from handlers.cards.facts import fact_value, shown_facts
from handlers.cards.notes import precedent_items
from handlers.cards.plan_section import step_items
from handlers.cards.report import report_blocks
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    date_run,
    paragraph,
    quote,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, money_text

# Facts beyond these are in the ledger.
MAX_FACTS = 30
MAX_REASON = 600
# Far above what connectors accept as a value.
MAX_VALUE = 20_000
# The text of one block.
MAX_CHUNK = 2_500
CLOSE = "Close"
OWNER_TITLES = {"next": "asked next"}


def details_view(
    case: Case,
    labels: Labels,
    links: Mapping[str, str],
    stale_facts: Sequence[str] = (),
    owners: Mapping[str, str] | None = None,
) -> Json:
    """Build the window.

    ``links`` are the URLs of cards by case id. ``stale_facts`` are names of facts that were read
    too long ago. ``owners`` are the groups that answer for the kind, by role.
    """
    wording = case_wording(case, labels)
    blocks = [
        heading(headline(case, wording, 200)),
        *_what_happened(case, wording),
        *report_blocks(case),
        *_evidence(case, wording, stale_facts),
        *_plan(case, wording),
        *_recommendation(case, wording, links),
        *_policy(case, wording),
        *_owners(owners or {}),
        *_recognition(case),
        *_model_text(case),
    ]
    return modal(f"Details {case.id}", blocks, close=CLOSE)


def _what_happened(case: Case, wording: Wording) -> list[Json]:
    """Quote what the source says, and why it matters."""
    source = wording.system(case.shown_source)
    text = case.assessment.what or case.signal.title
    what = wording.prose(text, 900, lines=6) or "(no words)"
    blocks = [heading(f"What happened, according to {source}"), rich_text(quote(what))]
    parts = []
    if case.assessment.why:
        why = wording.prose(case.assessment.why, 600)
        parts.append(label_paragraph("Why it matters  ", why))
    if case.assessment.stake:
        parts.append(label_paragraph("At stake  ", money_text(case.assessment.stake)))
    if case.activity.signal_count > 1:
        parts.append(label_paragraph("Reported  ", f"{case.activity.signal_count:,} times"))
    approvals = describe_approvals(case)
    if approvals:
        parts.append(label_paragraph("Approved by  ", approvals))
    return [*blocks, *_block(parts)]


def _owners(owners: Mapping[str, str]) -> list[Json]:
    """Name the group that answers for the kind in each role."""
    if not owners:
        return []
    items = []
    for role, group in owners.items():
        label = start_upper(OWNER_TITLES.get(role, role))
        items.append([text_run(f"{label}  ", bold=True), text_run(f"@{clean(group, 60)}")])
    return [heading("Who answers for this kind"), rich_text(bullets(items))]


def _evidence(case: Case, wording: Wording, stale_facts: Sequence[str]) -> list[Json]:
    """List the facts with source and time, failed look-ups included."""
    # A window has no table block.
    facts = shown_facts(case)
    items = []
    for fact in facts[:MAX_FACTS]:
        source = wording.system(fact.source)
        item = [
            text_run(f"{clean(fact.label, 60)}  ", bold=True),
            text_run(f"{fact_value(fact, wording)} — {source}, "),
            date_run(fact.read_at),
        ]
        if fact.name in stale_facts:
            item.append(text_run(" ⚠ may have changed since"))
        items.append(item)
    more = len(facts) - MAX_FACTS
    if more > 0:
        items.append([text_run(f"{more} more facts are in the ledger")])
    if not items:
        return []
    return [heading("Evidence"), rich_text(bullets(items))]


def _plan(case: Case, wording: Wording) -> list[Json]:
    """Show each step with its target, parameters, dry run and progress."""
    plan = case.proposal.plan
    if plan is None:
        return []
    title = "Plan"
    if case.proposal.revision > 1:
        title += f" (revision {case.proposal.revision})"
    blocks = [heading(title)]
    if plan.is_dry_run:
        effect = "nothing was changed" if case.is_terminal else "nothing will be changed"
        blocks.append(rich_text(paragraph(text_run(f"Dry run: {effect}", bold=True))))
    # The steps of a tree have numbers of their own.
    is_numbered = not plan.branches
    blocks.append(rich_text(bullets(step_items(case, wording), is_numbered=is_numbered)))
    labels = step_labels(plan)
    for index, action in enumerate(plan.actions):
        parameters = _parameters(labels[index], action, wording)
        if plan.branches:
            parameters += _open_parameters(plan.branches[index], action, wording)
        blocks += _join_blocks(parameters)
    return blocks


def _open_parameters(branch: Branch, action: Action, wording: Wording) -> list[Json]:
    """Show the approved bounds of what an earlier step tells."""
    blocks = []
    for name, limit in branch.inputs.items():
        label = wording.parameter_label(action.name, name)
        text = wording.prose(f"{limit.words}, {bounds(limit)}; else it is asked again", MAX_REASON)
        blocks += _whole_text(f"{label}  ", text)
    return blocks


def _parameters(number: str, action: Action, wording: Wording) -> list[Json]:
    """Show everything that the approval of a step binds, unshortened."""
    system = wording.system(action.system)
    title = wording.action(action.name)
    target = wording.target(action.target, MAX_VALUE)
    blocks = _whole_text(f"Step {number}  ", f"{title} in {system}, on {target}")
    for name, value in action.parameters.items():
        label = wording.parameter_label(action.name, name)
        blocks += _whole_text(f"{label}  ", wording.parameter(value))
    return blocks


def _join_blocks(blocks: Iterable[Json]) -> list[Json]:
    """Join short paragraphs into as few blocks as their length allows."""
    joint_blocks: list[Json] = []
    room = 0
    for block in blocks:
        size = _length(block)
        if size <= room:
            last = joint_blocks[-1]
            joint_blocks[-1] = rich_text(*last["elements"], *block["elements"])
            room -= size
        else:
            joint_blocks.append(block)
            room = MAX_CHUNK - size
    return joint_blocks


def _length(block: Json) -> int:
    runs = [run for part in block["elements"] for run in part["elements"]]
    return sum(len(run["text"]) for run in runs)


def _whole_text(label: str, text: str) -> list[Json]:
    """Build a labelled text, over several blocks where it is long."""
    chunks = [text[start : start + MAX_CHUNK] for start in range(0, len(text), MAX_CHUNK)]
    first, *others = chunks or ["-"]
    parts = [label_paragraph(label, first)]
    parts += [paragraph(text_run(chunk)) for chunk in others]
    return [rich_text(part) for part in parts]


def _recommendation(case: Case, wording: Wording, links: Mapping[str, str]) -> list[Json]:
    """Show the reason, what else was considered, and the precedents."""
    recommendation = case.proposal.recommendation
    if recommendation is None:
        return []
    parts = []
    if recommendation.reason:
        reason = wording.prose(recommendation.reason, 500)
        parts.append(label_paragraph("Why this  ", reason))
    if recommendation.blocked:
        reason = wording.reason(recommendation.blocked, 500)
        parts.append(label_paragraph("No plan  ", reason))
    parts += _alternatives(recommendation, wording)
    parts += _confidence(recommendation, wording)
    blocks = [heading("Recommendation"), *_block(parts)]
    items = precedent_items(case, links, wording.labels)
    if items:
        blocks += [heading("Cases like it, the most alike first"), rich_text(bullets(items))]
    return blocks


def _alternatives(recommendation: Recommendation, wording: Wording) -> list[Json]:
    parts = []
    for alternative in recommendation.alternatives:
        title = wording.action(alternative.action)
        reason = wording.sentence(alternative.why_not, 300)
        parts.append(label_paragraph(f"Not “{title}”  ", reason))
    return parts


def _confidence(recommendation: Recommendation, wording: Wording) -> list[Json]:
    """Show how cases like it ended, the confidence and its basis."""
    parts = []
    if recommendation.memory:
        text = f"not available: {clean(recommendation.memory, 220)}"
        parts.append(label_paragraph("Precedents  ", text))
    elif recommendation.precedents:
        text = wording.prose(recommendation.precedents, 300)
        parts.append(label_paragraph("Precedents  ", text))
    if recommendation.confidence is not None:
        text = f"{recommendation.confidence} % likely to be approved unedited and to work"
        parts.append(label_paragraph("Confidence  ", text))
    if recommendation.basis:
        parts.append(label_paragraph("Basis  ", wording.prose(recommendation.basis, 400)))
    if recommendation.promise:
        parts.append(label_paragraph("Promise  ", wording.prose(recommendation.promise, 250)))
    return parts


def _policy(case: Case, wording: Wording) -> list[Json]:
    verdict = case.proposal.verdict
    if verdict is None:
        return []
    reason = wording.sentence(verdict.reason, MAX_REASON)
    text = f"{start_upper(verdict.tier.name.lower())} risk. {reason}"
    return [heading("Policy"), rich_text(paragraph(text_run(text)))]


def _recognition(case: Case) -> list[Json]:
    recognition = case.classification.recognition
    if recognition is None:
        return []
    guesses = ", ".join(
        f"{clean(guess.title, 80)} {guess.confidence} %" for guess in recognition.guesses
    )
    text = f"{clean(recognition.basis, 200)}. Closest: {guesses or 'none'}"
    return [heading("How the kind was found"), rich_text(paragraph(text_run(text)))]


def _model_text(case: Case) -> list[Json]:
    """Quote a model's text under a label, below everything that counts."""
    words = case.proposal.words
    if words is None:
        return []
    lines = [clean(words.what, 400), clean(words.why, 400)]
    if words.suggestion:
        lines.append(f"It would change: {clean(words.suggestion, 300)}")
    model = clean(words.model, 60)
    label = f"In other words, written by the model {model} and not checked"
    label_line = paragraph(text_run(label, italic=True))
    return [rich_text(label_line, quote("\n".join(lines)))]


def _block(parts: Iterable[Json]) -> list[Json]:
    """Build one block of paragraphs; nothing for none."""
    paragraphs = list(parts)
    return [rich_text(*paragraphs)] if paragraphs else []
