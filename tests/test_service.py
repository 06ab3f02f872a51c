"""The lanes of a process, and what each works on."""

from bot.cases.program import Callback, Program
from bot.connectors.callbacks import CallbackSender
from bot.desk.worker import WorkerTimings
from bot.ports.outbox import Topic
from bot.service import LANES, build_lanes

CALLBACK = Callback(url="https://hooks.example/", secret_env=("HOOK_SECRET",))
TILL = Program(name="till", title="The till", callback=CALLBACK)


def lanes_of(world, *programs):
    world.library.programs = {program.name: program for program in programs}
    world.waits["event_sender"] = CallbackSender(lambda name: "")
    world.start("")
    lanes = build_lanes(world.desk, world.clock, WorkerTimings(), names=LANES)
    for lane in lanes.values():
        lane._pool.shutdown()
    return {name: set(lane.topics) for name, lane in lanes.items()}


def test_every_topic_has_one_lane(small_world):
    for programs in ([], [TILL]):
        topics = [topic for lane in lanes_of(small_world, *programs).values() for topic in lane]
        assert len(topics) == len(set(topics))
        # Without a chat model nothing is narrated.
        assert set(topics) == set(Topic) - {Topic.NARRATE}


def test_receivers_have_a_lane_of_their_own_which_nobody_else_pays_for(small_world):
    assert lanes_of(small_world, TILL)["events"] == {Topic.EVENT}
    without = lanes_of(small_world, Program(name="reader", title="A reader"))
    assert "events" not in without
    # What an earlier programs.yml has left is ended there.
    assert Topic.EVENT in without["later"]
