"""Questions that mean harm, read without a model and with a hostile one: nothing is decided, shown, lost or kept busy.

Every question is typed in Slack and answered by a bot in a process of its own.
"""

import contextlib
import itertools
import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.clock import utc_now
from bot.demo.people import ELSIE, STAFF, STOCK, TEAM
from handlers.cards import ids
from handlers.slack.question_limit import LIMIT, TOO_MANY
from tests.attack.hostile_model.langchain_openai import HIDDEN_CHANNEL, SECRET
from tests.attack.hostile_texts import INJECTIONS, NAMES, PEOPLE, long_questions
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import Town
from tests.bench.questions.shown import CASE_ID, lines_of

MODEL_FOLDER = Path(__file__).parent / "hostile_model"
HOSTILE_MODEL = {
    "COUNTERSIGN_CHAT_MODEL": "openai:hostile",
    "COUNTERSIGN_CHAT_PER_DAY": "1000000",
    "PYTHONPATH": str(MODEL_FOLDER),
}
READERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("without a model", {}),
    ("with a hostile model", HOSTILE_MODEL),
)
#: Only the owner is in the channel of the hidden cases.
HIDDEN_KIND = "issue"
HIDDEN_AMOUNT = 987_654
PLAIN = "what is open?"
PLAIN_READING = "open cases"
FLOOD = 200
#: Everyone's: below the burst that is answered.
QUESTIONS_EACH = int(LIMIT.burst) - 5
INJECTIONS_A_ROUND = 8
NAMES_A_ROUND = 3
LONG_A_ROUND = 8
COMMANDS_AT_ONCE = 60
MEMBERS = [f"U0CROWD{number}" for number in range(300)]
#: After so long an answer is lost. Nothing is judged by how long it took.
ANSWER_SECONDS = 90.0
#: A question may take so many times as long as the slowest of the plain ones around it.
MAX_RATIO = 25.0
MARKUP = re.compile(r"<[!@#]|<https?:")

Message = Mapping[str, Any]


def attack(plan: Plan) -> None:
    """Ask everything of a bot without a model, then of one whose model is hostile."""
    for number, (name, environment) in enumerate(READERS, start=1):
        share = number / len(READERS)
        with _town(plan.folder / f"questions-{number}", environment) as running:
            crowd = Crowd(running)
            _seed(running)
            began = _ledger(running)
            _flood(plan, crowd, name)
            _commands(plan, crowd, name)
            _removed(plan, crowd, name)
            rounds = 0
            while rounds < 1 or plan.left(share) > plan.seconds * 0.1:
                _injections(plan, crowd, name)
                _long_questions(plan, crowd, name)
                _names(plan, crowd, name)
                rounds += 1
            _must_be_as_before(running, began, plan.begin(f"what questions leave behind, {name}"))


@contextlib.contextmanager
def _town(folder: Path, environment: Mapping[str, str]) -> Iterator[Town]:
    """A town in which one kind of case belongs into a channel of its own."""
    running = Town(folder, **environment)
    try:
        path = folder / "library" / "playbooks" / f"{HIDDEN_KIND}.yml"
        playbook = json.loads(path.read_text())
        path.write_text(json.dumps({**playbook, "channel": HIDDEN_CHANNEL}))
        channel = {"id": HIDDEN_CHANNEL, "name": "board", "members": [ELSIE], "is_private": True}
        running.emulator.post("seed", {"channels": [channel]})
        # What is late on a busy machine is no finding.
        running.emulator.post("faults", {"answer_within": 60})
        running.open()
        yield running
    finally:
        running.close()


class Crowd:
    """Colleagues who each ask a few questions, so that nobody asks too many."""

    def __init__(self, running: Town) -> None:
        self.running = running
        self._serial = itertools.count(1)
        self._names = itertools.cycle(PEOPLE)
        self._asker = ""
        self._questions = QUESTIONS_EACH

    def join(self) -> str:
        """Let a colleague come, whom Slack has listed as a member already."""
        user_id = MEMBERS[next(self._serial)]
        name = f"{next(self._names)} {user_id}"
        user = {
            "id": user_id,
            "name": user_id.lower(),
            "real_name": name,
            "profile": {"real_name": name},
            "tz": "Europe/London",
        }
        self.running.emulator.post("seed", {"users": [user]})
        return user_id

    def asker(self) -> str:
        """Name a colleague who has questions left."""
        if self._questions >= QUESTIONS_EACH:
            self._asker = self.join()
            self._questions = 0
        self._questions += 1
        return self._asker

    def ask(self, who: str, text: str) -> Message | None:
        """Ask in the agent pane; None if there is no answer."""
        question = self.say(who, text)
        return self.wait_for_answer(who, question)

    def say(self, who: str, text: str) -> str:
        """Ask, and return the time that names the question."""
        self.running.emulator.post("home", {"as": who, "tab": "messages"})
        body = {"as": who, "channel": direct(who), "text": text}
        return str(self.running.emulator.post("message", body)["ts"])

    def wait_for_answer(self, who: str, question: str) -> Message | None:
        with contextlib.suppress(TimeoutError):
            self.running.until(lambda: bool(self.answers(who, question)), ANSWER_SECONDS)
        return next(iter(self.answers(who, question)), None)

    def answers(self, who: str, question: str) -> list[Message]:
        messages = self.running.emulator.messages(direct(who))
        return [one for one in messages if _is_answer(one) and one.get("thread_ts") == question]


def direct(who: str) -> str:
    """Name the channel of this person and the bot."""
    return f"D{who[1:]}"


def _is_answer(message: Message) -> bool:
    return bool(message.get("bot_id") and message.get("blocks"))


def _seed(running: Town) -> None:
    """Cases that everybody in the channel sees, and one that nobody of them does."""
    running.emulator.post("channel", {"id": STOCK, "members": [*STAFF, *MEMBERS]})
    for kind in ("restock", "bulk", "mismatch"):
        running.wait_for_button(running.signal(kind), "case.more")
    number = running.number()
    hidden = running.signal(
        HIDDEN_KIND,
        number,
        title=f"{SECRET} wants money",
        facts={"item": number, "amount": HIDDEN_AMOUNT},
    )
    running.wait_for_button(hidden, "case.more")


def _ledger(running: Town) -> dict[str, tuple[str, int]]:
    """State and version of every case."""
    cases = running.store.queries.newest(limit=100_000)
    return {case.id: (case.state.name, case.version) for case in cases}


def _hidden_ids(running: Town) -> set[str]:
    cases = running.store.queries.newest(limit=100_000)
    return {case.id for case in cases if case.channel == HIDDEN_CHANNEL}


# --- what must be so -------------------------------------------------------------------------------------------------------


def _judge(running: Town, tally: Tally, text: str, answer: Message | None) -> None:
    """An answer there is, and nothing in it that was not this person's to see, or that Slack would format."""
    tally.tried()
    short = f"{text[:60]!r}"
    if answer is None:
        tally.broke(f"no answer to {short}")
        return
    for wrong in _wrongs(running, text, answer):
        tally.broke(f"{wrong}: {short}")


def _wrongs(running: Town, text: str, answer: Message) -> Iterator[str]:
    everything = json.dumps([answer.get("text"), answer["blocks"]], ensure_ascii=False)
    words = "\n".join(lines_of(answer["blocks"]))
    if SECRET.split()[0].casefold() in everything.casefold():
        yield "the answer names what is hidden"
    if str(HIDDEN_AMOUNT) in everything.replace(",", ""):
        yield "the answer counts what is hidden"
    for case_id in set(CASE_ID.findall(everything)) & _hidden_ids(running):
        if case_id not in text:
            yield f"the answer names the hidden {case_id}"
    for block in _formatted_texts(answer["blocks"]):
        if MARKUP.search(block):
            yield f"the answer has markup in it: {block[:80]!r}"
    if len(words) > 12_000:
        yield f"the answer has {len(words):,} characters"


def _formatted_texts(node: Any) -> Iterator[str]:
    """Every text that Slack would look for mentions and links in."""
    if isinstance(node, list):
        for one in node:
            yield from _formatted_texts(one)
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield str(node["text"])
        for value in node.values():
            yield from _formatted_texts(value)


def _must_be_as_before(running: Town, before: Mapping[str, Any], tally: Tally) -> None:
    """Words have decided nothing: no state and no entry is another one."""
    tally.tried()
    now = _ledger(running)
    for case_id, was in before.items():
        if now[case_id] != was:
            tally.broke(f"{case_id} was {was} and is {now[case_id]}")
    standing = running.store.desk_controls.load()
    if standing.pauses or standing.delegations:
        tally.broke("a question paused the bot, or let somebody stand in")
    parked = running.store.outbox.parked_messages()
    if parked:
        tally.broke(f"{len(parked)} pieces of work were given up: {parked[0]}")


# --- the attacks -----------------------------------------------------------------------------------------------------------


def _injections(plan: Plan, crowd: Crowd, reader: str) -> None:
    """Questions that give orders, in the pane and in the thread of a card."""
    running = crowd.running
    tally = plan.begin(f"injections in questions, {reader}", "E3 E4")
    before = _ledger(running)
    for text in plan.dice.sample(INJECTIONS, INJECTIONS_A_ROUND):
        _judge(running, tally, text, crowd.ask(crowd.asker(), text))
    _must_be_as_before(running, before, tally)


def _names(plan: Plan, crowd: Crowd, reader: str) -> None:
    """Cases about things that are called like commands; a plain question is read as before."""
    running = crowd.running
    tally = plan.begin(f"names that look like commands, {reader}", "E3")
    for name in plan.dice.sample(NAMES, NAMES_A_ROUND):
        number = running.number()
        with contextlib.closing(sqlite3.connect(running.company, timeout=30)) as database:
            database.execute("UPDATE products SET name = ? WHERE id = ?", (name, number))
            database.commit()
        case_id = running.signal("restock", number, title=f"{name} is running low")
        running.wait_for_button(case_id, "case.more")
        before = _ledger(running)
        asker = crowd.asker()
        _judge(running, tally, PLAIN, crowd.ask(asker, PLAIN))
        if not running.environment.get("COUNTERSIGN_CHAT_MODEL"):
            reading = _last_reading(running, asker)
            if reading != PLAIN_READING:
                tally.broke(f"{PLAIN!r} is read as {reading!r}, because of a name")
        for text in (f"anything about {name}?", f"status of {case_id}"):
            _judge(running, tally, text, crowd.ask(crowd.asker(), text))
        _must_be_as_before(running, before, tally)


def _last_reading(running: Town, who: str) -> str:
    """Return how the last question of this person was read."""
    since = utc_now() - timedelta(hours=1)
    for record in running.store.question_log.questions(since, only_unanswered=False):
        if record.person == f"{TEAM}/{who}":
            return record.reading
    return ""


def _long_questions(plan: Plan, crowd: Crowd, reader: str) -> None:
    """Ten thousand characters each; a plain question beside each says how fast the machine is now."""
    running = crowd.running
    tally = plan.begin(f"questions of 10,000 characters, {reader}", "E5")
    texts = [text for text in long_questions(plan.dice) if text.strip()]
    _time(crowd, PLAIN)
    worst = float(tally.figures.get("slowest, in plain questions", "0"))
    for text in plan.dice.sample(texts, LONG_A_ROUND):
        plain_seconds, answer = _time(crowd, PLAIN)
        _judge(running, tally, PLAIN, answer)
        seconds, answer = _time(crowd, text)
        _judge(running, tally, text, answer)
        ratio = seconds / plain_seconds
        worst = max(worst, ratio)
        if ratio > MAX_RATIO:
            tally.broke(f"{ratio:.0f} times as long as a plain question: {text[:40]!r}")
    tally.figures["slowest, in plain questions"] = f"{worst:.1f}"


def _time(crowd: Crowd, text: str) -> tuple[float, Message | None]:
    """Ask, and return how long the answer took."""
    who = crowd.asker()
    began = time.monotonic()
    answer = crowd.ask(who, text)
    return max(time.monotonic() - began, 0.04), answer


def _flood(plan: Plan, crowd: Crowd, reader: str) -> None:
    """Two hundred questions at once of one person, while others ask and decide."""
    running = crowd.running
    tally = plan.begin(f"two hundred questions a minute, {reader}", "E5")
    others = [crowd.join() for _ in range(4)]
    flooder = crowd.join()
    began = utc_now() - timedelta(seconds=1)
    case_id = running.signal("restock")
    running.wait_for_button(case_id, "case.approve")
    with ThreadPoolExecutor(9) as pool:
        flood = [pool.submit(crowd.say, flooder, f"what is open? {n}") for n in range(FLOOD)]
        answers = [(one, pool.submit(crowd.ask, one, PLAIN)) for one in others]
        approval = pool.submit(running.approve, case_id)
        for one, answer in answers:
            _judge(running, tally, f"{PLAIN} ({one})", answer.result(ANSWER_SECONDS * 2))
        if not approval.result(ANSWER_SECONDS):
            tally.broke("an approval was not acknowledged beside a flood of questions")
        times = [question.result(ANSWER_SECONDS * 2) for question in flood]
    tally.tried(len(times))
    _judge_flood(crowd, tally, flooder, began)


def _judge_flood(crowd: Crowd, tally: Tally, flooder: str, began: Any) -> None:
    """All of it is noted, a burst of it is answered, and the rest is declined once."""
    running = crowd.running

    def noted() -> list[Any]:
        records = running.store.question_log.questions(began, only_unanswered=False, limit=10_000)
        return [record for record in records if record.person == f"{TEAM}/{flooder}"]

    with contextlib.suppress(TimeoutError):
        running.until(lambda: len(noted()) >= FLOOD, ANSWER_SECONDS)
    if len(noted()) != FLOOD:
        tally.broke(f"{len(noted())} of {FLOOD} questions are noted")

    def answers() -> list[Message]:
        return [one for one in running.emulator.messages(direct(flooder)) if _is_answer(one)]

    with contextlib.suppress(TimeoutError):
        running.until(lambda: len(answers()) >= LIMIT.burst, ANSWER_SECONDS)
    count = len(answers())
    tally.figures["answered"] = f"{count} of {FLOOD}"
    if not LIMIT.burst <= count <= FLOOD // 3:
        tally.broke(f"{count} of {FLOOD} questions of one person were answered")
    notices = [
        one
        for one in running.emulator.get(f"state?as={flooder}")["ephemerals"]
        if TOO_MANY in json.dumps(one, ensure_ascii=False)
    ]
    if not 1 <= len(notices) <= 3:
        tally.broke(f"the person was told {len(notices)} times that these were too many")


def _commands(plan: Plan, crowd: Crowd, reader: str) -> None:
    """The same by command: each is answered at once, in private, and no more than a burst is read."""
    running = crowd.running
    tally = plan.begin(f"hostile questions by command, {reader}", "E3 E5")
    asker = crowd.join()
    flooder = crowd.join()
    before = _ledger(running)
    for text in plan.dice.sample(INJECTIONS, INJECTIONS_A_ROUND):
        # The first word of these would be a command of the bot.
        _command(running, asker, f"please {text}", tally)
    began = time.monotonic()
    with ThreadPoolExecutor(9) as pool:
        flood = [
            pool.submit(_type, running, flooder, f"what is open? {number}")
            for number in range(COMMANDS_AT_ONCE)
        ]
        answers = [command.result(ANSWER_SECONDS) for command in flood]
    tally.tried(len(answers))
    # On a slow machine so many may be within the limit.
    allowed = LIMIT.burst + (time.monotonic() - began) * LIMIT.per_second
    declined = sum(TOO_MANY in json.dumps(answer, ensure_ascii=False) for answer in answers)
    if allowed + 1 < COMMANDS_AT_ONCE and not declined:
        tally.broke("a flood of questions by command is not limited")
    if not all(answer.get("acked") for answer in answers):
        tally.broke("a command of a flood was not acknowledged")
    _must_be_as_before(running, before, tally)


def _type(running: Town, who: str, text: str) -> dict[str, Any]:
    body = {"as": who, "channel": STOCK, "command": "/exceptions", "text": text}
    return running.emulator.post("slash", body)


def _command(running: Town, who: str, text: str, tally: Tally) -> None:
    answer = _type(running, who, text)
    if not answer.get("acked"):
        tally.broke(f"a command was not acknowledged: {text[:60]!r}")
        return
    _judge(running, tally, text, _last_private(running, who))


def _last_private(running: Town, who: str) -> Message | None:
    messages = running.emulator.get(f"state?as={who}")["ephemerals"]
    return messages[-1] if messages else None


def _removed(plan: Plan, crowd: Crowd, reader: str) -> None:
    """An asker leaves the channel between question and answer, and between answer and press."""
    running = crowd.running
    tally = plan.begin(f"an asker leaves before the answer, {reader}", "E2")
    leaver = crowd.join()
    case_id = running.signal("restock")
    running.wait_for_button(case_id, "case.more")
    text = f"status of {case_id}"
    earlier = crowd.ask(leaver, text)
    if earlier is None:
        tally.broke("a member of the channel was not answered")
        return
    # A hostile model may ask for anything else.
    if not running.environment.get("COUNTERSIGN_CHAT_MODEL") and not _shows_a_case(earlier):
        tally.broke("a member of the channel was shown none of its cases")
    running.emulator.post("faults", {"slow_for": 1.5})
    question = crowd.say(leaver, text)
    # Whoever is killed has forgotten who was in the channel, which may be a minute old otherwise.
    running.bots[0].kill()
    _clear_faults(running)
    shown_before = bool(crowd.answers(leaver, question))
    remaining = [one for one in (*STAFF, *MEMBERS) if one != leaver]
    running.emulator.post("channel", {"id": STOCK, "members": remaining})
    running.bots[0].start()
    _press_everything(running, leaver, earlier, tally)
    if shown_before:
        return
    answer = crowd.wait_for_answer(leaver, question)
    _judge(running, tally, text, answer)
    if answer and _shows_a_case(answer):
        tally.broke("somebody who had left the channel was shown its cases")


def _shows_a_case(answer: Message) -> bool:
    """Tell whether an answer says more of a case than its number."""
    return "restock" in json.dumps(answer["blocks"]).casefold()


def _clear_faults(running: Town) -> None:
    running.emulator.post("faults", {"slow_for": 0.0})


def _press_everything(running: Town, who: str, answer: Message, tally: Tally) -> None:
    """Press what stands under an older answer: it shows nothing more of the channel."""
    private = len(running.emulator.get(f"state?as={who}")["ephemerals"])
    direct_ts = {one["ts"] for one in running.emulator.messages(direct(who))}
    for action_id in (ids.REREAD, ids.SHOW_ALL, ids.OPEN, ids.CHOOSE_READING, ids.FEEDBACK):
        for element in _elements(answer["blocks"], action_id):
            tally.tried()
            place = {"as": who, "channel": direct(who), "ts": answer["ts"]}
            body = {**place, "action_id": action_id, "value": element.get("value")}
            with contextlib.suppress(OSError):
                running.emulator.post("click", body)
    window = running.emulator.get(f"state?as={who}")
    new = [*window["ephemerals"][private:], *window["views"]]
    new += [one for one in running.emulator.messages(direct(who)) if one["ts"] not in direct_ts]
    for message in new:
        if "is running low" in json.dumps(message) or "Wine" in json.dumps(message):
            tally.broke("a press under an older answer shows a case of a channel that was left")


def _elements(node: Any, action_id: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for one in node:
            yield from _elements(one, action_id)
    if isinstance(node, dict):
        if node.get("action_id") == action_id:
            yield node
        for value in node.values():
            yield from _elements(value, action_id)
