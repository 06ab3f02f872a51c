"""Questions and answers, sent in as Slack sends them."""

import json

import pytest

from bot.cases.lifecycle import State
from handlers.cards import ids
from handlers.cards.inquiry_form import answer_form, ask_form
from tests.fakes.directory import principal
from tests.handlers.slack.requests import form_body, post_signed, press_body

QUESTION = "Is the delivery confirmed?"
BEN = principal("ben")


def press(receiver, value, *, user="UBEN", action=None):
    body = press_body(None, user=user, action=action or ids.INQUIRY_CHOICES[0], value=value)
    assert post_signed(receiver, body).status_code == 200


def submission(view, user, **values) -> bytes:
    """Write a submission; a value is text, the option of a menu, a person or a date."""
    state = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = values.get(element["action_id"])
        shapes = {
            "static_select": {"selected_option": {"value": value} if value else None},
            "users_select": {"selected_user": value},
            "datepicker": {"selected_date": value},
        }
        content = shapes.get(element["type"], {"value": value})
        state[block["block_id"]] = {
            element["action_id"]: {"type": element["type"], **content},
        }
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


def ask(receiver, case, user="UANA", *, form=None, **values):
    """Submit the form of a question, and return Slack's answer."""
    world = receiver.world
    form = form or ask_form(case, world.library.book)
    filled = {
        ids.WHOM: "colleague",
        ids.TO: "UBEN",
        ids.QUESTION: QUESTION,
        ids.ANSWER_TYPE: "choice",
        ids.OPTIONS: "Yes\nNo",
        **values,
    }
    response = post_signed(receiver, submission(form, user, **filled))
    world.work()
    return response


def errors(response):
    return response.json()["errors"]


def asked(receiver, **values):
    """A case with one question, and the question."""
    world = receiver.world
    case = world.proposed()
    assert ask(receiver, case, **values).content == b""
    return case, world.case(case).activity.inquiries[0]


def told(slack):
    """The private answers to presses, as text."""
    return [json.dumps(one["blocks"]) for one in slack.arguments_of("chat.postEphemeral")]


# --- ask ------------------------------------------------------------------------------------------


def test_the_menu_of_the_card_opens_the_form(receiver, agreeable_slack):
    case = receiver.world.proposed()
    body = json.loads(_payload(press_body(case, action=ids.MORE)))
    body["actions"][0] = {
        "type": "overflow",
        "action_id": ids.MORE,
        "block_id": "b",
        "selected_option": {"value": f"{ids.ASK} {ids.token(case)}"},
    }
    assert post_signed(receiver, form_body(body)).status_code == 200
    (call,) = agreeable_slack.arguments_of("views.open")
    assert call["view"]["callback_id"] == ids.ASK_FORM


def _payload(body: bytes) -> str:
    from urllib.parse import parse_qs

    return parse_qs(body.decode())["payload"][0]


def test_a_question_is_recorded_before_slack_hears_of_it(receiver):
    case, inquiry = asked(receiver)
    assert (inquiry.question, inquiry.to, inquiry.by) == (QUESTION, BEN, principal("ana"))
    assert inquiry.options == ("Yes", "No")
    assert receiver.world.entry_names(case)[-1] == "inquiry.opened"


def test_the_same_form_twice_is_one_question(receiver):
    case, _ = asked(receiver)
    response = ask(receiver, case)
    assert "Ben has been asked that already" in "".join(errors(response).values())
    assert len(receiver.world.case(case).activity.inquiries) == 1


@pytest.mark.parametrize(
    ("values", "block", "complaint"),
    [
        ({ids.WHOM: "everybody"}, "whom", "choose whom to ask"),
        ({ids.WHOM: None}, "whom", "choose whom to ask"),
        ({ids.WHOM: "requester"}, "whom", "nobody raised this by hand"),
        ({ids.TO: None}, "to", "choose a colleague"),
        ({ids.TO: "not a user"}, "to", "choose a colleague"),
        ({ids.TO: "UANA"}, "whom", "somebody other than yourself"),
        ({ids.QUESTION: None}, "question", "write the question"),
        ({ids.ANSWER_TYPE: "poem"}, "type", "choose the sort of answer"),
        ({ids.OPTIONS: "Yes"}, "options", "2 to 10 different answers"),
        ({ids.FACT: "stock.on_hand"}, "fact", "known already, or not used"),
        ({ids.FACT: "stock.quantity"}, "type", "ask for a number"),
    ],
)
def test_a_refusal_is_in_the_field_that_it_is_about(receiver, values, block, complaint):
    case = receiver.world.proposed()
    assert complaint in errors(ask(receiver, case, **values))[block]
    assert receiver.world.case(case).activity.inquiries == ()


def test_a_form_of_an_earlier_release_asks_nothing(receiver):
    case = receiver.world.proposed()
    form = {**ask_form(case, receiver.world.library.book), "private_metadata": f"{case.id}:1"}
    response = ask(receiver, case, form=form)
    assert "drawn by an earlier release" in "".join(errors(response).values())
    assert receiver.world.entry_names(case)[-1] == "attempt.refused"


def test_a_stranger_does_not_ask(receiver):
    case = receiver.world.proposed()
    assert "only @floor-managers" in "".join(errors(ask(receiver, case, "UFINN")).values())


# --- answer ---------------------------------------------------------------------------------------


def test_a_press_is_the_answer_and_the_same_press_again_is_refused_kindly(
    receiver, agreeable_slack
):
    case, inquiry = asked(receiver)
    value = f"{case.id} {inquiry.number} 1"
    press(receiver, value)
    press(receiver, value)
    (answered,) = receiver.world.case(case).activity.inquiries
    assert (answered.answer.value, answered.answer.by) == ("No", BEN)
    assert receiver.world.entry_names(case).count("inquiry.answered") == 1
    (reply,) = told(agreeable_slack)
    assert "you have answered this already: No" in reply


@pytest.mark.threat("B12")
def test_a_press_of_somebody_else_answers_nothing(receiver, agreeable_slack):
    case, inquiry = asked(receiver)
    press(receiver, f"{case.id} {inquiry.number} 0", user="UCARLA")
    press(receiver, f"{case.id} {inquiry.number}", user="UCARLA", action=ids.INQUIRY_ANSWER)
    assert receiver.world.case(case).activity.inquiries[0].is_unanswered
    assert ["for somebody else" in reply for reply in told(agreeable_slack)] == [True, True]
    assert agreeable_slack.arguments_of("views.open") == []


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    "value", ["", "EX-1", "EX-1 x", "EX-1 3 12", "EX-1 3 0 0", "EX-1:3 0", "x" * 2_000, "EX-1 -3"]
)
def test_a_value_that_is_none_of_ours_does_nothing(receiver, agreeable_slack, value):
    case, _ = asked(receiver)
    press(receiver, value or " ")
    assert receiver.world.case(case).activity.inquiries[0].is_unanswered
    assert told(agreeable_slack) == []


def test_a_press_about_no_case_and_no_option_is_refused(receiver, agreeable_slack):
    case, inquiry = asked(receiver)
    press(receiver, "EX-99999 3 0")
    press(receiver, f"{case.id} {inquiry.number} 9")
    press(receiver, f"{case.id} 999999 0")
    assert receiver.world.case(case).activity.inquiries[0].is_unanswered
    assert len(told(agreeable_slack)) == 3


def test_an_answer_that_is_typed_is_given_in_a_form(receiver, agreeable_slack):
    case, inquiry = asked(receiver, **{ids.ANSWER_TYPE: "date"})
    press(receiver, f"{case.id} {inquiry.number}", action=ids.INQUIRY_ANSWER)
    (call,) = agreeable_slack.arguments_of("views.open")
    form = answer_form(receiver.world.case(case), inquiry)
    assert call["view"] == form
    response = post_signed(receiver, submission(form, "UBEN"))
    assert "give an answer" in errors(response)["answer"]
    response = post_signed(receiver, submission(form, "UBEN", **{ids.ANSWER: "2026-11-27"}))
    assert response.content == b""
    assert receiver.world.case(case).activity.inquiries[0].answer.value == "2026-11-27"


def test_a_form_about_no_question_answers_nothing(receiver):
    case, inquiry = asked(receiver, **{ids.ANSWER_TYPE: "text"})
    form = {**answer_form(case, inquiry), "private_metadata": "EX-1"}
    response = post_signed(receiver, submission(form, "UBEN", **{ids.ANSWER: "Yes"}))
    assert "malformed" in "".join(errors(response).values())


def test_the_answer_to_a_decided_case_is_refused_with_a_sentence(receiver, agreeable_slack):
    world = receiver.world
    case, inquiry = asked(receiver)
    world.approve(case)
    world.work()
    assert world.case(case).state is State.RESOLVED
    press(receiver, f"{case.id} {inquiry.number} 0")
    (reply,) = told(agreeable_slack)
    assert f"{case.id} is resolved; the answer is no longer needed" in reply


def test_a_hostile_answer_is_plain_text_wherever_it_is_shown(receiver):
    case, inquiry = asked(receiver, **{ids.ANSWER_TYPE: "text"})
    form = answer_form(case, inquiry)
    hostile = "<!channel> *yes* <https://evil.example|bank>"
    post_signed(receiver, submission(form, "UBEN", **{ids.ANSWER: hostile}))
    world = receiver.world
    world.work()
    assert world.case(case).activity.inquiries[0].answer.value == hostile
    view = world.chat.inquiries[f"inquiry:{case.id}:{inquiry.number}"][-1]
    assert view.inquiry.answer.value == hostile
