"""What must be so once everything is quiet: read from the ledger, the emulator and the journals of the systems of record."""

import json
import time
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import text

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import TERMINAL, State
from bot.demo.people import ANA, BEN, ELSIE, OPS, STOCK
from tests.attack.report import Tally
from tests.attack.town import DEEDS, Town, element_of, number_of, option_of

MOVING = frozenset({State.NEW, State.OPEN, State.APPROVED, State.RUNNING})
IN_DOUBT = frozenset({StepState.STARTED, StepState.UNKNOWN, StepState.UNDOING})
MAX_ROUNDS = 3
SURE_SECONDS = 4.0


def everyone_presses_on(
    town: Town, seconds: float, *, approve: bool = True, only: frozenset[str] = frozenset()
) -> None:
    """Do what people do who only want it done: approve what is asked again, try again what failed, say what they saw.

    A second deed comes to light this way: the first one has been forgotten, and somebody presses once more.
    ``only``: these cases; every one, if it is empty.
    """
    ends, rounds, since = time.monotonic() + seconds, Counter[str](), {}
    while time.monotonic() < ends:
        cases = town.patiently(lambda: town.store.queries.newest(limit=100_000))
        busy = _resume(town)
        for case in cases:
            if only and case.id not in only:
                continue
            if case.state in MOVING:
                busy = True
            elif case.state is State.OUTCOME_UNKNOWN:
                busy = True
                first = since.setdefault(f"{case.id}/{case.version}", time.monotonic())
                if time.monotonic() - first > SURE_SECONDS:
                    _say_what_happened(town, case)
            elif (
                approve
                and _wants_a_press(case)
                and rounds[f"{case.id}/{case.version}"] < MAX_ROUNDS
            ):
                rounds[f"{case.id}/{case.version}"] += 1
                busy = True
                _press_on(town, case)
        if not busy and (only or not due(town)):
            return
        time.sleep(0.3)


def _wants_a_press(case: Case) -> bool:
    """Whether somebody who only wants it done would press here; after some rounds they give up."""
    return (
        case.kind in DEEDS
        and case.state in {State.PROPOSED, State.REFERRED}
        and case.proposal.revision <= MAX_ROUNDS + 1
    )


def _resume(town: Town) -> bool:
    """Let what paused itself after three failures go on: somebody has looked."""
    pauses = town.patiently(town.store.desk_controls.load).pauses
    for pause in pauses:
        what = pause.scope.partition(":")[2]
        town.emulator.post(
            "slash",
            {"as": ELSIE, "channel": OPS, "command": "/exceptions", "text": f"resume {what}"},
        )
    return bool(pauses)


def _press_on(town: Town, case: Case) -> None:
    if case.state is State.PROPOSED:
        town.approve(case.id)
        return
    card = town.card(case.id)
    for who in (ANA, BEN):
        if (
            card
            and element_of(card, "case.try_again")
            and town.case(case.id).state is State.REFERRED
        ):
            town.press(who, card, "case.try_again")


def _say_what_happened(town: Town, case: Case) -> None:
    """Settle the step in doubt by what the journal of the system says: the truth."""
    card = town.card(case.id)
    if card is None or not element_of(card, "case.settle"):
        return
    step = next(
        (index for index, record in enumerate(case.execution.steps) if record.state in IN_DOUBT), 0
    )
    name = DEEDS[case.kind][0][min(step, len(DEEDS[case.kind][0]) - 1)]
    landed = town.done_now(case.kind, number_of(case)).get(name, 0) > 0
    if case.execution.steps[step].state is StepState.UNDOING:
        landed = not landed
    values = {"field.landed": "yes" if landed else "no", "field.note": "seen in the system itself"}
    for who in (ANA, BEN):
        answer = town.decide(who, card, "case.settle", values)
        if answer.get("acked") and not (answer.get("payload") or {}).get("errors"):
            return


DUE = text(
    "SELECT topic, state, count(*) AS rows FROM outbox WHERE state <> 'done' "
    "AND topic NOT IN ('remember', 'home', 'digest', 'answer', 'narrate') "
    "AND NOT (state = 'ready' AND attempts = 0 AND run_at > :soon) GROUP BY topic, state"
)


def due(town: Town) -> dict[str, int]:
    """Work that is not done, and that was not asked for at a later time."""

    def read() -> dict[str, int]:
        with town.database.read() as connection:
            rows = connection.execute(DUE, {"soon": time.time() + 5})
            return {f"{row.topic} {row.state}": row.rows for row in rows}

    return town.patiently(read)


def examine(town: Town, tally: Tally, *, cards: bool = True, proofs: bool = True) -> None:
    """Hold everything against the promise, and report each thing that does not hold."""
    cases = town.store.queries.newest(limit=100_000)
    for case in cases:
        for wrong in wrongs_of(town, case):
            tally.broke(wrong)
    for wrong in (*lost_signals(town), *lost_presses(town)):
        tally.broke(wrong)
    for what, count in due(town).items():
        tally.broke(f"stuck: {count} × {what}: {_why_stuck(town)}")
    if cards:
        for wrong in wrong_cards(town, cases):
            tally.broke(wrong)
    if proofs:
        for wrong in disproofs(town):
            tally.broke(wrong)


def wrongs_of(town: Town, case: Case) -> list[str]:
    """What is wrong between this case and what was really done for it."""
    if case.kind not in DEEDS:
        return []
    number = number_of(case)
    wrong = [f"{case.id} twice: {twice}" for twice in town.done_twice(case.kind, number)]
    if case.state in MOVING:
        wrong.append(
            f"{case.id} is stuck: {case.state}, steps {[step.state.name for step in case.execution.steps]}: {_work_of(town, case)}"
        )
    counts = town.done_now(case.kind, number)
    ending = case.activity.status_reason.reason if case.activity.status_reason else ""
    if case.state is State.RESOLVED and ending == "worked" and set(counts.values()) != {1}:
        wrong.append(f"{case.id} says it worked, the system says {counts}")
    undone_states = TERMINAL - {State.RESOLVED}
    if case.state in undone_states and any(counts.values()):
        wrong.append(f"{case.id} is {case.state}, and yet the system says {counts}")
    return wrong


def lost_signals(town: Town) -> Iterable[str]:
    """Signals that were acknowledged and are not there."""
    with town.database.read() as connection:
        rows = connection.execute(text("SELECT key, case_id FROM inbox"))
        inbox = {row.key: row.case_id for row in rows}
        cases = set(connection.execute(text("SELECT id FROM cases")).scalars())
    for key, case_id in list(town.accepted.items()):
        if inbox.get(key) != case_id or case_id not in cases:
            yield f"the acknowledged signal {key} of {case_id} is lost"


def lost_presses(town: Town) -> Iterable[str]:
    """Presses that were acknowledged and of which the ledger knows nothing."""
    actors: dict[str, set[str]] = {}
    for case_id, actor, what in list(town.acknowledged):
        if case_id not in actors:
            actors[case_id] = {str(entry.actor) for entry in town.store.cases.entries(case_id)}
        if actor not in actors[case_id] and not _was_told_no(town, actor):
            yield f"the acknowledged press ({what}) of {actor} on {case_id} is lost"


def _was_told_no(town: Town, actor: str) -> bool:
    """Whether this person was ever told that nothing was decided: then an acknowledged press may have left no trace."""
    whispers = town.emulator.get(f"state?as={actor.partition('/')[2]}")["ephemerals"]
    return "nothing was decided" in json.dumps(whispers)


def wrong_cards(town: Town, cases: Iterable[Case]) -> Iterable[str]:
    """Open cases without exactly one card that can be pressed, and ended ones with any that could decide."""
    live: Counter[str] = Counter()
    for channel in (STOCK, OPS):
        for message in town.emulator.messages(channel):
            uid = ((message.get("metadata") or {}).get("event_payload") or {}).get("uid", "")
            is_card = (message.get("metadata") or {}).get("event_type") == "exception_card"
            if is_card and any(
                element_of(message, name) for name in ("case.approve", "case.reject", "case.more")
            ):
                live[uid.partition("/")[0]] += 1
    for case in cases:
        if case.state not in TERMINAL and live[case.id] != 1:
            yield f"{case.id} ({case.state}) has {live[case.id]} live cards"
        if case.state in TERMINAL and live[case.id]:
            yield f"{case.id} has ended and has {live[case.id]} live cards"


def disproofs(town: Town) -> Iterable[str]:
    """What the program's own checks say against the ledger."""
    ran = town.countersign("ledger", "verify", "--json")
    try:
        findings = json.loads(ran.stdout)["findings"]
    except (ValueError, KeyError):
        yield f"ledger verify ended with {ran.returncode}: {ran.stderr[-300:]}"
        return
    for finding in findings[:5]:
        yield f"ledger verify: {finding}"


def _work_of(town: Town, case: Case) -> str:
    with town.database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT topic, state, attempts, error FROM outbox WHERE case_id = :id AND state <> 'done'"
            ),
            {"id": case.id},
        )
        return (
            "; ".join(f"{row.topic} {row.state} {row.attempts} {row.error}" for row in rows)
            or "no work for it"
        )


def _why_stuck(town: Town) -> str:
    with town.database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT key, state, attempts, error FROM outbox WHERE state <> 'done' AND error <> '' LIMIT 3"
            )
        )
        return "; ".join(f"{row.key} {row.state} {row.attempts} {row.error}" for row in rows)


__all__ = ["disproofs", "due", "everyone_presses_on", "examine", "option_of", "wrongs_of"]
