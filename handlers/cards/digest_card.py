"""The daily digest: what needs a decision, what is late, the week."""

from bot.cases.lifecycle import State
from bot.views.digest import Agreement, Counts, DigestView, Review
from handlers.cards.blocks import context_block, header_block, heading
from handlers.cards.charts import charts
from handlers.cards.rows import (
    Permalink,
    plain_rows,
    rows_with_decisions,
    rows_with_kind_choices,
)
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    escape_mrkdwn,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)

NO_COUNTS = Counts()
# The kinds that people disagreed with most come first.
MAX_AGREEMENTS = 8


def digest_card(digest: DigestView, permalink: Permalink) -> list[Json]:
    """Build the blocks of the digest."""
    date = f"{digest.on:%A %d %B}"
    counts = _describe_counts(digest.counts)
    blocks = [
        header_block(_headline(digest)),
        context_block(f"{date}  ·  since the last one: {counts}"),
    ]
    for line in digest.pauses:
        blocks.append(context_block(plain_text(f"⏸ Paused: {line}", 320)))
    blocks += _decisions(digest, permalink)
    blocks += _late(digest, permalink)
    blocks += _unhandled_cases(digest, permalink)
    blocks += charts(digest.days)
    if digest.review:
        blocks += _review(digest.review, permalink)
    return blocks


def digest_text(digest: DigestView) -> str:
    """Write the notification line of the digest."""
    first = ""
    if digest.needs:
        case = digest.needs[0].case
        first = f" First: {case.id} {case.signal.title}."
    counts = _describe_counts(digest.counts)
    text = f"{_headline(digest)}.{first} Since the last one: {counts}."
    return escape_mrkdwn(text, 300)


def rest_blocks(digest: DigestView, permalink: Permalink) -> list[Json]:
    """Build the remaining cases that need a decision, for the thread."""
    title = heading("What else waits for a decision")
    return [title, plain_rows(digest.rest, permalink)]


def _headline(digest: DigestView) -> str:
    # A digest that is drawn again still lists cases that have been decided since.
    states = [row.case.state for row in digest.needs]
    to_decide = states.count(State.PROPOSED) + digest.needs_more
    late = len(digest.late) + digest.late_more
    if to_decide:
        headline = f"{to_decide:,} to decide"
    elif digest.needs:
        headline = "Nothing left to decide"
    else:
        headline = "Nothing to decide"
    if late:
        headline += f", {late:,} late"
    return headline


def _describe_counts(counts: Counts) -> str:
    if counts == NO_COUNTS:
        return "nothing new"
    parts = [f"{counts.openings:,} new", f"{counts.resolutions:,} resolved"]
    optional_counts = (
        (counts.alone, "handled by itself"),
        (counts.rejections, "rejected"),
        (counts.clearings, "went away"),
        (counts.expiries, "expired"),
    )
    for count, label in optional_counts:
        if count:
            parts.append(f"{count:,} {label}")
    return ", ".join(parts)


def _decisions(digest: DigestView, permalink: Permalink) -> list[Json]:
    blocks: list[Json] = []
    if digest.needs:
        blocks.append(heading("Needs a decision"))
        blocks += rows_with_decisions("needs", digest.needs, permalink)
    if digest.needs_more:
        blocks.append(context_block(f"and {digest.needs_more:,} more, in the thread"))
    return blocks


def _late(digest: DigestView, permalink: Permalink) -> list[Json]:
    if not digest.late:
        return []
    blocks = [heading("Late, and who they wait on"), plain_rows(digest.late, permalink)]
    if digest.late_more:
        blocks.append(context_block(f"and {digest.late_more:,} more that are late"))
    return blocks


def _unhandled_cases(digest: DigestView, permalink: Permalink) -> list[Json]:
    if not digest.misses and not digest.questions:
        return []
    blocks = [heading("What I could not recognise or did not handle")]
    blocks += rows_with_kind_choices("unhandled", digest.misses, permalink)
    if digest.questions:
        count = _count_questions(digest.questions)
        text = f"{count} not understood or not answered well; `countersign questions` lists them"
        blocks.append(context_block(text))
    return blocks


def _count_questions(count: int) -> str:
    if count == 1:
        return "1 question was"
    return f"{count:,} questions were"


def _review(review: Review, permalink: Permalink) -> list[Json]:
    """Build the weekly review under a heading of its own."""
    blocks: list[Json] = [{"type": "divider"}, header_block("The week")]
    if review.blind:
        blocks.append(heading("Blind spots: say what they were"))
        blocks += rows_with_kind_choices("blind", review.blind, permalink)
    if review.agreements:
        blocks.append(_agreements(review.agreements))
    if review.slow:
        blocks.append(heading("Handed on before anybody decided"))
        blocks.append(plain_rows(review.slow, permalink))
    rework = f"{review.reopenings:,} opened again, {review.taken_back:,} taken back"
    blocks.append(context_block(f"*Done twice:* {rework}"))
    return blocks


def _agreements(agreements: tuple[Agreement, ...]) -> Json:
    items = [_agreement(agreement) for agreement in agreements[:MAX_AGREEMENTS]]
    title = text_run("Did people decide as recommended?", bold=True)
    return rich_text(paragraph(title), bullets(items))


def _agreement(agreement: Agreement) -> list[Json]:
    total = agreement.as_recommended + agreement.after_edit + agreement.otherwise
    numbers = (
        f"{agreement.as_recommended} of {total} as they stood,"
        f" {agreement.after_edit} after an edit, {agreement.otherwise} otherwise"
    )
    return [text_run(f"{clean(agreement.title, 60)}: ", bold=True), text_run(numbers)]
