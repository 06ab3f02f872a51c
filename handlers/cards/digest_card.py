"""The daily digest: what waits for whom, the money, and the week."""

from collections.abc import Sequence

from bot.cases.plan import Money
from bot.views.calls import MissedCall
from bot.views.digest import Agreement, Counts, DigestMoney, DigestView, Review
from bot.views.labels import start_upper
from bot.views.promises import LapsedPromise
from bot.views.queue_health import BusyQueue
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, context_block, header_block, heading, modal
from handlers.cards.charts import charts, is_telling, without_charts
from handlers.cards.inquiry_message import frequent_inquiries
from handlers.cards.question_list import review_lines
from handlers.cards.rows import Permalink, case_rows, plain_rows
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
from handlers.cards.wording import money_text

NO_COUNTS = Counts()
# The kinds that people disagreed with most come first.
MAX_AGREEMENTS = 8
MAX_PAUSES = 2
MAX_LAPSES = 5
MAX_LAPSE = 500
MAX_BUSY_QUEUES = 3
# Slack accepts no more in a message.
MAX_BLOCKS = 50
# From these shares on people agreed always, mostly, or in half of the cases.
MOSTLY = 0.75
HALF = 0.5


def digest_card(digest: DigestView, permalink: Permalink) -> list[Json]:
    """Build the blocks of the digest."""
    date = f"{digest.on:%A} {digest.on.day} {digest.on:%B}"
    counts = _describe_counts(digest.figures.counts)
    blocks = [
        header_block(_headline(digest)),
        context_block(f"{date}  ·  since the last one: {counts}"),
    ]
    money = _describe_money(digest.figures.money)
    if money:
        blocks.append(context_block(plain_text(money, 300)))
    for line in digest.pauses[:MAX_PAUSES]:
        blocks.append(context_block(plain_text(f"⏸ {start_upper(line)}", 320)))
    blocks += _section(
        digest.needs,
        permalink,
        name="needs",
        title="Needs a decision",
    )
    blocks += _section(
        digest.persons,
        permalink,
        name="persons",
        title="Needs a person",
    )
    blocks += _section(
        digest.others,
        permalink,
        name="others",
        title="Waiting on others",
    )
    blocks += _section(
        digest.later,
        permalink,
        name="later",
        title="Snoozed or handed over",
    )
    blocks += _more(digest)
    blocks += _plain_section("Expired without a decision", digest.expiries, permalink)
    open_reviews = "Done alone: was it right? Please say so on the card"
    blocks += _plain_section(open_reviews, digest.open_reviews, permalink)
    blocks += _questions(digest)
    review = _review(digest.review, permalink) if digest.review else []
    trend = charts(digest.figures.days) if is_telling(digest.figures.days) else []
    questions = review_lines(digest.review.questions) if digest.review else []
    # The numbers and the questions may be left out on a full day; the cases may not.
    room = MAX_BLOCKS - len(blocks) - len(review)
    if digest.review and digest.review.figures and room > 0:
        # Below the heading of the week.
        review.insert(2, context_block(plain_text(" ".join(digest.review.figures), 600)))
        room -= 1
    if len(questions) > room:
        questions = []
    if len(trend) > room - len(questions):
        trend = []
    return [*blocks, *trend, *review, *questions]


def _plain_section(title: str, rows: Sequence[CaseRow], permalink: Permalink) -> list[Json]:
    """Build a titled list without buttons; nothing for no rows."""
    return [heading(title), plain_rows(rows, permalink)] if rows else []


def digest_text(digest: DigestView) -> str:
    """Write the notification line of the digest."""
    first = ""
    for row in (*digest.needs, *digest.persons)[:1]:
        first = f" First: {row.case.id} {row.case.signal.title}."
    money = _describe_money(digest.figures.money)
    end = f" {money}." if money else ""
    return escape_mrkdwn(f"{_headline(digest)}.{first}{end}", 300)


def rest_blocks(digest: DigestView, permalink: Permalink) -> list[Json]:
    """Build the other open cases, for the thread."""
    return [heading("What else is open"), *case_rows("rest", digest.rest, permalink)]


def _headline(digest: DigestView) -> str:
    counts = digest.figures.open
    parts = []
    if counts.to_decide:
        parts.append(f"{counts.to_decide:,} to decide")
    if counts.to_handle:
        verb = "needs" if counts.to_handle == 1 else "need"
        parts.append(f"{counts.to_handle:,} {verb} a person")
    if not parts:
        # A digest that is drawn again still lists cases that have been decided since.
        parts.append("Nothing left to decide" if digest.needs else "Nothing to decide")
    if counts.late:
        parts.append(f"{counts.late:,} late")
    if counts.due_soon:
        parts.append(f"{counts.due_soon:,} due before the next digest")
    return ", ".join(parts)


def _describe_counts(counts: Counts) -> str:
    if counts == NO_COUNTS:
        return "nothing new"
    parts = [f"{counts.openings:,} new", f"{counts.resolutions:,} resolved"]
    optional_counts = (
        (counts.alone, "handled without anybody"),
        (counts.rejections, "rejected"),
        (counts.clearings, "gone by itself" if counts.clearings == 1 else "gone by themselves"),
        (counts.expiries, "expired"),
    )
    for count, label in optional_counts:
        if count:
            parts.append(f"{count:,} {label}")
    return ", ".join(parts)


def _describe_money(money: DigestMoney) -> str:
    parts = []
    labels = (
        (money.at_stake, "at stake in open cases"),
        (money.turnover, "moved"),
        (money.losses, "lost to expiry"),
    )
    for amounts, label in labels:
        if amounts:
            parts.append(f"{_join_amounts(amounts)} {label}")
    return ", ".join(parts)


def _join_amounts(amounts: Sequence[Money]) -> str:
    return " and ".join(money_text(amount) for amount in amounts)


def _section(rows: Sequence[CaseRow], permalink: Permalink, *, name: str, title: str) -> list[Json]:
    if not rows:
        return []
    return [heading(title), *case_rows(name, rows, permalink)]


def digest_modal(digest: DigestView, permalink: Permalink) -> Json:
    """Build the window that shows a digest to one person."""
    return modal(
        "Digest",
        without_charts(digest_card(digest, permalink)),
        close="Close",
    )


def _more(digest: DigestView) -> list[Json]:
    """Build the button to the open cases without a row."""
    if not digest.more:
        return []
    show_all = button(f"Show all, {digest.more:,} more", ids.SHOW_ALL, _list_key(digest.place))
    return [actions_block("digest:all", [show_all])]


def _list_key(place: str) -> str:
    """Return the key of the list of all cases of this digest."""
    return "visible" if "/" in place else f"channel:{place}"


def _questions(digest: DigestView) -> list[Json]:
    """Count the questions to review, with the button that lists them."""
    count, since = digest.figures.questions, digest.figures.since
    if not count:
        return []
    if since is None:
        return [context_block(_describe_questions(count))]
    value = f"{digest.place} {int(since.timestamp())}"
    line: Json = {
        "type": "section",
        "block_id": "digest:questions",
        "text": plain_text(_describe_questions(count), 200),
        "accessory": button("Show them", ids.REVIEW_QUESTIONS, value),
    }
    return [line]


def _describe_questions(count: int) -> str:
    if count == 1:
        return "1 question was not understood or not answered well"
    return f"{count:,} questions were not understood or not answered well"


def _review(review: Review, permalink: Permalink) -> list[Json]:
    """Build the weekly review under a heading of its own."""
    blocks: list[Json] = [{"type": "divider"}, header_block("The week")]
    if review.blind:
        blocks.append(heading("Blind spots: say what they were"))
        blocks += case_rows("blind", review.blind, permalink)
    if review.agreements:
        blocks.append(_agreements(review.agreements))
    if review.inquiries:
        blocks.append(frequent_inquiries(review.inquiries))
    if review.slow:
        blocks.append(heading("Escalated before anybody decided"))
        blocks.append(plain_rows(review.slow, permalink))
    if review.misses:
        blocks.append(_misses(review.misses))
    if review.lapses:
        blocks.append(_lapses(review.lapses))
    for queue in review.busy_queues[:MAX_BUSY_QUEUES]:
        blocks.append(_busy_queue(queue))
    if review.reopenings or review.taken_back:
        rework = f"{review.reopenings:,} opened again, {review.taken_back:,} taken back"
        blocks.append(context_block(f"*Rework:* {rework}"))
    return blocks


def _lapses(lapses: tuple[LapsedPromise, ...]) -> Json:
    items = []
    for lapse in lapses[:MAX_LAPSES]:
        items.append(
            [
                text_run(f"{clean(lapse.title, 60)}: ", bold=True),
                text_run(clean(lapse.sentence, MAX_LAPSE)),
            ]
        )
    return rich_text(paragraph(text_run("Promises that are not kept", bold=True)), bullets(items))


def _busy_queue(queue: BusyQueue) -> Json:
    """Build the card about a queue that is approved unread."""
    return rich_text(
        paragraph(
            text_run(f"{queue.title}\n", bold=True),
            text_run(f"{queue.sentence}\n{', '.join(queue.figures)}.\n"),
            text_run("What may help more than a reminder"),
        ),
        bullets([[text_run(remedy)] for remedy in queue.remedies]),
    )


def _misses(misses: tuple[MissedCall, ...]) -> Json:
    items = []
    for miss in misses:
        items.append([text_run(clean(f"{miss.title}: {miss.sentence}", 300))])
    return rich_text(paragraph(text_run("Called, and nobody decided", bold=True)), bullets(items))


def _agreements(agreements: tuple[Agreement, ...]) -> Json:
    items = [_agreement(agreement) for agreement in agreements[:MAX_AGREEMENTS]]
    title = text_run("Did people agree with what was recommended?", bold=True)
    return rich_text(paragraph(title), bullets(items))


def _agreement(agreement: Agreement) -> list[Json]:
    title = text_run(f"{clean(agreement.title, 60)}: ", bold=True)
    return [title, text_run(_describe_agreement(agreement))]


def _describe_agreement(agreement: Agreement) -> str:
    """Say how often people decided as recommended, in words and numbers."""
    total = agreement.as_recommended + agreement.after_edit + agreement.otherwise
    if total == 1:
        return f"the one case was {_describe_only_case(agreement)}"
    if agreement.as_recommended == total:
        return f"always; {total:,} approved as recommended"
    parts = [f"{agreement.as_recommended:,} of {total:,} approved as recommended"]
    if agreement.after_edit:
        parts.append(f"{agreement.after_edit:,} after an edit")
    if agreement.otherwise:
        parts.append(f"{agreement.otherwise:,} rejected or handled another way")
    return f"{_frequency(agreement.as_recommended / total)}; {', '.join(parts)}"


def _describe_only_case(agreement: Agreement) -> str:
    # One case is no rule to speak of.
    if agreement.as_recommended:
        return "approved as recommended"
    return "approved after an edit" if agreement.after_edit else "rejected or handled another way"


def _frequency(share: float) -> str:
    if share >= MOSTLY:
        return "mostly"
    if share >= HALF:
        return "about half of the time"
    return "rarely" if share else "never"
