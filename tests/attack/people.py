"""People who may not: everyone presses everything, on every sort of card, with true, stale and forged buttons."""

import contextlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, CARLA, DEV, ELSIE, FINN, GUS, OMAR, OPS, STAFF, STOCK, TEAM
from tests.attack.invariants import everyone_presses_on
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import Town, element_of, option_of, town

GONE, ROBOT, STRANGER = "U0GONE", "U0ROBOT", "U0STRANGER"
#: Who is in no group that decides these cases, or may decide nothing at all.
OUTSIDERS = (FINN, DEV, GUS, GONE, ROBOT, STRANGER)
#: Entries that anybody of the house may cause.
HARMLESS = frozenset({"attempt.refused"})
DAY = 86_400
#: Button, entry of the menu, and what is written into the form.
DECISIONS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("case.approve", None, {}),
    ("case.approve_with_reason", None, {"field.note": "it is right"}),
    ("case.reject", None, {"field.reason": "not_worth_it", "field.note": ""}),
    ("case.edit", None, {"field.parameter.quantity": "9999"}),
    ("case.resolve", None, {"field.note": "done by hand"}),
    ("case.try_again", None, {}),
    ("case.settle", None, {"field.landed": "yes", "field.note": "I saw it"}),
    ("case.claim", None, {}),
    ("case.undo", None, {"field.note": "no"}),
    ("case.more", "claim", {}),
    ("case.more", "hand_over", {"field.to": None, "field.done": "all", "field.remains": "none"}),
    ("case.more", "snooze", {"field.until": 0, "field.note": "later"}),
    ("case.more", "withdraw", {}),
)


def attack(plan: Plan) -> None:
    """The matrix of persons, decisions and states; handed-over cases; stale and forged values; commands."""
    with town(plan.folder / "people") as running:
        _invite_everyone(running)
        rounds = 0
        while rounds < 1 or plan.left() > plan.seconds * 0.5:
            _matrix(plan, running, _cases(running))
            _paused(plan, running)
            _handed_over(plan, running)
            _stale(plan, running)
            _forged(plan, running)
            _commands(plan, running)
            rounds += 1


def _invite_everyone(running: Town) -> None:
    """Guests, people of other companies, leavers and apps are in the channel, so that they can press."""
    users = [
        {
            "id": GONE,
            "name": "gone",
            "real_name": "Gone Away",
            "profile": {"real_name": "Gone Away"},
            "deleted": True,
        },
        {
            "id": ROBOT,
            "name": "robot",
            "real_name": "Ro Bot",
            "profile": {"real_name": "Ro Bot"},
            "is_bot": True,
        },
        {
            "id": STRANGER,
            "name": "stranger",
            "real_name": "Otto Outside",
            "profile": {"real_name": "Otto Outside"},
            "team_id": "T0OTHER",
        },
    ]
    running.emulator.post("seed", {"users": users})
    members = [*STAFF, GUS, GONE, ROBOT, STRANGER]
    for channel in (STOCK, OPS):
        running.emulator.post("channel", {"id": channel, "members": members})
    # Somebody who left is still listed in a group: membership alone is not enough.
    running.emulator.post(
        "group", {"id": "S0FLOOR", "users": [ANA, OMAR, GUS, GONE, ROBOT, STRANGER]}
    )


@dataclass(frozen=True)
class Sort:
    """A case in a state, and how it came there."""

    name: str
    case_id: str


def _cases(running: Town) -> list[Sort]:
    """One case in each state that shows buttons."""
    unclear = running.number()
    running.depot.unclear.add(unclear)
    made = {
        "low risk, waiting": running.signal("restock"),
        "high risk, waiting": running.signal("bulk"),
        "two steps, waiting": running.signal("mismatch"),
        "unrecognised": running.signal("unrecognised"),
        "resolved": running.signal("restock"),
        "half approved": running.signal("bulk"),
        "outcome unknown": running.signal("issue", unclear),
        "snoozed": running.signal("restock"),
    }
    for case_id in made.values():
        running.wait_for_button(case_id, "case.more")
    running.approve(made["resolved"])
    running.approve(made["half approved"], BEN)
    running.until(
        lambda: running.case(made["resolved"]).state is State.RESOLVED, 30, "a resolved case"
    )
    running.approve(made["outcome unknown"])
    snoozed = running.wait_for_button(made["snoozed"], "case.more")
    values = {"field.until": int(time.time()) + DAY, "field.note": "later"}
    running.decide(ANA, snoozed, "case.more", values, option_of(snoozed, "snooze"))
    with contextlib.suppress(TimeoutError):
        running.until(
            lambda: running.case(made["outcome unknown"]).state is State.OUTCOME_UNKNOWN,
            75,
            "an unknown outcome",
        )
    for name in ("resolved", "outcome unknown"):
        with contextlib.suppress(TimeoutError):
            running.until(lambda name=name: _is_drawn(running, made[name]), 20, "the card")
    return [Sort(name, case_id) for name, case_id in made.items()]


def _paused(plan: Plan, running: Town) -> None:
    """What has been approved and waits, because the desk is paused, is nobody else's to touch either."""
    tally = plan.begin("outsiders press on a case: approved, paused", "A4")
    case_id = running.signal("restock")
    running.wait_for_button(case_id, "case.approve")
    running.emulator.post(
        "slash",
        {"as": BEN, "channel": STOCK, "command": "/exceptions", "text": "pause because of a drill"},
    )
    running.approve(case_id)
    for who in OUTSIDERS:
        _try_everything(plan, running, case_id, who, tally, HARMLESS)
    _resume(running)


def _is_drawn(running: Town, case_id: str) -> bool:
    card = running.card(case_id)
    return bool(card and (element_of(card, "case.undo") or element_of(card, "case.settle")))


# --- the matrix --------------------------------------------------------------------------------------------------------------


def _matrix(plan: Plan, running: Town, cases: Iterable[Sort]) -> None:
    """Nobody of these decides any of these, whatever they press."""
    for sort in cases:
        tally = plan.begin(f"outsiders press on a case: {sort.name}", "A4")
        for who in OUTSIDERS:
            _try_everything(plan, running, sort.case_id, who, tally, HARMLESS)


def _try_everything(
    plan: Plan, running: Town, case_id: str, who: str, tally: Tally, allowed: frozenset[str]
) -> None:
    for action_id, choice, values in DECISIONS:
        card = running.card(case_id)
        if card is None or element_of(card, action_id) is None:
            continue
        value = option_of(card, choice) if choice else None
        if choice and value is None:
            continue
        tally.tried()
        before = running.case(case_id).version
        running.decide(who, card, action_id, _filled(values, who, plan), value)
        for name in _written(running, case_id, before, who) - allowed:
            tally.broke(f"{who} wrote {name} by {action_id}{f' {choice}' if choice else ''}")


def _filled(values: dict[str, Any], who: str, plan: Plan) -> dict[str, Any]:
    """To oneself, and for as long as it goes."""
    filled = dict(values)
    if "field.to" in filled:
        filled["field.to"] = who
    if "field.until" in filled:
        filled["field.until"] = int(time.time()) + plan.dice.randrange(1, 29) * DAY
    return filled


def _written(running: Town, case_id: str, after: int, who: str) -> set[str]:
    """The names of the entries that this person caused."""
    entries = running.store.cases.entries(case_id, after=after)
    return {entry.body.name for entry in entries if entry.actor.id.endswith(f"/{who}")}


# --- handed over, stale, forged -------------------------------------------------------------------------------------------------


def _handed_over(plan: Plan, running: Town) -> None:
    """The owner of a case is not its decider: what is handed to somebody gives them no say."""
    tally = plan.begin("a case is handed to somebody of no group", "A4")
    for kind in ("restock", "bulk", "issue"):
        case_id = running.signal(kind)
        card = running.wait_for_button(case_id, "case.more")
        values = {"field.to": FINN, "field.done": "looked", "field.remains": "all"}
        deciders = {"bulk": BEN}.get(kind, ANA)
        running.decide(deciders, card, "case.more", values, option_of(card, "hand_over"))
        with contextlib.suppress(TimeoutError):
            running.until(
                lambda case_id=case_id: running.case(case_id).owner == f"{TEAM}/{FINN}", 10
            )
        owners = HARMLESS | {"case.claimed", "case.handed_over"}
        _try_everything(plan, running, case_id, FINN, tally, owners)


def _stale(plan: Plan, running: Town) -> None:
    """Buttons of yesterday: of an older revision, of a state that has passed, of a card that was replaced."""
    tally = plan.begin("stale buttons", "A1 A5")
    for _ in range(2):
        case_id, number = "", running.number()
        case_id = running.signal("restock", number)
        old = running.wait_for_button(case_id, "case.approve")
        running.decide(OMAR, old, "case.edit", {"field.parameter.quantity": "12"})
        running.until(
            lambda case_id=case_id: running.case(case_id).proposal.revision == 2, 15, "the edit"
        )
        tally.tried()
        running.press(ANA, old, "case.approve")
        if running.case(case_id).proposal.approvals:
            tally.broke("an approval of an older revision counted")
        new = running.wait_for_button(case_id, "case.approve")
        running.approve(case_id, ANA)
        running.until(
            lambda case_id=case_id: running.case(case_id).state is State.RESOLVED, 30, "the deed"
        )
        for card in (old, new):
            for action_id, values in (
                ("case.approve", {}),
                ("case.reject", {"field.reason": "not_worth_it", "field.note": ""}),
                ("case.edit", {"field.parameter.quantity": "13"}),
            ):
                tally.tried()
                before = running.case(case_id).version
                running.decide(ANA, card, action_id, values)
                for name in _written(running, case_id, before, ANA) - HARMLESS:
                    tally.broke(f"{name} by a stale {action_id} after the case had ended")
        for twice in running.done_twice("restock", number):
            tally.broke(twice)


def _forged(plan: Plan, running: Town) -> None:
    """Values that no card ever showed, pressed by somebody who may decide something else."""
    tally = plan.begin("forged buttons", "A4 A5")
    low, high = running.signal("restock"), running.signal("bulk")
    low_card, high_card = (running.wait_for_button(case_id, "case.more") for case_id in (low, high))
    high_value = (element_of(high_card, "case.approve_with_reason") or {}).get("value", "")
    low_value = (element_of(low_card, "case.approve") or {}).get("value", "")
    for forged, who in _forgeries(plan, low, low_value, high_value):
        tally.tried()
        states = {case_id: running.case(case_id) for case_id in (low, high)}
        answer = running.press(who, low_card, "case.approve", forged=forged)
        if not answer.get("acked"):
            tally.broke(f"a forged value was not answered: {forged[:60]!r}")
        for case_id, before in states.items():
            for entry in running.store.cases.entries(case_id, after=before.version):
                if entry.body.name not in HARMLESS:
                    tally.broke(
                        f"{who} wrote {entry.body.name} with the forged value {forged[:60]!r}"
                    )
    # Sales decides their own cases; a form of one of those, forged, must not decide these.
    for who in (FINN, DEV):
        view = running.form(who, low_card, "case.reject")
        if view:
            tally.tried()
            before = running.case(high).version
            values = {"field.reason": "not_worth_it", "field.note": ""}
            running.submit(who, view, values, private_metadata=high_value)
            for name in _written(running, high, before, who) - HARMLESS:
                tally.broke(f"{who} wrote {name} on another case by forging a form")


def _forgeries(plan: Plan, low: str, low_value: str, high_value: str) -> Iterable[tuple[str, str]]:
    parts = low_value.split(":")
    bent = [":".join([*parts[:1], str(revision), *parts[2:]]) for revision in (0, 2, 99, 10**30)]
    if len(parts) > 2:
        # The value carries what was shown: a yes to anything else must not count.
        wrong = "".join(plan.dice.sample(parts[2], len(parts[2])))
        bent += [":".join([*parts[:2], wrong, *parts[3:]]), ":".join(parts[:2])]
    hostile = [
        "",
        ":",
        "EX-:1",
        "EX-1",
        "EX-0:1",
        "EX-99999:1",
        f"{low}:-1",
        f"{low}:1:1",
        f"{low}:１",
        "EX-１:1",
    ]
    hostile += [
        f"{low}\x00:1",
        f"{low}:1 " * 50,
        "'; DROP TABLE cases; --:1",
        "x" * 2_000,
        f"{low}:1e0",
        "null",
        "{}",
    ]
    for value in (*bent, *hostile):
        yield value, ANA
    # Who may decide low risk alone says yes to high risk, through the button of the low one.
    yield high_value, ANA
    yield high_value, FINN
    yield low_value, FINN
    yield low_value, GUS


def _commands(plan: Plan, running: Town) -> None:
    """Slash commands of people who may not."""
    tally = plan.begin("commands of people who may not", "A4")
    case_id = running.signal("restock")
    running.wait_for_button(case_id, "case.more")
    refused: tuple[tuple[str, str], ...] = (
        (FINN, "pause because I can"),
        (GUS, "pause because I can"),
        (STRANGER, "pause because I can"),
        (ANA, f"emergency {case_id} because now"),
        (FINN, f"emergency {case_id} because now"),
        (CARLA, f"reviewed {case_id} fine"),
    )
    for who, text in refused:
        tally.tried()
        before = _standing(running)
        running.emulator.post(
            "slash", {"as": who, "channel": STOCK, "command": "/exceptions", "text": text}
        )
        if _standing(running) != before:
            tally.broke(f"{who} changed what holds for the desk by {text.partition(' ')[0]}")
        _resume(running)
    running.emulator.post(
        "slash",
        {"as": BEN, "channel": STOCK, "command": "/exceptions", "text": "pause because of a drill"},
    )
    for who in (BEN, ANA, FINN, GUS):
        tally.tried()
        running.emulator.post(
            "slash", {"as": who, "channel": STOCK, "command": "/exceptions", "text": "resume"}
        )
        if not running.store.desk_controls.load().pauses:
            tally.broke(f"{who}, who governs nothing, resumed the desk")
    _resume(running)
    if _approved(running.case(case_id)):
        tally.broke("an emergency of somebody who may not let a plan through")
    everyone_presses_on(running, 20)


def _standing(running: Town) -> str:
    standing = running.store.desk_controls.load()
    return json.dumps([standing.version, len(standing.pauses), len(standing.emergencies)])


def _resume(running: Town) -> None:
    if running.store.desk_controls.load().pauses:
        running.emulator.post(
            "slash", {"as": ELSIE, "channel": OPS, "command": "/exceptions", "text": "resume"}
        )


def _approved(case: Case) -> bool:
    return bool(case.proposal.approvals)
