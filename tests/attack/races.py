"""Two people, or a person and the desk, at the same instant: one winner, and the loser is told what happened.

The two are released by a barrier, a few thousandths of a second apart by dice; the emulator gives their presses to
different processes.
"""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.cases.controls import DESK_ID
from bot.cases.entries import Entry
from bot.cases.lifecycle import State
from bot.demo import launcher
from bot.demo.people import ANA, BEN, CARLA, ELSIE, OMAR, OPS, STOCK, TEAM, WORKSPACE
from tests.attack import naive
from tests.attack.invariants import everyone_presses_on, examine
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import TOKEN, Town, element_of, option_of, town

APART_SECONDS = 0.006
CONTROL_RACES = 60
AT_ONCE = 8
REJECTION = {"field.reason": "not_worth_it", "field.note": ""}
Side = Callable[[], Any]


@dataclass(frozen=True)
class Race:
    """``prepare`` gives the two sides of one race; ``judge`` says what is wrong with how it ended."""

    name: str
    threats: str
    kind: str
    prepare: Callable[[Town, str], tuple[Side, Side]]
    judge: Callable[[Town, str, int, list[Entry]], Iterable[str]]
    apart: float = APART_SECONDS
    #: What must have happened to all of them before.
    before: Callable[[Town, list[str]], None] = lambda running, ids: None


def attack(plan: Plan) -> None:
    control(plan)
    databases = plan.databases()
    for number, (name, postgres) in enumerate(databases, start=1):
        share = number / len(databases)
        folder = plan.folder / f"races-{number}"
        with town(folder, bots=2 if postgres else 1, postgres=postgres) as running:
            everything = plan.begin(f"after all races, on {name}", "A1 D1")
            unknown = _in_doubt(running)
            rounds = 0
            while rounds < 1 or plan.left(share) > plan.seconds * 0.16:
                for race in plan.dice.sample(RACES, len(RACES)):
                    if rounds and plan.left(share) < plan.seconds * 0.14:
                        break
                    run(plan, running, race, everything)
                _stale_presses(plan, running, everything)
                rounds += 1
            _settle_twice(plan, running, unknown, everything)
            _pauses(plan, running, everything)
            _expiries(plan, running, everything)
            everyone_presses_on(running, 40, approve=False)
            examine(running, everything)


# --- the control ---------------------------------------------------------------------------------------------------------------


def control(plan: Plan) -> None:
    """The naive app must be seen to lose: otherwise all that follows would prove nothing."""
    tally = plan.begin("the naive app that must lose", "")
    url = plan.postgres.create(f"naive{plan.seed}", "template0") if plan.postgres else None
    url = url or f"sqlite:///{plan.folder / 'naive.db'}"
    engine = sa.create_engine(url)
    naive.metadata.create_all(engine)
    emulator = launcher.EmulatorProcess(is_quiet=True)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        emulator.wait()
        emulator.post("seed", WORKSPACE)
        run = [sys.executable, "-m", "tests.attack.naive", emulator.url, url]
        root = Path(__file__).parent.parent.parent
        processes = [subprocess.Popen(run, cwd=root, stderr=subprocess.DEVNULL) for _ in range(2)]
        Town.until(lambda: emulator.get("traffic")["connections"] == 2, 30, "the naive app")
        with engine.begin() as connection:
            rows = [{"id": f"N{number}", "state": "open"} for number in range(CONTROL_RACES)]
            connection.execute(sa.insert(naive.cases), rows)
        client = demo_client(emulator)
        for row in rows:
            ts = client(row["id"])
            sides = [partial(_naive_press, emulator, who, ts, name) for who, name in NAIVE]
            _together(plan, sides[0], sides[1], 0.001)
            tally.tried()
        with engine.connect() as connection:
            count = (
                sa.select(sa.func.count()).select_from(naive.winners).group_by(naive.winners.c.id)
            )
            doubles = sum(won > 1 for won in connection.execute(count).scalars())
    finally:
        for process in processes:
            process.kill()
            process.wait()
        emulator.close()
        engine.dispose()
    tally.figures["double winners, as it must have"] = str(doubles)
    if not doubles:
        tally.broke("the control never had two winners: this harness would not see them")


NAIVE = ((ANA, "case.approve"), (OMAR, "case.reject"))


def demo_client(emulator: launcher.EmulatorProcess) -> Callable[[str], str]:
    """Posts the naive app's cards."""
    from slack_sdk import WebClient

    client = WebClient("xoxb-naive", base_url=f"{emulator.url}/api/", retry_handlers=[])

    def post(case_id: str) -> str:
        buttons = [
            {
                "type": "button",
                "action_id": name,
                "text": {"type": "plain_text", "text": name},
                "value": case_id,
            }
            for _, name in NAIVE
        ]
        answer = client.chat_postMessage(
            channel=STOCK, text="x", blocks=[{"type": "actions", "elements": buttons}]
        )
        return str(answer["ts"])

    return post


def _naive_press(emulator: launcher.EmulatorProcess, who: str, ts: str, action_id: str) -> None:
    emulator.post("click", {"as": who, "channel": STOCK, "ts": ts, "action_id": action_id})


# --- running -------------------------------------------------------------------------------------------------------------------


def _together(plan: Plan, one: Side, other: Side, apart: float = APART_SECONDS) -> tuple[Any, Any]:
    """Release both at the same instant, and each a little later by dice."""
    barrier = threading.Barrier(2, timeout=30)
    waits = (plan.dice.uniform(0, apart), plan.dice.uniform(0, apart))

    def run(side: Side, wait: float) -> Any:
        barrier.wait()
        time.sleep(wait)
        return side()

    with ThreadPoolExecutor(2) as pool:
        results = [
            pool.submit(run, side, wait) for side, wait in zip((one, other), waits, strict=True)
        ]
        return results[0].result(60), results[1].result(60)


def run(plan: Plan, running: Town, race: Race, everything: Tally, *, count: int = AT_ONCE) -> None:
    """Some races of one sort: prepared together, run one after the other."""
    tally = plan.begin(race.name, race.threats)
    numbers = [running.number() for _ in range(count)]
    ids = [running.signal(race.kind, number) for number in numbers]
    for case_id in ids:
        running.wait_for_button(case_id, "case.more")
    race.before(running, ids)
    raced = []
    for case_id, number in zip(ids, numbers, strict=True):
        try:
            sides = race.prepare(running, case_id)
        except TimeoutError as late:
            tally.broke(f"could not be prepared: {late}")
            continue
        raced.append((case_id, number, running.case(case_id).version))
        _together(plan, *sides, race.apart)
        tally.tried()
        everything.tried()
    for case_id, number, version in raced:
        _wait_until_still(running, case_id)
        for wrong in race.judge(
            running, case_id, number, running.store.cases.entries(case_id, after=version)
        ):
            tally.broke(wrong)


def _wait_until_still(running: Town, case_id: str) -> None:
    moving = {State.APPROVED, State.RUNNING, State.OPEN}
    with contextlib.suppress(TimeoutError):
        running.until(lambda: running.case(case_id).state not in moving, 20)


def _names(entries: Sequence[Entry]) -> list[str]:
    return [entry.body.name for entry in entries]


def _one_of(entries: Sequence[Entry], persons: tuple[str, str], wins: set[str]) -> Iterable[str]:
    """Exactly one of these entries, and for whoever did not write it a refusal that says why."""
    names = _names(entries)
    won = [name for name in names if name in wins]
    if len(won) != 1:
        yield f"{len(won)} winners: {', '.join(won) or 'nobody'} of {names}"
    yield from _answered(entries, persons)


def _answered(entries: Sequence[Entry], persons: tuple[str, str]) -> Iterable[str]:
    """Each of the two has left a trace, and no refusal is a shrug."""
    for person in persons:
        theirs = [entry for entry in entries if str(entry.actor) == f"{TEAM}/{person}"]
        if not theirs:
            yield f"{person} was not answered: {_names(entries)}"
    for entry in entries:
        reason = (
            getattr(entry.body, "reason", "")
            if entry.body.name == "attempt.refused"
            else "a reason"
        )
        if "keeps changing" in reason or len(reason) < 8:
            yield f"the loser was told only {reason!r}"


# --- the races -----------------------------------------------------------------------------------------------------------------


def _card(running: Town, case_id: str) -> dict[str, Any]:
    card = running.card(case_id)
    assert card is not None
    return card


def _filled(
    running: Town,
    who: str,
    card: dict[str, Any],
    button: str,
    values: Any,
    choice: str | None = None,
) -> Side:
    """Open the form now; the side is to send it in."""
    view = running.form(who, card, button, choice)
    if view is None:
        raise TimeoutError(f"no form for {button}")
    return partial(running.submit, who, view, values)


def _approve_reject(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    return partial(running.press, ANA, card, "case.approve"), _filled(
        running, OMAR, card, "case.reject", REJECTION
    )


def _one_decision(wins: set[str], persons: tuple[str, str]) -> Callable[..., Iterable[str]]:
    def judge(running: Town, case_id: str, number: int, entries: list[Entry]) -> Iterable[str]:
        yield from _one_of(entries, persons, wins)
        case = running.case(case_id)
        yield from running.done_twice(case.kind, number)
        done = any(running.done_now(case.kind, number).values())
        if done and case.state in {State.REJECTED, State.CLEARED}:
            yield f"{case.state}, and yet done"

    return judge


def _quorum(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    yes = {"field.note": "right"}
    first = _filled(running, BEN, card, "case.approve_with_reason", yes)
    return first, _filled(running, CARLA, card, "case.approve_with_reason", yes)


def _judge_quorum(running: Town, case_id: str, number: int, entries: list[Entry]) -> Iterable[str]:
    names = _names(entries)
    if (names.count("approval.given"), names.count("plan.authorised")) != (2, 1):
        yield f"two yeses gave {names}"
    yield from running.done_twice("bulk", number)
    if sum(running.done_now("bulk", number).values()) != 1:
        yield f"approved by two, and done {running.done_now('bulk', number)}"


def _same_group(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    yes = {"field.note": "right"}
    first = _filled(running, BEN, card, "case.approve_with_reason", yes)
    return first, _filled(running, ELSIE, card, "case.approve_with_reason", yes)


def _judge_same_group(
    running: Town, case_id: str, number: int, entries: list[Entry]
) -> Iterable[str]:
    if "plan.authorised" in _names(entries):
        yield "two of one group were enough where two groups must say yes"
    if any(running.done_now("bulk", number).values()):
        yield "done without finance"


def _approve_edit(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    edit = _filled(running, OMAR, card, "case.edit", {"field.parameter.quantity": "11"})
    return partial(running.press, ANA, card, "case.approve"), edit


def _approve_snooze(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    values = {"field.until": int(time.time()) + 3_600, "field.note": "later"}
    later = _filled(running, OMAR, card, "case.more", values, option_of(card, "snooze"))
    return partial(running.press, ANA, card, "case.approve"), later


def _half_approved(running: Town, ids: list[str]) -> None:
    for case_id in ids:
        running.approve(case_id, BEN)


def _withdraw_start(running: Town, case_id: str) -> tuple[Side, Side]:
    """Ben has said yes; Carla's yes starts it at the instant in which Ben takes his back."""
    held: list[dict[str, Any]] = []

    def drawn() -> bool:
        card = _card(running, case_id)
        if option_of(card, "withdraw"):
            held.append(card)
        return bool(held)

    running.until(drawn, 15, "the first yes on the card")
    card = held[-1]
    withdraw = partial(running.press, BEN, card, "case.more", option_of(card, "withdraw"))
    return withdraw, _filled(
        running, CARLA, card, "case.approve_with_reason", {"field.note": "right"}
    )


def _judge_withdraw(
    running: Town, case_id: str, number: int, entries: list[Entry]
) -> Iterable[str]:
    names = _names(entries)
    if "approval.withdrawn" in names:
        after = names[names.index("approval.withdrawn") :]
        if "step.started" in after or "step.started" in names:
            yield f"withdrawn and begun: {names}"
        if any(running.done_now("bulk", number).values()):
            yield "withdrawn, and yet done"
    yield from running.done_twice("bulk", number)
    yield from _answered(entries, (BEN, CARLA))


def _all_approved(running: Town, ids: list[str]) -> None:
    for case_id in ids:
        running.approve(case_id)


def _undo_undo(running: Town, case_id: str) -> tuple[Side, Side]:
    card = running.wait_for_button(case_id, "case.undo")
    first = _filled(running, ANA, card, "case.undo", {"field.note": "no"})
    return first, _filled(running, OMAR, card, "case.undo", {"field.note": "no"})


def _judge_undo(running: Town, case_id: str, number: int, entries: list[Entry]) -> Iterable[str]:
    yield from _one_of(entries, (ANA, OMAR), {"plan.undo_asked"})
    deeds = running.deeds("restock", number)["order"]
    if deeds != [1, -1]:
        yield f"done and taken back once should be [1, -1], not {deeds}"


def _hand_over_reject(running: Town, case_id: str) -> tuple[Side, Side]:
    card = _card(running, case_id)
    values = {"field.to": BEN, "field.done": "looked", "field.remains": "all"}
    over = _filled(running, ANA, card, "case.more", values, option_of(card, "hand_over"))
    return over, _filled(running, OMAR, card, "case.reject", REJECTION)


def _judge_hand_over(
    running: Town, case_id: str, number: int, entries: list[Entry]
) -> Iterable[str]:
    names = _names(entries)
    if "plan.rejected" in names and "case.handed_over" in names[names.index("plan.rejected") :]:
        yield "handed over after it was rejected"
    yield from _answered(entries, (ANA, OMAR))


def _clear_approve(running: Town, case_id: str) -> tuple[Side, Side]:
    """The source says that it is over at the instant in which somebody says yes."""
    case = running.case(case_id)
    signal = case.signal
    body = {
        "key": f"{signal.key}-clear",
        "kind": signal.kind,
        "subject": signal.subject,
        "title": signal.title,
        "status": "clear",
        "facts": dict(signal.facts),
    }
    clear = partial(running.post, running.bots[-1].url, "/v1/signals", body, TOKEN)
    return clear, partial(running.press, ANA, _card(running, case_id), "case.approve")


def _judge_clear(running: Town, case_id: str, number: int, entries: list[Entry]) -> Iterable[str]:
    names = _names(entries)
    won = [name for name in names if name in {"signal.cleared", "plan.authorised"}]
    if len(won) != 1:
        yield f"{len(won)} winners of clear and approve: {names}"
    if "signal.cleared" in won and any(running.done_now("restock", number).values()):
        yield "cleared, and yet done"


RACES = (
    Race(
        "approve × reject",
        "A1",
        "restock",
        _approve_reject,
        _one_decision({"plan.authorised", "plan.rejected"}, (ANA, OMAR)),
    ),
    Race("approve × approve of a quorum of two", "A1 B10", "bulk", _quorum, _judge_quorum),
    Race(
        "approve × approve of one group where two must",
        "B10",
        "bulk",
        _same_group,
        _judge_same_group,
    ),
    Race(
        "approve × edit",
        "A5",
        "restock",
        _approve_edit,
        _one_decision({"plan.authorised", "plan.edited"}, (ANA, OMAR)),
    ),
    Race(
        "approve × snooze",
        "A1",
        "restock",
        _approve_snooze,
        _one_decision({"plan.authorised", "case.snoozed"}, (ANA, OMAR)),
    ),
    Race("withdraw × start", "A1", "bulk", _withdraw_start, _judge_withdraw, 0.05, _half_approved),
    Race("undo × undo", "B7", "restock", _undo_undo, _judge_undo, before=_all_approved),
    Race("hand over × reject", "A4", "restock", _hand_over_reject, _judge_hand_over),
    Race("clear × approve", "A6", "restock", _clear_approve, _judge_clear),
)


# --- presses from a card of before ------------------------------------------------------------------------------------------------


def _stale_presses(plan: Plan, running: Town, everything: Tally) -> None:
    """Somebody's window still shows the card of when it needed a person: Try again, or Handled by hand, while the step runs."""
    for button, values in (
        ("case.try_again", {}),
        ("case.resolve", {"field.note": "I did it myself"}),
    ):
        name = "try again" if button == "case.try_again" else "handled by hand"
        running_step = plan.begin(f"{name} × running step", "A1")
        waiting = plan.begin(f"{name} of an old card × approve", "A1")
        for tally, is_running in ((running_step, True), (waiting, False)):
            for case_id, number, old in _needed_a_person(running, 1):
                _press_old(plan, running, tally, case_id, number, old, button, values, is_running)
                everything.tried()


def _needed_a_person(running: Town, count: int) -> list[tuple[str, int, dict[str, Any]]]:
    """Cases that needed a person once and wait for a decision now, each with the card of before."""
    numbers = [running.number() for _ in range(count)]
    running.depot.missing.update(numbers)
    ids = [running.signal("issue", number) for number in numbers]
    old = [running.wait_for_button(case_id, "case.try_again", 40) for case_id in ids]
    running.depot.missing.difference_update(numbers)
    for case_id, card in zip(ids, old, strict=True):
        running.press(ANA, card, "case.try_again")
        running.wait_for_button(case_id, "case.approve", 40)
    return list(zip(ids, numbers, old, strict=True))


def _press_old(
    plan: Plan,
    running: Town,
    tally: Tally,
    case_id: str,
    number: int,
    old: dict[str, Any],
    button: str,
    values: dict[str, str],
    is_running: bool,
) -> None:
    view = running.form(OMAR, old, button) if values else None
    side = (
        partial(running.submit, OMAR, view, values)
        if view
        else partial(running.press, OMAR, old, button)
    )
    card = running.wait_for_button(case_id, "case.approve")
    version = running.case(case_id).version
    running.depot.mode = "slow" if is_running else ""
    if is_running:
        running.press(ANA, card, "case.approve")
        time.sleep(plan.dice.uniform(0.0, 0.7))
        side()
    else:
        _together(plan, side, partial(running.press, ANA, card, "case.approve"))
    tally.tried()
    everyone_presses_on(running, 25, only=frozenset({case_id}))
    running.depot.mode = ""
    for twice in running.done_twice("issue", number):
        tally.broke(twice.replace(f"issue:{number}", "issue"))
    for entry in running.store.cases.entries(case_id, after=version):
        if str(entry.actor) == f"{TEAM}/{OMAR}" and entry.body.name != "attempt.refused":
            tally.broke(f"a press on an old card wrote {entry.body.name}")


# --- settle, pause, expiry --------------------------------------------------------------------------------------------------------


def _in_doubt(running: Town) -> list[str]:
    """Cases whose step nobody can tell of; they are parked while other races run."""
    numbers = [running.number() for _ in range(4)]
    running.depot.unclear.update(numbers)
    ids = [running.signal("issue", number) for number in numbers]
    for case_id in ids:
        running.wait_for_button(case_id, "case.approve")
        running.approve(case_id)
    return ids


def _settle_twice(plan: Plan, running: Town, ids: list[str], everything: Tally) -> None:
    """Two have looked, and say so at the same instant."""
    tally = plan.begin("settle × settle", "A1")
    for case_id in ids:
        try:
            card = running.wait_for_button(case_id, "case.settle", 90)
        except TimeoutError as late:
            tally.broke(str(late))
            continue
        yes = _filled(
            running, ANA, card, "case.settle", {"field.landed": "yes", "field.note": "it is there"}
        )
        no = _filled(
            running,
            OMAR,
            card,
            "case.settle",
            {"field.landed": "yes", "field.note": "it is there, too"},
        )
        version = running.case(case_id).version
        _together(plan, yes, no)
        tally.tried()
        everything.tried()
        for wrong in _one_of(
            running.store.cases.entries(case_id, after=version), (ANA, OMAR), {"step.settled"}
        ):
            tally.broke(wrong)
    running.depot.unclear.clear()


def _pauses(plan: Plan, running: Town, everything: Tally) -> None:
    """Nothing begins after the pause is in the ledger."""
    tally = plan.begin("pause × start", "A3")
    slash = {"channel": OPS, "command": "/exceptions"}
    pause = partial(
        running.emulator.post, "slash", {"as": BEN, "text": "pause because of a race", **slash}
    )
    for _ in range(3):
        ids = [running.signal("restock") for _ in range(3)]
        cards = [running.wait_for_button(case_id, "case.approve") for case_id in ids]

        def approve_all(cards: list[dict[str, Any]] = cards) -> None:
            for card in cards:
                running.press(ANA, card, "case.approve")

        _together(plan, pause, approve_all, 0.08)
        tally.tried()
        everything.tried()
        time.sleep(1.0)
        for wrong in _begun_while_paused(running):
            tally.broke(wrong)
        running.emulator.post("slash", {"as": ELSIE, "text": "resume", **slash})
        for case_id in ids:
            _wait_until_still(running, case_id)


def _begun_while_paused(running: Town) -> Iterable[str]:
    paused = False
    for row in running.store.ledger.rows():
        entry = json.loads(bytes(row.body))
        if entry["case"] == DESK_ID:
            paused = {"desk.paused": True, "desk.resumed": False}.get(entry["type"], paused)
        elif paused and entry["type"] == "step.started":
            yield f"{entry['case']} began a step after the pause was written"


def _expiries(plan: Plan, running: Town, everything: Tally) -> None:
    """A yes on either side of the last moment: never after it, and never beside the end."""
    tally = plan.begin("expiry × approve", "B11")
    ids = [running.signal("hasty") for _ in range(8)]
    cards = []
    for case_id in ids:
        with contextlib.suppress(TimeoutError):
            running.until(
                lambda case_id=case_id: running.case(case_id).timers.is_escalated,
                40,
                "the next owner",
            )
        cards.append(running.card(case_id))
    for case_id, card in zip(ids, cards, strict=True):
        case = running.case(case_id)
        if card is None or case.proposal.expires_at is None or not element_of(card, "case.approve"):
            continue
        moment = case.proposal.expires_at.timestamp() + plan.dice.uniform(-0.05, 0.05)
        time.sleep(max(0.0, moment - time.time()))
        running.press(ANA, card, "case.approve")
        tally.tried()
        everything.tried()
    time.sleep(6)
    for case_id in ids:
        entries = running.store.cases.entries(case_id)
        names = _names(entries)
        if "case.expired" in names and "plan.authorised" in names:
            tally.broke(f"expired and approved: {names}")
        if "case.expired" in names and any(
            running.done_now("hasty", _number(running, case_id)).values()
        ):
            tally.broke("expired, and yet done")


def _number(running: Town, case_id: str) -> int:
    return int(str(running.case(case_id).signal.facts["product_id"]))
