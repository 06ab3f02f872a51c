"""An approval of the next plans like one, in Slack: the form, what it says, and the button to stop."""

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from bot.cases.grant import GrantMeter, GrantUse
from bot.cases.lifecycle import State
from bot.emulator.blocks import validate, validate_view
from bot.ports.card_store import CardContext
from bot.views.app_home import HomeFilter
from handlers.cards import ids
from handlers.cards.case_card import case_card
from handlers.cards.grant_form import SAME, grant_form
from handlers.cards.home_view import home_view
from handlers.slack.slash_command import COMMAND
from tests.desk.test_grants import give, prepare, raised
from tests.fakes.directory import principal
from tests.handlers.slack.requests import form_body, post_signed, press_body

HOUR = timedelta(hours=1)


def submission(view, user="UANA", **values) -> bytes:
    """Submit the form with these values in place of what it suggests."""
    state = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        name = element["action_id"].removeprefix("field.")
        state[block["block_id"]] = {element["action_id"]: _answer(element, values.get(name))}
    return form_body(
        {
            "type": "view_submission",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "api_app_id": "A1",
            "token": "x",
            "view": {**view, "id": "V1", "state": {"values": state}},
        }
    )


def _answer(element, value):
    match element["type"]:
        case "static_select":
            chosen = value or element["initial_option"]["value"]
            return {"type": "static_select", "selected_option": {"value": chosen}}
        case "datetimepicker":
            at = element["initial_date_time"]
            return {"type": "datetimepicker", "selected_date_time": value or at}
        case _:
            text = element["initial_value"] if value is None else value
            return {"type": "plain_text_input", "value": text}


def opened(receiver):
    world = receiver.world
    prepare(world)
    case = raised(world, 100)
    return case, grant_form(case, world.desk.decisions.grants.suggest(case), world.library.labels())


def test_the_form_suggests_three_more_for_as_much_each(receiver):
    case, view = opened(receiver)
    assert validate_view(view) == []
    text = json.dumps(view, ensure_ascii=False)
    assert '"initial_value": "300.00"' in text
    assert "How many more?" in text
    answer = post_signed(receiver, submission(view)).json()
    assert answer["response_action"] == "update"
    assert validate_view(answer["view"]) == []
    words = json.dumps(answer["view"], ensure_ascii=False)
    assert f"{case.id} is approved, and so are up to 3 more like it, £300.00 in all" in words
    (grant,) = receiver.world.store.desk_controls.load().grants
    assert (grant.max_count, grant.max_amount.amount, grant.target) == (3, Decimal(300), "")
    receiver.world.work()
    assert receiver.world.case(case).state is State.RESOLVED


def test_what_is_filled_in_is_what_holds(receiver):
    _, view = opened(receiver)
    assert post_signed(receiver, submission(view, count="5", amount="450", target=SAME)).json()
    (grant,) = receiver.world.store.desk_controls.load().grants
    assert (grant.max_count, grant.max_amount.amount) == (5, Decimal(450))
    assert grant.target == "order_stock:1"


def test_terms_that_cannot_be_are_said_at_their_field(receiver):
    case, view = opened(receiver)
    for field, value in (("amount", "99999"), ("amount", "many"), ("until", 1)):
        errors = post_signed(receiver, submission(view, **{field: value})).json()["errors"]
        assert list(errors) == [field]
    assert receiver.world.case(case).state is State.PROPOSED


def test_the_card_of_the_case_is_the_meter_with_the_button_to_stop(receiver):
    world = receiver.world
    prepare(world)
    case, grant = give(world)
    blocks = case_card(case, CardContext(grant_meter=GrantMeter(grant, GrantUse(2, Decimal(410)))))
    assert validate(blocks) == []
    text = json.dumps(blocks, ensure_ascii=False)
    assert "2 of 3 more, £410.00 of £1,000.00, until " in text
    assert ids.STOP_GRANT in text
    body = press_body(case, user="UOMAR", action=ids.STOP_GRANT, value=grant.id)
    assert post_signed(receiver, body).status_code == 200
    assert world.store.desk_controls.load().grants == ()
    assert raised(world, 1).state is State.PROPOSED


def test_a_card_says_in_whose_name_it_was_approved_in_advance(receiver):
    world = receiver.world
    prepare(world)
    first, _ = give(world)
    text = json.dumps(case_card(raised(world, 1)), ensure_ascii=False)
    assert f"Approved by Ana, in advance with {first.id}," in text


def test_the_card_is_drawn_again_when_it_is_used(receiver):
    world = receiver.world
    prepare(world)
    first, _ = give(world)
    assert "grant:0:0.00" in world.store.cards.cards(first.id)[0].look
    raised(world, 1)
    assert "grant:1:100.00" in world.store.cards.cards(first.id)[0].look
    world.clock.at += 4 * HOUR
    world.work()
    assert "grant" not in world.store.cards.cards(first.id)[0].look


def test_home_lists_it_for_the_giver_and_for_those_who_govern(receiver):
    world = receiver.world
    prepare(world)
    _, grant = give(world)
    for name, is_shown in (("ana", True), ("elsie", True), ("carla", False)):
        home = world.desk.screens.app_home.compose(principal(name), HomeFilter())
        view = home_view(home, lambda channel, ts: "")
        assert (grant.id in json.dumps(view)) is is_shown
        assert validate(view["blocks"]) == []


def command(receiver, text: str, user: str) -> str:
    """Type a command, and return the answer."""
    fields = {
        "command": COMMAND,
        "text": text,
        "team_id": "T1",
        "user_id": user,
        "channel_id": "C0STOCK",
        "trigger_id": "t",
    }
    answer = post_signed(receiver, urlencode(fields).encode()).json()
    assert validate(answer["blocks"]) == []
    return json.dumps(answer["blocks"], ensure_ascii=False)


def test_the_command_lists_it_with_its_button_for_those_who_may_stop_it(receiver):
    world = receiver.world
    prepare(world)
    assert "Nothing is approved in advance" in command(receiver, "grants", "UANA")
    first, grant = give(world)
    raised(world, 1)
    for user in ("UANA", "UBEN"):
        answer = command(receiver, "grants", user)
        assert f"Ana approved in advance with {first.id} (Running low): 1 of 3 more" in answer
        assert f'"action_id": "{ids.STOP_GRANT}"' in answer
        assert f'"value": "{grant.id}"' in answer
    world.people.members["nobody"] = {"finn"}
    assert grant.id not in command(receiver, "grants", "UFINN")


def test_the_command_stops_what_came_with_a_case(receiver):
    world = receiver.world
    prepare(world)
    first, _ = give(world)
    world.people.members["nobody"] = {"finn"}
    assert "Not done" in command(receiver, f"stop {first.id}", "UFINN")
    assert world.store.desk_controls.load().grants
    answer = command(receiver, f"stop {first.id.lower()}", "UBEN")
    assert f"Stopped: what was approved in advance with {first.id}" in answer
    assert world.store.desk_controls.load().grants == ()
    assert "Not done: nothing is approved in advance" in command(
        receiver, f"stop {first.id}", "UBEN"
    )
    assert raised(world, 1).state is State.PROPOSED


def test_a_stop_of_everything_is_about_a_pause(receiver):
    assert "approved in advance" not in command(receiver, "stop everything", "UANA")


def test_a_press_in_the_answer_to_a_command_says_that_it_stopped(receiver, agreeable_slack):
    world = receiver.world
    prepare(world)
    _, grant = give(world)
    body = {
        "type": "block_actions",
        "user": {"id": "UBEN", "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": "t",
        "container": {"type": "message", "is_ephemeral": True},
        "actions": [
            {"type": "button", "action_id": ids.STOP_GRANT, "block_id": "b", "value": grant.id}
        ],
    }
    post_signed(receiver, form_body(body))
    assert world.store.desk_controls.load().grants == ()
    assert "Stopped. From now on such plans ask again." in str(agreeable_slack.calls)
