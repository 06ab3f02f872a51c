"""The evidence of a case: in words, and in full.

The card has the words; Details has every fact.
"""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.evidence import Evidence
from bot.cases.expressions import has_enough_facts, render
from bot.cases.missing_facts import left_out_facts, other_failures
from bot.views.labels import as_words, start_upper
from handlers.cards.report import signal_facts
from handlers.cards.text import Json, clean, mrkdwn_time, plain_text
from handlers.cards.wording import Wording, as_sentence, plural

MAX_LINE = 220
# Without a sentence of the playbook, the first facts stand for all.
MAX_FACTS_IN_WORDS = 4
MAX_FAILURES = 2
MAX_STALE_NAMES = 2


def evidence_line(case: Case, wording: Wording) -> list[str | Json]:
    """Write the facts that decide in words, with their source and time."""
    facts = shown_facts(case)
    known_facts = [fact for fact in facts if fact.failure is None]
    if not known_facts:
        return []
    text = _from_brief(case, wording) or _from_labels(known_facts)
    sources = dict.fromkeys(wording.labels.system(fact.source) for fact in known_facts)
    line = wording.prose(f"{text} · {', '.join(sources)}", MAX_LINE)
    read_at = min(fact.read_at for fact in known_facts)
    return [plain_text(line, MAX_LINE), mrkdwn_time(read_at)]


def failure_sentences(case: Case, wording: Wording) -> list[str]:
    """Say which look-ups failed: a decision without them is another one."""
    failures = other_failures(case.assessment.evidence, has_gaps=bool(left_out_facts(case)))
    sentences = []
    for fact in failures[:MAX_FAILURES]:
        look_up = fact.name.partition(".")[0]
        name = clean(fact.label or start_upper(as_words(look_up)), 60)
        reason = wording.reason(fact.failure or "", 120)
        sentences.append(as_sentence(f"⚠ {name} not read: {reason}"))
    more = len(failures) - MAX_FAILURES
    if more > 0:
        sentences.append(f"{plural(more, 'more look-up')} failed.")
    return sentences


def stale_sentences(case: Case, stale_names: Sequence[str]) -> list[str]:
    """Say which facts on the card were read too long ago."""
    labels = [clean(fact.label, 40) for fact in shown_facts(case) if fact.name in stale_names]
    if not labels:
        return []
    names = ", ".join(labels[:MAX_STALE_NAMES])
    more = len(labels) - MAX_STALE_NAMES
    if more > 0:
        names += f" and {more} more"
    return [f"⚠ May have changed since it was read: {names}."]


def shown_facts(case: Case) -> list[Evidence]:
    """List the facts that people read.

    Facts without a label are only for the playbook.
    """
    facts = [fact for fact in case.assessment.evidence if fact.label]
    # Where no playbook looks anything up, the signal's own facts are the evidence.
    return facts or signal_facts(case)


def fact_value(fact: Evidence, wording: Wording) -> str:
    """Write the value of a fact, or why it is not known."""
    if fact.failure is not None:
        return f"could not be read: {wording.reason(fact.failure, 140)}"
    match fact.value:
        case None:
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case float():
            return f"{fact.value:,.2f}".removesuffix(".00")
        case _:
            return wording.prose(str(fact.value), 160)


def _from_brief(case: Case, wording: Wording) -> str:
    """Fill the playbook's template, without the parts that are not known."""
    template = wording.labels.briefs.get(case.kind, "")
    if not template:
        return ""
    facts = case_facts(case, case.assessment.evidence)
    parts = [part for part in template.split(", ") if has_enough_facts(part, facts)]
    return render(", ".join(parts), facts)


def _from_labels(facts: Sequence[Evidence]) -> str:
    wording = Wording()
    return ", ".join(
        f"{fact.label}: {fact_value(fact, wording)}" for fact in facts[:MAX_FACTS_IN_WORDS]
    )
