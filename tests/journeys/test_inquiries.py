"""A manager asks a colleague, who answers on the phone; the card shows the answer, and the plan follows it."""

import json

import pytest

from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, CARLA
from handlers.cards import ids
from tests.journeys.harbour import harbour, principal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator) as running:
        yield running


def ask(town, who, case, **values):
    """Choose "Ask a question…" in the menu of the card, and fill the form."""
    town.press_current(who, case, ids.MORE, entry=ids.ASK)
    town.until(lambda: town.window(who)["views"], "the form")
    return town.submit(who, **values)


def question_to(town, who, case):
    """The message that asks this person about this case; None before there is one."""
    for message in town.direct(who):
        uid = (message.get("metadata") or {}).get("event_payload", {}).get("uid", "")
        if uid.startswith(f"inquiry:{case.id}:"):
            return message
    return None


def buttons(message):
    return {
        element["action_id"]: element["value"]
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


def replies(town, case):
    card = town.card(case)
    messages = town.emulator.messages(case.channel)
    return [one for one in messages if one.get("thread_ts") == card["ts"] != one["ts"]]


def text_of(message):
    return json.dumps(message["blocks"], ensure_ascii=False)


def test_a_question_is_answered_in_a_direct_message(town):
    town.emulator.post("home", {"as": BEN, "tab": "messages"})
    case = town.the("low_stock")
    values = {
        ids.WHOM: "colleague",
        ids.TO: BEN,
        ids.QUESTION: "Is the delivery confirmed? <!channel>",
        ids.ANSWER_TYPE: "choice",
        ids.OPTIONS: "Yes\nNo\n<@U0ANA>",
    }
    # A refusal is at the field that it is about.
    answer = ask(town, ANA, case, **{**values, ids.OPTIONS: "Yes"})
    assert "2 to 10" in answer["payload"]["errors"]["options"]
    answer = town.submit(ANA, **values)
    assert not (answer["payload"] or {}).get("errors")
    town.until(lambda: question_to(town, BEN, case), "the question")
    message = question_to(town, BEN, case)
    assert "<!channel>" not in message["text"]
    assert set(buttons(message)) == set(ids.INQUIRY_CHOICES[:3])
    town.until(lambda: "Asked " in text_of(town.card(case)), "the line on the card")
    # Somebody else does not answer: Carla forges the press.
    choice = ids.INQUIRY_CHOICES[0]
    forged = {"as": CARLA, "channel": f"D{BEN[1:]}", "ts": message["ts"], "action_id": choice}
    town.emulator.post("click", {**forged, "value": buttons(message)[choice]})
    assert town.case(case).activity.inquiries[0].is_unanswered
    press = (BEN, f"D{BEN[1:]}", message["ts"], choice, buttons(message)[choice])
    town.press(*press)
    town.until(lambda: not buttons(question_to(town, BEN, case)), "the outcome in its place")
    inquiry = town.case(case).activity.inquiries[0]
    assert (inquiry.answer.value, inquiry.answer.by) == ("Yes", principal(BEN))
    town.until(lambda: "Yes · " in text_of(town.card(case)), "the answer on the card")
    # Whoever asked is mentioned in the thread, and nobody else is.
    town.until(lambda: any("answered" in text_of(one) for one in replies(town, case)), "a note")
    (note,) = [one for one in replies(town, case) if "answered" in text_of(one)]
    mentions = [part for part in _elements(note) if part["type"] in {"user", "usergroup"}]
    assert [mention["user_id"] for mention in mentions] == [ANA]
    assert town.case(case).proposal.revision == 1


def _elements(message):
    return [
        run
        for block in message["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        for run in part["elements"]
    ]


def test_an_answer_in_a_form_makes_the_plan_again_and_the_new_plan_is_approved(town):
    town.emulator.post("home", {"as": BEN, "tab": "messages"})
    case = town.the("low_stock")
    first_plan = town.case(case).proposal.plan
    answer = ask(
        town,
        ANA,
        case,
        **{
            ids.WHOM: "colleague",
            ids.TO: BEN,
            ids.QUESTION: "How many do we need?",
            ids.ANSWER_TYPE: "number",
            ids.FACT: "stock.order_quantity",
        },
    )
    assert not (answer["payload"] or {}).get("errors")
    town.until(lambda: question_to(town, BEN, case), "the question")
    message = question_to(town, BEN, case)
    value = buttons(message)[ids.INQUIRY_ANSWER]
    town.press(BEN, f"D{BEN[1:]}", message["ts"], ids.INQUIRY_ANSWER, value=value)
    town.until(lambda: town.window(BEN)["views"], "the form of the answer")
    answer = town.submit(BEN, **{ids.ANSWER: "a few"})
    assert "write a number" in answer["payload"]["errors"]["answer"]
    town.submit(BEN, **{ids.ANSWER: "12"})
    town.until(lambda: town.case(case).proposal.revision == 2, "the next revision")
    now = town.case(case)
    assert now.state is State.PROPOSED
    assert now.proposal.plan.actions[0].parameters["quantity"] == 12
    assert now.proposal.plan.plan_hash != first_plan.plan_hash
    token = ids.token(now)
    town.until(lambda: token in text_of(town.card(case)), "the card of the new plan")
    assert len(town.cards_of(case)) == 1
    assert "answer by " in text_of(town.card(case))
    printed = town.countersign("case", case.id)
    assert "Questions" in printed
    assert "How many do we need?” 12 · " in printed


def test_a_group_is_asked_in_the_thread(town):
    case = town.the("low_stock")
    answer = ask(
        town,
        ANA,
        case,
        **{
            ids.WHOM: "owner",
            ids.QUESTION: "Where is the delivery note?",
            ids.ANSWER_TYPE: "file",
        },
    )
    assert not (answer["payload"] or {}).get("errors")
    town.until(lambda: any("asks:" in text_of(one) for one in replies(town, case)), "the question")
    (question,) = [one for one in replies(town, case) if "asks:" in text_of(one)]
    assert any(part["type"] == "usergroup" for part in _elements(question))
    # Ana is one of the group, and asked it herself.
    value = buttons(question)[ids.INQUIRY_ANSWER]
    town.press(ANA, case.channel, question["ts"], ids.INQUIRY_ANSWER, value=value)
    town.until(lambda: town.whispers(ANA), "the refusal")
    assert "you asked this" in town.whispers(ANA)[-1]
