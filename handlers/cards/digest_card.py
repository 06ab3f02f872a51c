"""The daily digest: one screen, what needs a decision first, each row with buttons of its own. Readable as one line in a notification."""

from bot.cases.lifecycle import State
from bot.views.digest import Agreement, Counts, DigestView, Review
from handlers.cards.charts import charts
from handlers.cards.rows import Link, listed, nameable, pressable
from handlers.cards.text import Json, bullets, clean, context, escaped, paragraph, plain, rich, say

NO_COUNTS = Counts()


def digest_card(digest: DigestView, to: Link) -> list[Json]:
    """The blocks of the digest."""
    blocks: list[Json] = [{"type": "header", "text": plain(_headline(digest), 150)}]
    blocks.append(
        context(f"{digest.on:%A %d %B}  ·  since the last one: {_counted(digest.counts)}")
    )
    blocks += [context(plain(f"⏸ Paused: {line}", 320)) for line in digest.paused]
    if digest.needs:
        blocks += [_title("Needs a decision"), *pressable("needs", digest.needs, to)]
    if digest.needs_more:
        blocks.append(context(f"and {digest.needs_more:,} more, in the thread"))
    if digest.late:
        blocks += [_title("Late, and who they wait on"), listed(digest.late, to)]
        blocks += (
            [context(f"and {digest.late_more:,} more that are late")] if digest.late_more else []
        )
    if digest.unhandled or digest.questions:
        blocks += _unhandled(digest, to)
    blocks += charts(digest.days)
    return blocks + (_review(digest.review, to) if digest.review else [])


def digest_text(digest: DigestView) -> str:
    """The line in a notification."""
    first = (
        f" First: {digest.needs[0].case.id} {digest.needs[0].case.signal.title}."
        if digest.needs
        else ""
    )
    return escaped(
        f"{_headline(digest)}.{first} Since the last one: {_counted(digest.counts)}.", 300
    )


def rest_blocks(digest: DigestView, to: Link) -> list[Json]:
    """What else waits, for the thread."""
    return [_title("What else waits for a decision"), listed(digest.rest, to)]


def _headline(digest: DigestView) -> str:
    undecided = sum(row.case.state is State.PROPOSED for row in digest.needs)
    needs, late = undecided + digest.needs_more, len(digest.late) + digest.late_more
    decide = (
        f"{needs:,} to decide"
        if needs
        else "Nothing left to decide"
        if digest.needs
        else "Nothing to decide"
    )
    return f"{decide}{f', {late:,} late' if late else ''}"


def _counted(counts: Counts) -> str:
    if counts == NO_COUNTS:
        return "nothing new"
    parts = [f"{counts.opened:,} new", f"{counts.resolved:,} resolved"]
    others = (
        (counts.alone, "handled by itself"),
        (counts.rejected, "rejected"),
        (counts.cleared, "went away"),
        (counts.expired, "expired"),
    )
    return ", ".join([*parts, *(f"{many:,} {words}" for many, words in others if many)])


def _unhandled(digest: DigestView, to: Link) -> list[Json]:
    blocks: list[Json] = [_title("What I could not recognise or did not handle")]
    blocks += nameable("unhandled", digest.unhandled, to)
    if digest.questions:
        said = "1 question was" if digest.questions == 1 else f"{digest.questions:,} questions were"
        blocks.append(
            context(
                f"{said} not understood or not answered well; `countersign questions` lists them"
            )
        )
    return blocks


def _review(review: Review, to: Link) -> list[Json]:
    """The week, under its own heading."""
    blocks: list[Json] = [{"type": "divider"}, {"type": "header", "text": plain("The week", 150)}]
    if review.blind:
        blocks += [_title("Blind spots: say what they were"), *nameable("blind", review.blind, to)]
    if review.agreements:
        lines = bullets(
            [say(f"{clean(one.title, 60)}: ", bold=True), say(_agreed(one))]
            for one in review.agreements[:8]
        )
        blocks.append(rich(paragraph(say("Did people decide as recommended?", bold=True)), lines))
    if review.slow:
        blocks += [_title("Handed on before anybody decided"), listed(review.slow, to)]
    rework = f"{review.reopened:,} opened again, {review.taken_back:,} taken back"
    return [*blocks, context(f"*Done twice:* {rework}")]


def _agreed(one: Agreement) -> str:
    total = one.as_recommended + one.edited + one.otherwise
    return f"{one.as_recommended} of {total} as they stood, {one.edited} after an edit, {one.otherwise} otherwise"


def _title(words: str) -> Json:
    return rich(paragraph(say(words, bold=True)))
