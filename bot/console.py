"""What the commands about memory do, without the printing."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import wiring
from bot.cases.canonical import Scalar, to_plain
from bot.cases.case import Case
from bot.cases.errors import BadRequest, CountersignError, MemoryUnavailable
from bot.cases.lifecycle import TERMINAL
from bot.cases.precedent import Precedent
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import TRIAL
from bot.clock import utc_now
from bot.desk.null_chat import NullChat
from bot.desk.proposal import Proposals
from bot.desk.trials import Trials
from bot.settings import Settings
from bot.store.precedents import SqlPrecedentStore
from knowledge.embedder import Embedder
from knowledge.importing import BadRow, batch_name, mapping, precedent_of, rows_of
from knowledge.learned import Learned
from knowledge.library import Library
from knowledge.precedents import Precedents

AT_ONCE = 500
LONGEST_TITLE = 300
MOST_FACTS = 60


@dataclass(frozen=True)
class Opened:
    """Memory as a command sees it: not filled until it is asked to."""

    library: Library
    shelf: SqlPrecedentStore
    precedents: Precedents
    embedder: Embedder
    learned: Learned
    folder: Path

    def fill(self) -> str:
        """Take what is on the shelf into the index; why not, when another process owns that."""
        self.precedents.open()
        try:
            self.precedents.catch_up()
        except MemoryUnavailable as failure:
            return str(failure)
        return ""


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Opened]:
    """The memory of these settings, closed on the way out."""
    store, library = wiring.open_store(settings), wiring.open_library(settings)
    known = wiring.open_knowledge(settings, store, library, utc_now)
    try:
        yield Opened(
            library, known.shelf, known.precedents, known.embedder, known.learned, known.folder
        )
    finally:
        known.precedents.close()
        store.database.close()


def import_past(
    memory: Opened,
    path: Path,
    kind: str,
    maps: Sequence[str],
    facts: str,
    progress: Callable[[], None],
) -> dict[str, Any]:
    """Take in the rows that are well formed; what is wrong with the others is in the answer."""
    if not path.is_file():
        raise BadRequest(f"{path}: there is no such file")
    mapped, batch = mapping(maps, facts, kind, utc_now()), batch_name(path)
    rejected: list[BadRow] = []
    waiting: list[Precedent] = []
    read = new = flagged = 0
    for line, row in rows_of(path):
        read += 1
        progress()
        found = (
            row
            if isinstance(row, BadRow)
            else precedent_of(row, line, batch, mapped, memory.library.playbooks)
        )
        if isinstance(found, BadRow):
            rejected.append(found)
            continue
        flagged += found.looks_like_prompt_injection
        waiting.append(found)
        if len(waiting) == AT_ONCE:
            new += memory.shelf.save(waiting)
            waiting.clear()
    new += memory.shelf.save(waiting)
    wrong = [{"line": one.line, "reason": one.reason} for one in rejected]
    note = memory.fill()
    return {
        "batch": batch,
        "read": read,
        "new": new,
        "flagged": flagged,
        "rejected": wrong,
        "note": note,
    }


def status(memory: Opened) -> dict[str, Any]:
    """What is remembered and what was learned from it."""
    failure = memory.fill()
    model = memory.learned.model
    counted = memory.shelf.kinds()
    kinds = []
    for kind, many in sorted(counted.items()):
        plan = model.plans.get(kind) if model else None
        promise = f"{plan.promise.bound:.0%} at least" if plan and plan.promise else "none"
        right = f"{plan.right} of {plan.judged}" if plan else "too few to say"
        kinds.append({"kind": kind, "precedents": many, "right": right, "promise": promise})
    return {
        "kinds": kinds,
        "batches": [to_plain(batch) for batch in memory.shelf.batches()],
        "index": failure or f"holds all {sum(counted.values())}",
        "embedder": memory.embedder.identity,
        "learned": memory.learned.failure
        or (f"version {model.version}" if model else "nothing yet"),
    }


def abstained(settings: Settings) -> list[dict[str, Any]]:
    """Cases that nobody has put a name to, what is most at stake first, then the oldest."""
    store, library = wiring.open_store(settings), wiring.open_library(settings)
    nameless = [
        kind for kind in store.queries.kinds() if library.playbook(kind).kind == UNRECOGNISED
    ]
    cases = [case for case in store.queries.of_kinds(nameless) if not case.named_by]
    store.database.close()
    cases.sort(
        key=lambda case: (
            case.state in TERMINAL,
            -(case.stake.amount if case.stake else 0),
            case.opened_at,
        )
    )
    return [
        {
            "case": case.id,
            "state": str(case.state),
            "stake": str(case.stake or ""),
            "title": case.signal.title,
            "guesses": [f"{guess.title} {guess.confidence} %" for guess in case.recognition.guesses]
            if case.recognition
            else [],
        }
        for case in cases
    ]


def attempts(settings: Settings, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the bot would do with each signal of this file, by line; a line that is no signal says what is wrong with it."""
    if not path.is_file():
        raise BadRequest(f"{path}: there is no such file")
    store, library = wiring.open_store(settings), wiring.open_library(settings)
    known = wiring.open_knowledge(settings, store, library, utc_now)
    systems = wiring.build_systems(settings, library.systems, NullChat())
    proposals = Proposals(store.cases, library, systems, settings.mode.value)
    triage = wiring.build_triage(proposals, store.outbox, known.mind, utc_now)
    trials = Trials(triage, library, utc_now)
    known.precedents.open()
    try:
        for line, row in rows_of(path):
            yield line, _attempt(trials, library, line, row)
    finally:
        known.precedents.close()
        store.database.close()


def _attempt(
    trials: Trials, library: Library, line: int, row: Mapping[str, Any] | BadRow
) -> dict[str, Any]:
    if isinstance(row, BadRow):
        return {"line": line, "error": row.reason}
    try:
        case = trials.attempt(signal_of(row, line))
    except CountersignError as failure:
        return {"line": line, "error": str(failure)}
    return {"line": line, **told(case, library)}


def signal_of(row: Mapping[str, Any], line: int) -> Signal:
    """The signal of a line: our own JSON, or anything with a ``text``."""
    text = str(row.get("text") or row.get("title") or "").replace("\0", " ")
    if not text.strip():
        raise BadRequest("says neither text nor title")
    given = row.get("facts")
    facts: dict[str, Scalar] = {} if len(text) <= LONGEST_TITLE else {"text": text[:20_000]}
    for name, value in list((given if isinstance(given, dict) else {}).items())[:MOST_FACTS]:
        facts[str(name)[:60]] = (
            value if isinstance(value, int | float | bool) else str(value)[:2_000]
        )
    kind = str(row.get("kind") or UNRECOGNISED)
    subject = str(row.get("subject") or f"line:{line}")
    return Signal(
        source=TRIAL,
        key=str(row.get("key") or line),
        kind=kind,
        subject=subject[:200],
        title=text[:LONGEST_TITLE],
        occurred_at=None,
        facts=facts,
    )


def told(case: Case, library: Library) -> dict[str, Any]:
    """The case for a machine: kind or null, how sure, alternatives, plan, precedents, verdict."""
    recognition, recommendation = case.recognition, case.recommendation
    is_known = library.playbook(case.kind).kind != UNRECOGNISED
    guesses = recognition.guesses if recognition else ()
    citations = recommendation.citations if recommendation else ()
    return {
        "kind": case.kind if is_known else None,
        "confidence": recognition.confidence if recognition else None,
        "alternatives": [to_plain(guess) for guess in guesses if guess.kind != case.kind],
        "plan": _plan(case),
        "precedents": [to_plain(citation) for citation in citations],
        "verdict": to_plain(case.verdict) if case.verdict else None,
        "stake": str(case.stake) if case.stake else None,
        "urgent": case.is_urgent,
    }


def _plan(case: Case) -> dict[str, Any] | None:
    recommendation = case.recommendation
    if case.plan is None or recommendation is None:
        return None
    return {
        "action": recommendation.action,
        "steps": [
            {"action": action.name, "parameters": dict(action.parameters)}
            for action in case.plan.actions
        ],
        "confidence": recommendation.confidence,
        "promise": recommendation.promise,
        "basis": recommendation.basis,
        "alternatives": [to_plain(item) for item in recommendation.alternatives],
    }
