"""The report of a person: message, note and name."""

from textwrap import shorten
from urllib.parse import urlsplit

from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.evidence import Evidence
from bot.cases.signal import READ_BY
from bot.cases.source import BY_HAND
from bot.views.labels import as_words, start_upper
from handlers.cards.blocks import heading
from handlers.cards.case_words import PERSON
from handlers.cards.text import Json, clean, link_run, paragraph, quote, rich_text, text_run

#: Facts of a signal that a person wrote: the message it was raised from, the note, the link.
MESSAGE = "message"
NOTE = "words"
LINK = "link"
WRITTEN_FACTS = frozenset({MESSAGE, NOTE, LINK})
#: Facts that a card says in other words.
HIDDEN_FACTS = WRITTEN_FACTS | {READ_BY}
# A card has one line for them; the window has all.
MAX_QUOTE = 90
MAX_TEXT = 2_000
MAX_NAME = 60


def report_line(case: Case, requester_name: str) -> list[Json]:
    """Build the paragraph of a card that quotes the report."""
    if not is_raised_by_hand(case):
        return []
    runs = []
    text = _text(case, MESSAGE) or _text(case, NOTE)
    if text and not _is_same(text, case.signal.title):
        words = shorten(
            clean(text, MAX_TEXT),
            MAX_QUOTE,
            placeholder="…",
        )
        runs.append(text_run(f"“{clean(words, MAX_QUOTE)}” ", italic=True))
    name = clean(requester_name, MAX_NAME)
    if name:
        runs.append(text_run(f"Raised by {name}"))
    link = _link(case)
    if link:
        runs += [text_run(" from "), link_run(link, "this message")]
    return [paragraph(*runs)] if runs else []


def report_blocks(case: Case) -> list[Json]:
    """Build the whole report for the details of a case."""
    if not is_raised_by_hand(case):
        return []
    blocks = [heading("What was said")]
    message = _text(case, MESSAGE)
    note = _text(case, NOTE)
    for text in dict.fromkeys(filter(None, [message, note])):
        blocks.append(
            rich_text(
                quote(
                    clean(
                        text,
                        MAX_TEXT,
                        lines=30,
                    )
                )
            )
        )
    parts = []
    if PERSON.fullmatch(case.signal.requester or ""):
        parts.append(_raised_by(str(case.signal.requester)))
    link = _link(case)
    if link:
        parts.append(paragraph(link_run(link, "The message")))
    if parts:
        blocks.append(rich_text(*parts))
    if len(blocks) == 1:
        return []
    return blocks


def signal_facts(case: Case) -> list[Evidence]:
    """List the facts of the signal itself, as evidence.

    None for a case whose kind the source named: its playbook says which facts count.
    """
    if not is_raised_by_hand(case) and case.classification.recognition is None:
        return []
    facts = []
    for name, value in case.signal.facts.items():
        if name not in HIDDEN_FACTS and _is_readable(value):
            fact = Evidence(
                name=f"signal.{name}",
                label=start_upper(as_words(name)),
                value=value,
                source=case.signal.source,
                read_at=case.signal.occurred_at or case.timers.opened_at,
            )
            facts.append(fact)
    return facts


def is_raised_by_hand(case: Case) -> bool:
    """Tell whether a person raised the case in Slack or by command."""
    return case.signal.source == BY_HAND


def _raised_by(account: str) -> Json:
    """Name the raiser by their account: nobody is notified by a window."""
    user = {"type": "user", "user_id": account.rpartition("/")[2]}
    return paragraph(text_run("Raised by  ", bold=True), user)


def _is_readable(value: Scalar) -> bool:
    return value is not None and value != ""


def _text(case: Case, name: str) -> str:
    return str(case.signal.facts.get(name) or "").strip()


def _link(case: Case) -> str:
    """Return the address of the message; empty if it is none."""
    link = _text(case, LINK)
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    is_web_address = parts.scheme in {"https", "http"} and bool(parts.netloc)
    return link if is_web_address else ""


def _is_same(text: str, title: str) -> bool:
    """Tell whether the title has the whole text already."""
    words = text.casefold().split()
    title_words = title.casefold().split()
    return words == title_words
