"""A backup is put back under a running history: nothing may act before somebody has said that they know."""

import contextlib
import shutil
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, ELSIE, OPS
from tests.attack.invariants import everyone_presses_on
from tests.attack.plan import Plan
from tests.attack.town import Town, element_of, town

EARLY, LATE, IN_HAND = 3, 3, 2
SILENT_SECONDS = 6.0


def attack(plan: Plan) -> None:
    rounds = 0
    while rounds < 1 or plan.left() > plan.seconds * 0.45:
        with town(plan.folder / f"restore-{rounds}") as running:
            _restore(plan, running)
        rounds += 1


def _restore(plan: Plan, running: Town) -> None:
    """Some cases before the backup, some after it; then the backup is put back and the bot is started."""
    early = [running.number() for _ in range(EARLY)]
    ids = [running.signal("restock", number) for number in early]
    for case_id in ids:
        running.wait_for_button(case_id, "case.approve")
    in_hand = [running.number() for _ in range(IN_HAND)]
    handed = [running.signal("restock", number) for number in in_hand]
    for case_id in handed:
        running.wait_for_button(case_id, "case.approve")
    _command(running, BEN, "pause because of the backup")
    for case_id in handed:
        running.approve(case_id)
    backup = running.folder / "backup.db"
    _copy(Path(str(running.database.engine.url.database)), backup)
    _command(running, ELSIE, "resume")
    for case_id in ids:
        running.approve(case_id)
    late = [running.number() for _ in range(LATE)]
    later = [running.signal("restock", number) for number in late]
    cards = [running.wait_for_button(case_id, "case.approve") for case_id in later]
    for case_id in (*ids, *handed):
        running.until(
            lambda case_id=case_id: running.case(case_id).state is State.RESOLVED, 60, "the deeds"
        )
    running.countersign("ledger", "checkpoint")
    _put_back(running, backup)
    _look(plan, running, ids, early + late + in_hand, cards)
    _acknowledge(running)
    _afterwards(plan, running, cards, later)
    _in_hand(plan, running, handed, in_hand)


def _command(running: Town, who: str, text: str) -> None:
    running.emulator.post(
        "slash", {"as": who, "channel": OPS, "command": "/exceptions", "text": text}
    )


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def _put_back(running: Town, backup: Path) -> None:
    """Stop without a last word, as a machine that is restored does, and put the old file in the new one's place."""
    running.bots[0].kill()
    running.database.close()
    place = Path(str(running.database.engine.url.database))
    for suffix in ("", "-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, place)
    running.reopen_store()
    running.bots[0].launch()
    running.bots[0].wait()


def _look(
    plan: Plan, running: Town, ids: list[str], numbers: list[int], cards: list[dict[str, Any]]
) -> None:
    """Before anybody has acknowledged it: it is said, and nothing runs, whatever is pressed."""
    said = plan.begin("a restored backup is said, and pauses", "A5")
    said.tried()
    if (
        "acknowledge" not in _readiness(running)
        and "acknowledge" not in running.countersign("doctor").stdout
    ):
        said.broke(
            "neither the health check nor `doctor` says that the ledger is behind its witness"
        )
    silent = plan.begin("nothing runs before it is acknowledged", "A5")
    before = _all_deeds(running, numbers)
    with contextlib.suppress(OSError):
        running.signal("restock", key="after-restore")
    for case_id, card in zip(ids, cards, strict=False):
        silent.tried()
        with contextlib.suppress(LookupError, OSError, AssertionError):
            running.approve(case_id)
            running.press(ANA, card, "case.approve")
    _wait(running, SILENT_SECONDS)
    if _all_deeds(running, numbers) != before:
        silent.broke("a deed was done from a restored backup before anybody had acknowledged it")
    ran = running.countersign("ledger", "acknowledge", "--help")
    if ran.returncode:
        silent.broke("there is no `countersign ledger acknowledge`")


def _acknowledge(running: Town) -> None:
    """Say that one knows, as an operator would, and let the desk go on."""
    running.countersign("ledger", "acknowledge", words="y\ny\n")
    running.bots[0].stop()
    running.bots[0].launch()
    running.bots[0].wait()


def _afterwards(plan: Plan, running: Town, cards: list[dict[str, Any]], later: list[str]) -> None:
    """Numbers go on above the highest that was seen, and an old card approves nothing else."""
    above = plan.begin("case numbers go on above the highest witnessed", "A5")
    fresh = [running.number() for _ in range(len(later))]
    highest = max(int(case_id[3:]) for case_id in later)
    new = []
    for number in fresh:
        above.tried()
        with contextlib.suppress(OSError):
            new.append(running.signal("restock", number))
            if int(new[-1][3:]) <= highest:
                above.broke("a case number was given again")
    old = plan.begin("cards of before the restoring approve nothing else", "A5")
    for case_id in new:
        with contextlib.suppress(TimeoutError):
            running.wait_for_button(case_id, "case.approve", 20)
    for card in cards:
        old.tried()
        button = element_of(card, "case.approve")
        if button:
            running.press(ANA, card, "case.approve")
    _wait(running, 3)
    done = _all_deeds(running, fresh)
    if any(done.values()):
        old.broke("Approve on a card of before the restoring ordered something else")


def _in_hand(plan: Plan, running: Town, handed: list[str], numbers: list[int]) -> None:
    """What was approved and waiting in the backup has long been done: it must be found, not done again."""
    twice = plan.begin("what was in hand in the backup is found done", "A5")
    _command(running, ELSIE, "resume")
    everyone_presses_on(running, 40, only=frozenset(handed))
    for number in numbers:
        twice.tried()
        for wrong in running.done_twice("restock", number):
            twice.broke(wrong.replace(str(number), "x"))


def _readiness(running: Town) -> str:
    try:
        with urllib.request.urlopen(f"{running.bots[0].url}/readyz", timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as unready:
        with unready:
            return unready.read().decode()


def _all_deeds(running: Town, numbers: list[int]) -> dict[int, int]:
    return {number: len(running.deeds("restock", number)["order"]) for number in numbers}


def _wait(running: Town, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        running.until(lambda: False, seconds)
