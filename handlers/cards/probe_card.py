"""The card of an ended practice case, with the right answer."""

from bot.cases.case import Case
from bot.cases.probe import Probe, ProbeAnswer
from handlers.cards.blocks import context_block, label_paragraph
from handlers.cards.text import Json, clean, date_run, paragraph, rich_text, text_run
from handlers.cards.wording import Wording

ICON = "🎓"
MAX_TITLE = 300
MAX_REASON = 300
PROMISE = "Only how often a group notices such cases is counted. Nobody is named anywhere."


def probe_card(case: Case, probe: Probe, wording: Wording) -> list[Json]:
    """Build the card of a practice case after its answer."""
    head = text_run(f"{ICON} Practice: {wording.prose(case.signal.title, MAX_TITLE)}", bold=True)
    status = paragraph(
        text_run(f"{case.id} · This was a practice case, and nothing was carried out · "),
        date_run(case.ended_at or case.timers.changed_at),
    )
    thanks = paragraph(text_run(_thanks(probe)))
    reason = clean(probe.reason, MAX_REASON)
    answer = label_paragraph("The right answer  ", f"Reject it. {reason}")
    return [
        rich_text(paragraph(head), status),
        rich_text(thanks, answer),
        context_block(f"It is a past case, {probe.of_case}. {PROMISE}"),
    ]


def _thanks(probe: Probe) -> str:
    """Thank whoever decided, and say kindly how it went."""
    match probe.answer:
        case ProbeAnswer.APPROVED:
            return "Thank you for deciding it. This one is easily taken for right."
        case ProbeAnswer.NONE | None:
            return "Nobody got round to it, which is fine: real cases come first."
        case _:
            return "Thank you for looking closely: this one was not to be approved as it stood."
