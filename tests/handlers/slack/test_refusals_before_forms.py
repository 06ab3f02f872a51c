"""Whoever may not do something is told at the press, and no form is opened in vain."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from handlers.cards import ids
from tests.desk.test_executor import finish
from tests.desk.test_grants import prepare, raised
from tests.fakes.mind import FakeRecogniser
from tests.handlers.slack.asking import press as press_offer
from tests.handlers.slack.requests import form_body, post_signed, press_body
from tests.world import playbook, policy


def proposed(world):
    return world.proposed()


def grantable(world):
    prepare(world)
    return raised(world, 100)


def resolved(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    world.work()
    return world.case(case)


def doubtful(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost after"]
    world.house.faults["verify"] = ["unknown"] * 20
    world.approve(case)
    return finish(world, case, seconds=60)


def refused(world):
    world.library.rules = policy(actions={})
    return world.proposed()


def unnamed(world):
    case_id = world.receive(world.signal(kind="unrecognised")).case_id
    world.work()
    return world.store.cases.case(case_id)


def misnamed(world):
    # World has one playbook: it names its kind.
    world.mind.recogniser.recognise = FakeRecogniser("low_stock", 91).recognise
    return unnamed(world)


def in_stage(world, stage):
    terms = PlaybookTerms(stage=stage, owners=playbook().owners.by_role())
    world.library.book = playbook(terms=terms)
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.house.amount = None
    return world.proposed()


def shadowed(world):
    return in_stage(world, Stage.SHADOW)


def automatic(world):
    return in_stage(world, Stage.AUTONOMOUS)


#: Every form of a card: the case, the button, the choice of its menu, and who may.
FORMS = [
    (proposed, ids.APPROVE_WITH_REASON, "", "ana"),
    (proposed, ids.REJECT, "", "ana"),
    (proposed, ids.EDIT, "", "ana"),
    (proposed, ids.MORE, ids.HAND_OVER, "ana"),
    (proposed, ids.MORE, ids.SNOOZE, "ana"),
    (proposed, ids.MORE, ids.ASK, "ana"),
    (grantable, ids.MORE, ids.APPROVE_NEXT, "ana"),
    (proposed, ids.ORDER_APPROVE, "ok", "ana"),
    (proposed, ids.ORDER_REJECT, "no", "ana"),
    (proposed, ids.ORDER_HAND_OVER, "UBEN please", "ana"),
    (proposed, ids.ORDER_SNOOZE, "1795000000 later", "ana"),
    (resolved, ids.UNDO, "", "ana"),
    (resolved, ids.REPORT_MISTAKE, "", "ana"),
    (doubtful, ids.SETTLE, "", "ana"),
    (refused, ids.RESOLVE, "", "ana"),
    (unnamed, ids.ANOTHER_KIND, "", "ana"),
    (misnamed, ids.MORE, ids.NOT_THIS_KIND, "ana"),
    (shadowed, ids.DID_OTHERWISE, "", "ana"),
    (automatic, ids.REVIEW_WRONG, "", "ana"),
]
#: People of whom none may decide anything about these cases.
STRANGERS = {
    "nobody in any group": ("dev", {}),
    "a guest": ("ana", {"guest": True}),
    "deactivated": ("ana", {"active": False}),
    "of another organisation": ("omar", {"external": True}),
}


def press(receiver, case, action, choice, user):
    value = f"{choice} {ids.token(case)}" if choice else ids.token(case)
    body = press_body(case, user=f"U{user.upper()}", action=action, value=value)
    assert post_signed(receiver, body).status_code == 200


def opened(slack):
    return [call["view"] for call in slack.arguments_of("views.open")]


def told(slack):
    return [call["text"] for call in slack.arguments_of("chat.postEphemeral")]


def form_ids(forms):
    return [f"{make.__name__} {action} {choice}".strip() for make, action, choice, _ in forms]


@pytest.mark.parametrize("form", FORMS, ids=form_ids(FORMS))
def test_who_may_gets_the_form_and_nobody_else_does(receiver, agreeable_slack, form):
    make, action, choice, name = form
    world = receiver.world
    case = make(world)
    for who, (stranger, facts) in STRANGERS.items():
        agreeable_slack.calls.clear()
        world.people.change(stranger, **facts)
        press(receiver, case, action, choice, stranger)
        assert opened(agreeable_slack) == [], who
        (text,) = told(agreeable_slack)
        assert text.startswith("Not done: "), who
        assert world.entry_names(case)[-1] == "attempt.refused", who
        world.people.change(stranger, guest=False, active=True, external=False)
    agreeable_slack.calls.clear()
    press(receiver, case, action, choice, name)
    assert len(opened(agreeable_slack)) == 1
    assert told(agreeable_slack) == []


def test_every_form_of_a_card_is_in_the_table():
    opening = {action for _, action, _, _ in FORMS} | {choice for _, _, choice, _ in FORMS}
    forms = {
        ids.APPROVE_WITH_REASON: ids.APPROVE_FORM,
        ids.APPROVE_NEXT: ids.APPROVE_NEXT_FORM,
        ids.REJECT: ids.REJECT_FORM,
        ids.EDIT: ids.EDIT_FORM,
        ids.RESOLVE: ids.RESOLVE_FORM,
        ids.SETTLE: ids.SETTLE_FORM,
        ids.UNDO: ids.UNDO_FORM,
        ids.DID_OTHERWISE: ids.PRACTICE_FORM,
        ids.REVIEW_WRONG: ids.REVIEW_FORM,
        ids.REPORT_MISTAKE: ids.MISTAKE_FORM,
        ids.HAND_OVER: ids.HAND_OVER_FORM,
        ids.SNOOZE: ids.SNOOZE_FORM,
        ids.ANOTHER_KIND: ids.KIND_FORM,
        ids.NOT_THIS_KIND: ids.KIND_FORM,
        ids.ASK: ids.ASK_FORM,
    }
    # The others are of lists, answers and the App Home, or are no decision.
    others = {
        ids.ANSWER_FORM,
        ids.DELEGATE_FORM,
        ids.PAUSE_FORM,
        ids.RAISE_FORM,
        ids.GROUP_FORM,
    }
    all_forms = {
        value
        for name, value in vars(ids).items()
        if name.isupper() and isinstance(value, str) and value.startswith("form.")
    }
    assert opening >= forms.keys()
    assert all_forms - set(forms.values()) <= others


@pytest.mark.parametrize("action", [ids.APPROVE_WITH_REASON, ids.ORDER_APPROVE])
def test_whoever_approved_a_plan_already_writes_no_reason_in_vain(
    receiver, agreeable_slack, action
):
    world = receiver.world
    world.library.rules = policy(medium_above=Decimal(10), high_above=Decimal(50))
    case = world.proposed()
    world.approve(case, "ben", note="yes")
    press(receiver, world.case(case), action, "ok", "ben")
    assert opened(agreeable_slack) == []
    assert told(agreeable_slack) == [
        "Not done: you have approved this already; it waits for somebody else."
    ]
    press(receiver, world.case(case), action, "ok", "carla")
    assert len(opened(agreeable_slack)) == 1


def test_without_a_passkey_nobody_writes_the_reason_of_an_approval_that_needs_one(
    receiver, agreeable_slack
):
    world = receiver.world
    world.library.rules = policy(
        medium_above=Decimal(10), high_above=Decimal(20), step_up_above=Decimal(50)
    )
    case = world.proposed()
    assert case.proposal.verdict.step_up
    press(receiver, case, ids.APPROVE_WITH_REASON, "", "ben")
    assert opened(agreeable_slack) == []
    (text,) = told(agreeable_slack)
    assert "passkey" in text


def home_press(receiver, action, user):
    body = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": "t",
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home"},
        "enterprise": None,
        "is_enterprise_install": False,
        "actions": [
            {"type": "button", "action_id": action, "block_id": "b", "value": "x", "action_ts": "1"}
        ],
    }
    assert post_signed(receiver, form_body(body)).status_code == 200


@pytest.mark.parametrize(
    ("action", "form", "words"),
    [
        (ids.HOME_PAUSE, ids.PAUSE_FORM, "only those who decide cases here may pause"),
        (ids.HOME_DELEGATE, ids.DELEGATE_FORM, "you decide nothing here that somebody could"),
        (ids.HOME_RAISE, ids.RAISE_FORM, "only members of this workspace may raise"),
    ],
)
def test_forms_of_the_home_are_opened_for_who_may_use_them(
    receiver, agreeable_slack, action, form, words
):
    people = receiver.world.people
    stranger = "dev" if action != ids.HOME_RAISE else "finn"
    people.change(stranger, guest=action == ids.HOME_RAISE)
    home_press(receiver, action, f"U{stranger.upper()}")
    (window,) = opened(agreeable_slack)
    assert window.get("callback_id") != form
    assert words in json.dumps(window)
    agreeable_slack.calls.clear()
    home_press(receiver, action, "UANA")
    assert opened(agreeable_slack)[0]["callback_id"] == form


@pytest.mark.parametrize(
    ("action", "value", "form", "words"),
    [
        (ids.OFFER_PAUSE, "everything", ids.PAUSE_FORM, "only those who decide cases here"),
        (ids.OFFER_STAND_IN, "- - -", ids.DELEGATE_FORM, "you decide nothing here"),
        (ids.OFFER_RAISE, "raise it", ids.RAISE_FORM, "only members of this workspace"),
    ],
)
def test_forms_that_an_answer_offers_are_opened_for_who_may_use_them(
    asking, action, value, form, words
):
    asking.world.people.change("dev", guest=action == ids.OFFER_RAISE)
    press_offer(asking, action, value, user="UDEV")
    (window,) = opened(asking.slack)
    assert window.get("callback_id") != form
    assert words in json.dumps(window)
    asking.slack.calls.clear()
    press_offer(asking, action, value, user="UANA")
    assert opened(asking.slack)[0]["callback_id"] == form
