"""One live card for each open case, whatever became of Slack's replies: real messages in the emulator, over a real socket."""

import contextlib
import json
import random
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from slack_bolt import BoltRequest

from bot.cases.commands import Claim
from bot.cases.entries import RejectReason
from bot.cases.errors import CountersignError, RateLimited, StaleFence
from bot.clock import utc_now
from bot.desk.message_cleanup import (
    MAX_TRIES,
    finish_list,
    posted_since,
    sweep_card,
    sweep_list,
)
from bot.desk.worker import WorkerPool, WorkerTimings
from bot.ports.card_store import CardRef
from bot.ports.chat import PostedMessage
from bot.ports.live_lists import LiveList
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.store import Store
from handlers.cards.ids import DETAILS
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.rows import stale_lease
from tests.world import World, request

pytestmark = pytest.mark.threat("C6")
CHANNELS = ("C0STOCK", "C0OPS", "C0FLOOR")


@pytest.fixture
def town(small_world, emulator):
    """The desk on SQLite, before a Slack that can lose replies; its clock begins now and is put forward by hand."""
    chat = SlackChat(web_client("xoxb-emulator", f"{emulator.url}/api/"), RateLimiter(0, 1))
    world = World(small_world.store, chat=chat)
    world.clock.at = utc_now()
    world.emulator = emulator
    world.slack = web_client("xoxb-emulator", f"{emulator.url}/api/")
    return world


def faults(town, **knobs):
    town.emulator.post("faults", knobs)


def later(town, *, rounds=6):
    """Let what is in doubt settle."""
    for _ in range(rounds):
        town.clock.forward(seconds=31)
        town.work()


def buttons(message):
    """The rows of buttons that decide; the details of a case do not."""
    return [
        block
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        and any(element["action_id"] != DETAILS for element in block["elements"])
    ]


def live(emulator, channels=CHANNELS):
    """Every message with the buttons of a card, by the case that they are about."""
    found: dict[str, list[tuple[str, str]]] = {}
    for channel in channels:
        for message in emulator.messages(channel):
            ids = {block["block_id"].split(":")[1] for block in buttons(message)}
            for case_id in ids:
                found.setdefault(case_id, []).append((channel, message["ts"]))
    return found


def standing(town, case_id):
    card = town.store.cards.cards(case_id)[0]
    return {case_id: [(card.channel, card.ts)]}


def drift(town, case):
    """The evidence moves: the case is asked again, on a card of a new generation."""
    town.house.facts["on_hand"] += 1
    town.approve(town.case(case))
    do(town, Topic.EXECUTE)
    do(town, Topic.TRIAGE)


def do(town, topic):
    for work in town.store.outbox.claim([topic], 9, town.clock(), 30):
        town.lane.handle(work)


# --- how a second card came to stand ---------------------------------------------------------------------------------


def test_a_card_that_slack_shows_late_does_not_stay_twice(town):
    faults(town, drop_next=1, hidden_for=3600)
    case = town.proposed()
    town.clock.forward(seconds=31)
    town.work()
    assert len(live(town.emulator)[case.id]) == 2
    faults(town, hidden_for=0)
    later(town)
    assert live(town.emulator) == standing(town, case.id)


def test_a_card_that_is_still_hidden_when_it_is_looked_for_is_found_the_second_time(town):
    faults(town, drop_next=1, hidden_for=3600)
    case = town.proposed()
    town.clock.forward(seconds=31)
    town.work()
    town.clock.forward(seconds=31)
    town.work()
    faults(town, hidden_for=0)
    later(town, rounds=14)
    assert live(town.emulator) == standing(town, case.id)


def channel_messages(town):
    """The messages of the channel, without the replies in their threads."""
    messages = town.emulator.messages("C0STOCK")
    return [one for one in messages if one.get("thread_ts") in {None, one["ts"]}]


def test_what_has_to_wait_behind_the_post_does_not_post_again(town):
    """Slack has answered: where the card stands is known, even when the lists that follow it cannot be drawn now."""
    patience = [RateLimited(1)]

    def follow(case, boards):
        if patience:
            raise patience.pop()

    object.__setattr__(town.desk.screens.cards, "followers", (follow,))
    case = town.proposed()
    town.clock.forward(seconds=2)
    town.work()
    assert [message["ts"] for message in channel_messages(town)] == [
        town.store.cards.cards(case.id)[0].ts
    ]


def test_every_older_card_loses_its_buttons_however_many_came_between(town):
    case = town.proposed()
    drift(town, case)
    drift(town, case)
    later(town)
    assert town.case(case).generation >= 3
    assert live(town.emulator) == standing(town, case.id)


def test_a_card_that_was_deleted_and_posted_anew_is_found_again_too(town):
    case = town.proposed()
    town.slack.chat_delete(channel="C0STOCK", ts=town.store.cards.cards(case.id)[0].ts)
    faults(town, drop_next=1, drop_only="chat.postMessage")
    town.desk.decisions.decide(request(case.id, principal("ana"), town.seen(case)), Claim)
    town.work()
    later(town)
    assert live(town.emulator) == standing(town, case.id)


def test_a_card_that_may_no_longer_be_edited_gives_way_to_a_new_one(town):
    case = town.proposed()
    faults(town, edit_window_closed=True)
    town.desk.decisions.decide(request(case.id, principal("ana"), town.seen(case)), Claim)
    town.work()
    faults(town, edit_window_closed=False)
    later(town)
    assert live(town.emulator) == standing(town, case.id)


class Overtaken:
    """A chat whose first card is posted only after somebody else has done the same work."""

    def __init__(self, chat, meanwhile):
        self.chat, self.meanwhile = chat, [meanwhile]

    def draw_card(self, *given, **named):
        if self.meanwhile:
            self.meanwhile.pop()()
        return self.chat.draw_card(*given, **named)

    def __getattr__(self, name):
        return getattr(self.chat, name)


def test_a_worker_that_was_taken_over_while_it_posted_leaves_nothing_behind(town):
    def meanwhile():
        town.clock.forward(seconds=31)
        town.work()

    object.__setattr__(town.desk.screens.cards, "chat", Overtaken(town.chat, meanwhile))
    case = town.proposed()
    assert len(live(town.emulator)[case.id]) == 2
    later(town)
    assert live(town.emulator) == standing(town, case.id)


def test_a_card_in_doubt_is_taken_away_from_the_channel_that_the_case_has_left(town):
    from bot.cases.signal import UNRECOGNISED

    faults(town, drop_next=1, hidden_for=3600)
    case = town.store.cases.case(town.receive(town.signal(kind=UNRECOGNISED)).case_id)
    town.work()
    town.desk.decisions.name_kind(
        request(case.id, principal("ana"), town.seen(case)), kind="low_stock"
    )
    town.work()
    faults(town, hidden_for=0)
    later(town)
    assert town.case(case).channel == "C0STOCK"
    assert live(town.emulator) == standing(town, case.id)


def test_a_card_far_back_in_a_long_history_is_found(town):
    faults(town, drop_next=1, hidden_for=3600)
    case = town.proposed()
    town.clock.forward(seconds=31)
    town.work()
    for number in range(450):
        town.slack.chat_postMessage(channel="C0STOCK", text=f"talk {number}")
    faults(town, hidden_for=0)
    later(town)
    assert live(town.emulator) == standing(town, case.id)


def test_a_copy_that_people_talked_under_stays_without_buttons_and_says_where_the_card_is(town):
    faults(town, drop_next=1, hidden_for=3600)
    case = town.proposed()
    (copy,) = channel_messages(town)
    town.slack.chat_postMessage(channel="C0STOCK", thread_ts=copy["ts"], text="what is this?")
    town.clock.forward(seconds=31)
    town.work()
    faults(town, hidden_for=0)
    later(town)
    (kept,) = [one for one in channel_messages(town) if one["ts"] == copy["ts"]]
    (_, ts) = standing(town, case.id)[case.id][0]
    assert buttons(kept) == []
    assert f"p{ts.replace('.', '')}" in str(kept["blocks"])
    assert live(town.emulator) == standing(town, case.id)


def test_a_case_that_ended_meanwhile_leaves_no_button_behind(town):
    faults(town, drop_next=1, hidden_for=3600)
    case = town.proposed()
    town.clock.forward(seconds=31)
    town.work()
    town.desk.decisions.reject(
        request(case.id, principal("ana"), town.seen(case)), reason=RejectReason.WRONG_PLAN
    )
    faults(town, hidden_for=0)
    later(town)
    assert live(town.emulator) == {}


def test_a_list_that_was_posted_twice_stands_once(town):
    """A digest and a shared card have buttons as well: a copy that nobody draws again would keep dead ones."""
    from bot.desk.digest import digest_message

    case = town.proposed()
    now = town.clock()
    faults(town, drop_next=1, hidden_for=3600)
    town.desk.store.outbox.enqueue([digest_message("C0STOCK", now, now)])
    town.work()
    town.clock.forward(seconds=31)
    town.work()
    faults(town, hidden_for=0)
    later(town)
    kinds = [one["metadata"]["event_type"] for one in channel_messages(town)]
    assert sorted(kinds) == ["exception_card", "exception_digest"]
    assert town.case(case).is_terminal is False


def test_a_draw_that_is_certain_costs_no_search(town):
    for number in range(3):
        town.receive(town.signal(f"product:{number}"))
    town.work()
    later(town)
    assert "conversations.history" not in town.emulator.get("traffic")["calls"]


# --- many lost replies at once -----------------------------------------------------------------------------------------


@contextmanager
def bots(town, many):
    """Several workers with a database connection of their own each, as several processes have."""
    lanes, databases = [], []
    pace = WorkerTimings(lease_for=10.0, settle_for=0.4, back_off=0.05, poll_interval=0.05)
    for number in range(many):
        databases.append(Database(town.store.database.url))
        chat = SlackChat(town.slack, RateLimiter(0, 1))
        desk = World(
            Store.over(databases[-1]), chat=chat, settle_for=pace.settle_for, storm_after=0
        ).desk
        work = {
            Topic.TRIAGE: desk.triage.run,
            Topic.CARD: desk.screens.cards.refresh,
            Topic.SWEEP: desk.upkeep.message_cleanup.run,
        }
        for part in (desk.screens.cards, desk.triage, desk.upkeep.message_cleanup):
            object.__setattr__(part, "clock", utc_now)
        lanes.append(
            WorkerPool(f"bot{number}", desk.store.outbox, work, utc_now, threads=3, timings=pace)
        )
        lanes[-1].start()
    try:
        yield
    finally:
        for lane in lanes:
            lane.stop()
        for database in databases:
            database.close()


def test_hundreds_of_cards_with_lost_replies_end_as_one_live_card_each(town):
    """Two workers, replies lost at random, posts that Slack shows late, decisions in between."""
    seed, many = random.SystemRandom().randrange(2**32), 200
    print(f"seed {seed}")
    dice, cases = random.Random(seed), [f"EX-{number}" for number in range(1, many + 1)]
    town.clock.at = utc_now()
    faults(town, seed=seed, drop_share=0.15, limit_share=0.05, retry_after=0)
    faults(town, hidden_for=0.2)
    for number in range(many):
        town.receive(town.signal(f"product:{number}", facts={"product_id": number}))
    pause = threading.Event()
    with bots(town, 2):
        for _ in range(6000):
            if all(town.store.cards.cards(case_id) for case_id in cases):
                break
            decide_something(town, dice, dice.choice(cases))
            pause.wait(0.1)
        lost = town.emulator.get("traffic")["calls"]["conversations.history"]
        faults(town, drop_share=0.0, limit_share=0.0)
        for _ in range(6000):
            if not waiting(town):
                break
            pause.wait(0.1)
        assert waiting(town) == {}
    print(f"{lost} searches, {town.emulator.get('traffic')['calls']}")
    expected = {}
    for case_id in cases:
        if not town.store.cases.case(case_id).is_terminal:
            expected |= standing(town, case_id)
    assert live(town.emulator) == expected
    assert len(expected) > many // 2
    assert lost > 0


def waiting(town):
    topics = ("triage", "card", "sweep")
    return {
        what: rows for what, rows in town.store.outbox.backlog().items() if what.startswith(topics)
    }


def decide_something(town, dice, case_id):
    """A person claims or rejects; that they may come too late is part of the story."""
    with contextlib.suppress(CountersignError):
        if dice.random() < 0.7:
            town.desk.decisions.decide(
                request(case_id, principal("ana"), town.seen(case_id)), Claim
            )
        else:
            case = town.store.cases.case(case_id)
            town.desk.decisions.reject(
                request(case_id, principal("ana"), town.seen(case)), reason=RejectReason.WRONG_PLAN
            )


# --- a press on what is not the card ---------------------------------------------------------------------------------


@pytest.fixture
def pressed(town):
    """Press a button of a message, as Slack would tell of it; what the presser alone is then told."""
    from handlers.slack.app import build_app

    here = {"id": "C0STOCK", "name": "stock", "members": ["UANA"]}
    town.emulator.post(
        "seed",
        {
            "users": [{"id": "UANA", "name": "ana", "real_name": "Ana", "team_id": "T1"}],
            "channels": [here],
        },
    )
    app = build_app(town.slack, town.slack_services(town.chat))

    def press(message, action_id):
        block, element = next(
            (block, element)
            for block in buttons(message)
            for element in block["elements"]
            if element["action_id"] == action_id
        )
        value = element.get("value") or element["options"][0]["value"]
        chosen = {"selected_option": {"value": value}} if "options" in element else {"value": value}
        body = {
            "type": "block_actions",
            "user": {"id": "UANA", "team_id": "T1"},
            "team": {"id": "T1"},
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": "C0STOCK"},
            "channel": {"id": "C0STOCK"},
            "trigger_id": "t",
            "actions": [
                {
                    "action_id": action_id,
                    "block_id": block["block_id"],
                    "type": element["type"],
                    **chosen,
                }
            ],
        }
        answer = app.dispatch(BoltRequest(body=json.dumps(body), mode="socket_mode"))
        assert answer.status == 200
        return town.emulator.get("state?as=UANA")["ephemerals"]

    return press


def copy_of(town, message):
    """The same card once more, with all its buttons, as a lost reply leaves it behind."""
    given = {name: message[name] for name in ("text", "blocks", "metadata")}
    ts = town.slack.chat_postMessage(channel="C0STOCK", **given)["ts"]
    return next(one for one in channel_messages(town) if one["ts"] == ts)


@pytest.mark.parametrize("action_id", ["case.claim", "case.approve", "case.more"])
def test_a_press_on_a_copy_decides_nothing_and_says_where_the_card_is(town, pressed, action_id):
    case = town.proposed()
    (card,) = channel_messages(town)
    copy = copy_of(town, card)
    if action_id == "case.claim":
        town.slack.chat_update(channel="C0STOCK", ts=copy["ts"], text="x", blocks=[_claiming(copy)])
        copy = next(one for one in channel_messages(town) if one["ts"] == copy["ts"])
    before = town.case(case)
    drawn = town.emulator.get("traffic")["calls"]["chat.update"] if action_id == "case.claim" else 0
    (told,) = pressed(copy, action_id)
    town.work()
    assert town.case(case) == before
    assert "is not in use any more; nothing was decided" in json.dumps(told["blocks"])
    assert f"p{card['ts'].replace('.', '')}" in json.dumps(told["blocks"])
    assert live(town.emulator) == standing(town, case.id) == {case.id: [("C0STOCK", card["ts"])]}
    # The copy was written over, and the card was drawn again.
    assert town.emulator.get("traffic")["calls"]["chat.update"] == drawn + 2


def _claiming(copy):
    block = buttons(copy)[0]
    value = block["elements"][0]["value"]
    button = {
        "type": "button",
        "action_id": "case.claim",
        "text": {"type": "plain_text", "text": "x"},
        "value": value,
    }
    return {"type": "actions", "block_id": block["block_id"], "elements": [button]}


def test_a_press_on_the_card_or_on_a_list_decides(town, pressed):
    case = town.proposed()
    (card,) = channel_messages(town)
    assert pressed(card, "case.approve") == []
    other = town.store.cases.case(town.receive(town.signal("product:2")).case_id)
    town.work()
    listed = copy_of(
        town,
        next(one for one in channel_messages(town) if other.id in str(one["blocks"])),
    )
    rows = [{**block, "block_id": f"needs:{other.id}:1"} for block in buttons(listed)]
    town.slack.chat_update(channel="C0STOCK", ts=listed["ts"], text="list", blocks=rows)
    (listed,) = [one for one in channel_messages(town) if one["ts"] == listed["ts"]]
    assert pressed(listed, "case.approve") == []
    assert [len(town.case(one).proposal.approvals) for one in (case, other)] == [1, 1]


def test_a_card_whose_reply_was_lost_may_be_pressed_before_it_is_found_again(town, pressed):
    faults(town, drop_next=1)
    case = town.proposed()
    (card,) = channel_messages(town)
    assert pressed(card, "case.approve") == []
    assert len(town.case(case).proposal.approvals) == 1


def test_the_blocks_of_a_card_are_told_from_those_of_a_list():
    """What a press is about is read from the name of its block: every card has these names, and no list has."""
    from handlers.cards.case_card import case_card
    from handlers.cards.rows import case_rows
    from handlers.slack.interactions import CARD_BLOCKS
    from tests.handlers.cards.examples import CASE_EXAMPLES, digest, permalink

    for make in CASE_EXAMPLES.values():
        assert all(
            block["block_id"].startswith(CARD_BLOCKS)
            for block in buttons({"blocks": case_card(make())})
        )
    rows = case_rows("needs", digest().needs, permalink)
    assert buttons({"blocks": rows})
    assert not any(block["block_id"].startswith(CARD_BLOCKS) for block in buttons({"blocks": rows}))


# --- what is searched for, without a Slack -----------------------------------------------------------------------------------


def sweep_state(world):
    """States of the searches that have been requested, by key."""
    rows = world.store.database.fetch(
        sa.select(tables.outbox).where(tables.outbox.c.topic == "sweep")
    )
    return {row.key: row.state for row in rows}


def request_sweep(world, message):
    world.store.outbox.enqueue([message])
    world.work()


def settle(world, times=MAX_TRIES + 1):
    for _ in range(times):
        world.clock.forward(seconds=31)
        world.work()


def test_a_case_without_a_card_is_searched_for_a_while_and_then_given_up(small_world, caplog):
    world = small_world
    world.receive()
    sweep = sweep_card(world.store.cases.case("EX-1"), [], world.clock())
    world.store.outbox.discard([Topic.TRIAGE])
    request_sweep(world, sweep)
    assert sweep_state(world) == {sweep.key: "ready"}
    settle(world)
    assert "is not to be seen in its channel" in caplog.text


def test_a_list_that_was_never_recorded_is_searched_for_a_while_and_then_given_up(
    small_world, caplog
):
    sweep = sweep_list("digest:C0OPS:1", "C0OPS", small_world.clock())
    request_sweep(small_world, sweep)
    settle(small_world)
    assert "digest:C0OPS:1" in caplog.text


@pytest.fixture
def listed(small_world):
    """A desk with one recorded list, and the messages that stand in its channel."""
    world = small_world
    sections = {"waiting": []}
    world.store.live_lists.save(
        LiveList(
            key="digest:C0OPS:1",
            place="C0OPS",
            ts="9.1",
            sections=sections,
            shown_at=world.clock(),
        )
    )
    world.messages, world.gone, world.marked = [], [], []
    world.chat.messages_about = lambda name, channel, since: list(world.messages)
    world.chat.remove = lambda copy: world.gone.append(copy.ts)
    world.chat.mark_as_copy = lambda copy, title, standing: world.marked.append((copy.ts, title))
    return world


def posted(ts, **more):
    return PostedMessage("digest:C0OPS:1", "C0OPS", ts, **more)


def test_of_a_list_that_stands_twice_the_recorded_one_stays(listed):
    listed.messages = [posted("9.0"), posted("9.1"), posted("9.2", is_answered=True)]
    request_sweep(listed, sweep_list("digest:C0OPS:1", "C0OPS", listed.clock()))
    # One that was answered keeps its thread.
    assert (listed.gone, listed.marked) == (["9.0"], [("9.2", "This list")])


def test_while_the_recorded_list_is_not_to_be_seen_nothing_is_removed(listed):
    listed.messages = [posted("9.0")]
    request_sweep(listed, sweep_list("digest:C0OPS:1", "C0OPS", listed.clock()))
    assert (listed.gone, listed.marked) == ([], [])


@pytest.mark.parametrize("is_new", [True, False])
def test_a_list_posted_under_a_lease_that_was_lost_is_searched_for_if_it_is_new(store, is_new):
    stale = stale_lease(store, "digest:1")
    sweep = sweep_list("digest:1", "C0OPS", NOON)
    with pytest.raises(StaleFence):
        finish_list(store.outbox, stale, sweep, is_new=is_new)
    assert store.outbox.has_due([Topic.SWEEP], NOON) is is_new


def test_a_search_begins_at_the_newest_card_before_this_generation(small_world):
    case = small_world.proposed()
    cards = [
        CardRef(case_id=case.id, generation=number, channel="C0STOCK", ts=ts, version=1)
        for number, ts in ((-2, "5.5"), (-1, "7.5"), (0, ""), (case.generation, "99.0"))
    ]
    assert posted_since(case, cards) == 7.5
    assert posted_since(case, []) == case.timers.opened_at.timestamp()


def test_a_pressed_message_that_is_the_card_by_now_keeps_its_buttons(listed):
    world = listed
    case = world.proposed()
    (card,) = world.store.cards.cards(case.id)
    pressed = OutboxMessage(
        topic=Topic.SWEEP,
        key="strike:1",
        case_id=case.id,
        run_at=world.clock(),
        payload={"name": case.id, "pressed": [card.channel, card.ts]},
    )
    request_sweep(world, pressed)
    assert world.marked == []
    assert sweep_state(world)["strike:1"] == "done"
