"""The evidence of a case as a table, first in its thread."""

from bot.views.thread_notes import ThreadEvidence
from handlers.cards.blocks import heading
from handlers.cards.case_words import case_wording, headline
from handlers.cards.facts import fact_value, shown_facts
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    date_run,
    escape_mrkdwn,
    paragraph,
    rich_text,
    text_run,
)

#: Facts beyond these are in the ledger. Slack's own limit is 100 rows.
MAX_FACTS = 50
TITLES = ("Fact", "Value", "Source", "Read")


def evidence_table(evidence: ThreadEvidence) -> list[Json]:
    """Build the message with a table block."""
    rows = [[_cell(title) for title in TITLES]]
    wording = case_wording(evidence.case, evidence.labels)
    for fact in shown_facts(evidence.case)[:MAX_FACTS]:
        rows.append(
            [
                _cell(clean(fact.label, 60)),
                _cell(fact_value(fact, wording)),
                _cell(wording.system(fact.source)),
                # In the reader's time zone.
                rich_text(paragraph(date_run(fact.read_at))),
            ]
        )
    return [*_title(evidence), {"type": "table", "rows": rows}]


def evidence_list(evidence: ThreadEvidence) -> list[Json]:
    """Build the same as a list, where Slack takes no table."""
    wording = case_wording(evidence.case, evidence.labels)
    items = []
    for fact in shown_facts(evidence.case)[:MAX_FACTS]:
        source = wording.system(fact.source)
        items.append(
            [
                text_run(f"{clean(fact.label, 60)}  ", bold=True),
                text_run(f"{fact_value(fact, wording)} — {source}, "),
                date_run(fact.read_at),
            ]
        )
    return [*_title(evidence), rich_text(bullets(items))]


def evidence_text(evidence: ThreadEvidence) -> str:
    """Write the notification line."""
    return escape_mrkdwn(f"The evidence for {evidence.case.id}", 250)


def _title(evidence: ThreadEvidence) -> list[Json]:
    wording = case_wording(evidence.case, evidence.labels)
    return [heading(f"Evidence for {headline(evidence.case, wording, 120)}")]


def _cell(text: str) -> Json:
    # Slack accepts no empty cell.
    return {"type": "raw_text", "text": text or "–"}
