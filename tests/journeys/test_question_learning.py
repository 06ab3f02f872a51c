"""A question that was read wrongly is learned from, from the press of the person to the next reading.

The person says what was meant; the review of the week lists it; the lead accepts it.
"""

import json
from zoneinfo import ZoneInfo

import pytest

from bot.clock import utc_now
from bot.demo.people import DEV, SALES
from bot.desk.digest import digest_message
from bot.views.query import Ask
from handlers.cards import ids
from knowledge.library import PACKAGED, copy_library
from tests.bench.questions import figures
from tests.bench.questions.shown import lines_of
from tests.conftest import PATIENT
from tests.journeys.harbour import harbour, principal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
BOT = "<@U0COUNTERSIGN>"
#: Nobody has told the bot that things are weighed in money.
QUESTION = "weigh the cold leads"
LIKE_QUESTION = "weigh the invoices"
#: That of the library's channels.
ZONE = ZoneInfo("Europe/London")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Start a company with a library of its own, whose week is reviewed today."""
    from bot.demo.processes import EmulatorProcess

    folder = tmp_path_factory.mktemp("learning")
    library = folder / "library"
    copy_library(PACKAGED, library)
    calendar = library / "channels.yml"
    today = DAYS[utc_now().astimezone(ZONE).weekday()]
    calendar.write_text(calendar.read_text().replace("review: mon", f"review: {today}"))
    emulator = EmulatorProcess()
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        environment = {"COUNTERSIGN_LIBRARY_DIR": str(library), "COUNTERSIGN_STORM_AFTER": "0"}
        with harbour(folder, emulator, **environment) as running:
            running.library = library
            running.settled()
            train(running)
            yield running
    finally:
        emulator.close()


def train(running):
    """Wait until the models know every example of the library."""

    def is_trained():
        running.service.trainer.train_if_outdated()
        return not running.service.knowledge.model_is_outdated()

    running.until(is_trained, "the training", 400)


def answers(running, channel, thread_ts):
    """Return what the bot wrote in a thread, to everyone and to one person."""
    public = running.emulator.messages(channel)
    private = running.window(DEV)["ephemerals"]
    return [
        message
        for message in (*public, *private)
        if message.get("bot_id")
        and message.get("blocks")
        and message.get("channel", channel) == channel
        and message.get("thread_ts") in {thread_ts, None}
        and message["ts"] > thread_ts
    ]


def ask(running, text):
    """Ask as the lead of sales, in their channel; return the question's time and the answer."""
    ts = running.say(DEV, SALES, f"{BOT} {text}")["ts"]
    running.until(lambda: answers(running, SALES, ts), f"an answer to {text!r}")
    return ts, answers(running, SALES, ts)[-1]


def press(running, message, action_id, *, ts, value=""):
    """Press under an answer, and return what the bot wrote then."""
    count = len(answers(running, SALES, ts))
    elements = [one for one in elements_of(message["blocks"]) if one.get("action_id") == action_id]
    (element,) = [one for one in elements if one["value"].startswith(value)]
    answer = running.press(DEV, SALES, message["ts"], action_id, element["value"])
    assert answer["acked"]
    running.until(lambda: len(answers(running, SALES, ts)) > count, f"what {action_id} brings")
    return answers(running, SALES, ts)[-1]


def elements_of(node):
    if isinstance(node, list):
        for one in node:
            yield from elements_of(one)
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from elements_of(value)


def text_of(message):
    return "\n".join(lines_of(message["blocks"]))


def last_record(running):
    """Return the last question as the log has it."""
    since = running.clock().replace(year=2000)
    return running.desk.store.question_log.questions(since, only_unanswered=False)[0]


def last_query(running):
    """Return how the last question was read."""
    record = running.desk.store.question_log.find_answer(last_record(running).id, principal(DEV))
    return record.query


def test_a_wrong_reading_becomes_an_example_and_the_next_one_is_right(town):
    ts, answer = ask(town, QUESTION)
    assert last_record(town).text == QUESTION
    assert last_query(town).ask is Ask.LIST

    # The person says that it was not what they meant, and chooses what was.
    offer = press(town, answer, ids.REREAD, ts=ts)
    assert "What did you mean?" in text_of(offer)
    place = place_of_sum(offer)
    meant = press(town, offer, ids.CHOOSE_READING, ts=ts, value=f"{place} ")
    total = total_in(text_of(meant))
    assert total is not None
    record = last_record(town)
    assert (record.vote, record.choice.ask) == ("down", Ask.SUM)

    # The review of the week lists it for the leads of this channel.
    now = town.clock()
    message = digest_message(SALES, now, now)
    town.desk.store.outbox.enqueue([message])
    live_lists = town.desk.store.live_lists
    town.until(lambda: live_lists.get(message.key), "the digest")
    digest_ts = live_lists.get(message.key).ts
    (digest,) = [one for one in town.emulator.messages(SALES) if one["ts"] == digest_ts]
    assert f"“{QUESTION}”" in text_of(digest)
    assert town.desk.conversation.questions.describe(record.choice) in text_of(digest)

    # The lead accepts the example as it is printed.
    printed = town.countersign("questions", "--examples")
    label, example = printed.rstrip().splitlines()
    assert (label.strip(), example.strip()) == ("sum: |", QUESTION)
    accept(town, label, example)
    assert town.desk.library.question_problems() == []
    train(town)

    # The same question is read so now, and so is one like it.
    _, answer = ask(town, QUESTION)
    assert last_query(town) == record.choice
    assert total_in(text_of(answer)) == total
    ask(town, LIKE_QUESTION)
    assert last_query(town).ask is Ask.SUM
    assert last_query(town).condition.kinds == ("invoice_no_order",)


def place_of_sum(offer):
    """Return the place of the reading that asks for money."""
    for element in elements_of(offer["blocks"]):
        is_choice = element.get("action_id") == ids.CHOOSE_READING
        if is_choice and "stake" in element["text"]["text"].casefold():
            return element["value"].partition(" ")[0]
    raise AssertionError(json.dumps(offer["blocks"]))


def total_in(text):
    """Return the money in the first line of an answer; None where it lists cases."""
    amounts = figures.money_in(text.partition("\n")[0])
    return max(amounts) if amounts else None


def accept(running, label, example):
    """Put an example under its label in the library, as its lead does."""
    path = running.library / "questions.yml"
    text = path.read_text()
    assert text.count(f"\n{label}\n") == 1
    path.write_text(text.replace(f"\n{label}\n", f"\n{label}\n{example}\n"))
