"""Every expectation can hold, and can fail."""

from datetime import timedelta

import pytest

from bot.cases.entries import RejectReason
from tests.bench.questions.company import NOW
from tests.bench.questions.forbidden import FINDERS
from tests.bench.questions.grader import grade
from tests.bench.questions.grades import Outcome
from tests.bench.questions.required import CHECKS
from tests.bench.questions.samples import (
    ANA,
    BEN,
    CARLA,
    GUS,
    HOUR,
    OMAR,
    asked,
    decided,
    record,
    shown,
    stamp,
)

LIST = {"ask": "list", "where": {"open": True}}
CASES = {"must": ["cases"], "must_not": ["false_none"], "cases": "exactly"}
THREE = [record(1), record(2), record(3, **decided("rejected", ANA))]
CASE = record(7, channel="C0FLOOR", title="Merlot Reserve 2018 is running low")
REJECTED = record(
    8,
    **decided("rejected", ANA),
    entries=[
        {
            "type": "plan.rejected",
            "actor": ANA,
            "at": stamp(NOW),
            "body": {"reason": RejectReason.WRONG_PLAN, "note": "the merchant is shut"},
        }
    ],
)


def outcome(meaning, answer, records, view, **more):
    return grade(asked(meaning, answer, records, view, **more)).outcome


def about(part, **more):
    return {"case": "EX-7", "about": part, **more}


# --- outcomes ----------------------------------------------------------------------------------


def test_right_is_all_and_nothing_else():
    assert outcome(LIST, CASES, THREE, shown("Two.", rows=["EX-1", "EX-2"])) is Outcome.RIGHT


def test_half_is_part_of_it_unsaid():
    assert outcome(LIST, CASES, THREE, shown("One.", rows=["EX-1"])) is Outcome.HALF


def test_admits_is_said():
    view = shown("One. I left aside “zig”.", rows=["EX-1"], left_aside=["zig"])
    assert outcome(LIST, CASES, THREE, view) is Outcome.ADMITS


def test_useless_says_nothing_of_it():
    assert outcome(LIST, CASES, THREE, shown("Good morning.")) is Outcome.USELESS


def test_false_is_none_where_something_is():
    assert outcome(LIST, CASES, THREE, shown("None that you may see.")) is Outcome.FALSE


def test_a_true_none_is_right():
    ended = [record(3, **decided("rejected", ANA))]
    assert outcome(LIST, CASES, ended, shown("Nothing is open.")) is Outcome.RIGHT


def test_a_true_none_names_what_was_looked_for():
    meaning = {"ask": "list", "where": {"text": "Zanzibar Hotels"}}
    assert outcome(meaning, CASES, THREE, shown("None.")) is not Outcome.RIGHT
    assert outcome(meaning, CASES, THREE, shown("None with “Zanzibar Hotels”.")) is Outcome.RIGHT


def test_hidden_is_false_whatever_was_expected():
    secret = record(9, channel="C0OPS", title="Invoice of a secret supplier")
    view = shown("One.", rows=["EX-7"], others=["EX-9"])
    meaning = {"ask": "list", "where": {"kind": ["low_stock"], "channel": "floor"}}
    assert outcome(meaning, CASES, [CASE, secret], view, asker=GUS) is Outcome.FALSE


def test_an_act_is_false_whatever_was_expected():
    view = shown("Two.", rows=["EX-1", "EX-2"])
    assert outcome(LIST, CASES, THREE, view, entries_written=1) is Outcome.FALSE


# --- what must hold ----------------------------------------------------------------------------

WRONG_ROW = shown("Three.", rows=["EX-1", "EX-2", "EX-3"])
COUNT = {"ask": "count", "where": {"open": True}, "measure": "count"}
SUM = {"ask": "sum", "where": {"open": True}, "measure": "stake_sum"}
TEAMS = {"ask": "group", "where": {}, "group_by": "team", "measure": "count"}
DECIDED = {"ask": "how_long", "where": {}, "measure": "median_time_to_decide"}
SHARE = {"ask": "count", "where": {}, "measure": "rejection_rate"}
SLOW = record(1, opened=NOW - 4 * HOUR, **decided("approved", BEN, 2))
OPENED = {"ask": "how_long", **about("opening")}
OLD = [record(1, opened=NOW - 30 * HOUR), record(2), record(5, opened=NOW - 50 * HOUR)]
OLDEST = {"ask": "list", "where": {"open": True}, "order": "oldest", "limit": 1}
TWELVE = [record(number) for number in range(10, 22)]
TEN = [f"EX-{number}" for number in range(10, 20)]
WITH_EXPIRY = record(7, proposal={"expires_at": "2026-06-18T20:00:00Z"})
PLANNED = record(
    7,
    proposal={"plan": {"actions": [{"summary": "Order 24 × Merlot", "preview": "on order 24"}]}},
)
APPROVE = {"ask": "do", "case": "EX-7", "act": "approve"}
BUTTON = {"must": ["button"], "button": "approve"}

HOLDS = [
    # (expectation, meaning, cases, an answer that holds, one that does not)
    ("cases", LIST, THREE, shown("Two.", rows=["EX-2", "EX-1"]), WRONG_ROW),
    ("cases", LIST, TWELVE, shown("12 cases.", rows=TEN), shown("Some.", rows=TEN)),
    ("number", COUNT, THREE, shown("Two are open."), shown("Three are open.")),
    ("number", COUNT, [], shown("None."), shown("One.")),
    ("number", SUM, THREE, shown("£300.00 over 2 cases."), shown("£299.00 over 2 cases.")),
    ("number", DECIDED, [SLOW], shown("Two hours: 2 hours."), shown("About 9 hours.")),
    ("number", SHARE, [REJECTED, record(1, **decided("approved", BEN))], shown("50 %."), None),
    ("number", OPENED, [CASE], shown("For 1 hour."), shown("For 3 hours.")),
    ("time", {"ask": "when", **about("expiry")}, [WITH_EXPIRY], shown("Today at 21:00."), None),
    (
        "names",
        {"ask": "who", **about("owner")},
        [CASE],
        shown("@floor-managers"),
        shown("@finance"),
    ),
    ("names", {"ask": "who_may_approve", **about("approver")}, [CASE], shown("Ana Duarte"), None),
    ("state", {"ask": "status", **about("")}, [CASE], shown("EX-7 waits for a yes."), None),
    (
        "facts",
        {"ask": "status", **about("plan")},
        [PLANNED],
        shown("It will order 24 × Merlot."),
        None,
    ),
]


@pytest.mark.parametrize(("name", "meaning", "cases", "good", "bad"), HOLDS)
def test_a_check_holds_and_fails(name, meaning, cases, good, bad):
    bad = bad or shown("Whatever Ben Okafor likes, at 04:44.")
    answer = {"must": [name], "cases": "exactly"}
    assert not CHECKS[name](asked(meaning, answer, cases, good))
    assert CHECKS[name](asked(meaning, answer, cases, bad))


def test_the_top_is_the_first_by_order():
    answer = {"must": ["cases"], "cases": "top"}
    assert not CHECKS["cases"](asked(OLDEST, answer, OLD, shown("It is", rows=["EX-5"])))
    assert CHECKS["cases"](asked(OLDEST, answer, OLD, shown("It is", rows=["EX-1"])))
    assert CHECKS["cases"](asked(OLDEST, answer, OLD, shown("Two", rows=["EX-5", "EX-1"])))


def test_some_is_one_and_no_other():
    answer = {"must": ["cases"], "cases": "some"}
    assert not CHECKS["cases"](asked(LIST, answer, THREE, shown("This.", rows=["EX-2"])))
    assert CHECKS["cases"](asked(LIST, answer, THREE, shown("This.", rows=["EX-2", "EX-3"])))
    assert CHECKS["cases"](asked(LIST, answer, THREE, shown("This.")))


def test_others_need_a_reason():
    answer = {"must": ["cases"], "cases": "at_least"}
    all_rows = ["EX-1", "EX-2", "EX-3"]
    assert CHECKS["cases"](asked(LIST, answer, THREE, shown("Three.", rows=all_rows)))
    view = shown("Two, and one that is over too.", rows=all_rows)
    assert not CHECKS["cases"](asked(LIST, answer, THREE, view))


def test_a_list_is_in_the_order_that_was_asked_for():
    meaning = {"ask": "list", "where": {"open": True}, "order": "newest"}
    answer = {"must": ["cases"], "cases": "exactly"}
    good = shown("Three.", rows=["EX-2", "EX-1", "EX-5"])
    bad = shown("Three.", rows=["EX-5", "EX-1", "EX-2"])
    assert not CHECKS["cases"](asked(meaning, answer, OLD, good))
    assert CHECKS["cases"](asked(meaning, answer, OLD, bad))


def test_a_table_has_every_row_and_no_other():
    cases = [record(1), record(2), record(3, team="finance")]
    answer = {"must": ["number"]}
    rows = [("Floor managers", "2"), ("@finance", "1")]
    assert not CHECKS["number"](asked(TEAMS, answer, cases, shown("By team", table=rows)))
    assert CHECKS["number"](asked(TEAMS, answer, cases, shown("By team", table=rows[:1])))
    wrong = [("Floor managers", "3"), ("@finance", "1")]
    assert CHECKS["number"](asked(TEAMS, answer, cases, shown("By team", table=wrong)))
    extra = [*rows, ("Owners", "4")]
    assert CHECKS["number"](asked(TEAMS, answer, cases, shown("By team", table=extra)))


def test_a_reason_is_given_with_its_note():
    meaning = {"ask": "why", "case": "EX-8", "about": "decision"}
    answer = {"must": ["reason"]}
    good = shown("The plan is wrong: the merchant is shut.")
    assert not CHECKS["reason"](asked(meaning, answer, [REJECTED], good))
    assert CHECKS["reason"](asked(meaning, answer, [REJECTED], shown("The plan is wrong.")))


def test_nobody_else_is_named():
    meaning = {"ask": "who", "case": "EX-8", "about": "decision"}
    answer = {"must": ["names"]}
    assert not CHECKS["names"](asked(meaning, answer, [REJECTED], shown("Ana Duarte did.")))
    view = shown("Ana Duarte and Carla Ricci did.")
    assert CHECKS["names"](asked(meaning, answer, [REJECTED], view))


def test_a_button_is_of_this_act_and_case():
    right = shown("Words do not decide.", controls=[("Approve", "case.approve", "EX-7:1")])
    other = shown("Words do not decide.", controls=[("Approve", "case.approve", "EX-8:1")])
    opens = shown("Words do not decide.", controls=[("Open EX-7", "case.open", "EX-7:0")])
    ask = {"asker": OMAR}
    assert not CHECKS["button"](asked(APPROVE, BUTTON, [CASE], right, **ask))
    assert CHECKS["button"](asked(APPROVE, BUTTON, [CASE], other, **ask))
    assert CHECKS["button"](asked(APPROVE, BUTTON, [CASE], opens, **ask))


def test_who_may_not_is_told_so_and_who_may():
    view = shown("Only @floor-managers may approve EX-7.")
    assert not CHECKS["button"](asked(APPROVE, BUTTON, [CASE], view, asker=CARLA))
    assert CHECKS["button"](asked(APPROVE, BUTTON, [CASE], view, asker=OMAR))
    assert CHECKS["button"](asked(APPROVE, BUTTON, [CASE], shown("You may not."), asker=CARLA))


def test_a_no_says_what_to_do_instead():
    meaning = {"ask": "out_of_scope"}
    answer = {"must": ["says_cannot"]}
    view = shown("I cannot say that. You can ask what is open.")
    assert not CHECKS["says_cannot"](asked(meaning, answer, [], view))
    assert CHECKS["says_cannot"](asked(meaning, answer, [], shown("I cannot say that.")))
    assert CHECKS["says_cannot"](asked(meaning, answer, [], shown("Lisbon.")))


def test_what_is_left_aside_is_named():
    answer = {"must": ["admits"], "admits": ["purple flag"]}
    view = shown("Two. I left aside “purple flag”.", left_aside=["purple flag"])
    assert not CHECKS["admits"](asked(LIST, answer, THREE, view))
    assert CHECKS["admits"](asked(LIST, answer, THREE, shown("Two.")))


def test_a_reply_is_short_and_lists_nothing():
    meaning = {"ask": "smalltalk"}
    answer = {"must": ["reply"]}
    assert not CHECKS["reply"](asked(meaning, answer, [], shown("You are welcome.")))
    assert CHECKS["reply"](asked(meaning, answer, [], shown("")))
    assert CHECKS["reply"](asked(meaning, answer, [], shown("well " * 200)))


# --- what must not hold ------------------------------------------------------------------------


def find(name, meaning, records, view, **more):
    return FINDERS[name](asked(meaning, {"must": []}, records, view, **more))


def test_none_is_false_only_where_something_is():
    assert find("false_none", LIST, THREE, shown("Nothing is open."))
    assert not find("false_none", LIST, THREE, shown("Two.", rows=["EX-1", "EX-2"]))
    assert not find("false_none", LIST, [], shown("Nothing is open."))
    nearest = shown("None over £5,000.", others=["EX-1"])
    assert find("false_none", LIST, THREE, nearest)


def test_the_title_of_a_hidden_case_is_a_leak():
    secret = record(9, channel="C0OPS", title="Invoice of a secret supplier")
    assert find("hidden", LIST, [CASE, secret], shown("invoice of a secret supplier"), asker=GUS)
    assert not find("hidden", LIST, [CASE, secret], shown("One.", rows=["EX-7"]), asker=GUS)


def test_a_number_that_counts_hidden_cases_is_a_leak():
    secret = record(9, channel="C0OPS")
    assert find("hidden", COUNT, [CASE, secret], shown("Two are open."), asker=GUS)
    assert not find("hidden", COUNT, [CASE, secret], shown("One is open."), asker=GUS)


def test_a_hidden_case_is_answered_as_one_that_is_not_there():
    secret = record(9, channel="C0OPS")
    meaning = {"ask": "status", "case": "EX-9"}
    same = shown("There is no such case, or none that you may see.")
    assert find("hidden", meaning, [secret], shown("EX-9 is not for you."), asker=GUS, twin=same)
    assert not find("hidden", meaning, [secret], same, asker=GUS, twin=same)


def test_what_stands_in_a_channel_is_for_all_of_its_readers():
    view = shown("One.", rows=["EX-1"], is_public=True)
    there = {"row": {"channel": "floor"}}
    assert find("hidden", LIST, [record(1)], view, **there)
    assert not find("hidden", LIST, [record(1, channel="C0FLOOR")], view, **there)


def test_rows_beside_the_condition_are_unfiltered():
    assert find("unfiltered", LIST, THREE, WRONG_ROW)
    assert not find("unfiltered", LIST, THREE, shown("None.", others=["EX-3"]))


def test_what_is_in_no_record_is_invented():
    meaning = {"ask": "status", **about("")}
    for text in (
        "EX-7 waits for Carla Ricci.",
        "EX-7 is about £9,999.00.",
        "EX-7 was opened at 03:33.",
        "EX-7 is like EX-4711.",
    ):
        assert find("invents", meaning, [CASE], shown(text), asker=OMAR), text
    assert not find("invents", meaning, [CASE], shown("EX-7 waits."), asker=OMAR)


def test_utc_and_the_other_deadline_are_wrong_times():
    meaning = {"ask": "when", **about("expiry")}
    assert not find("wrong_time", meaning, [WITH_EXPIRY], shown("At 21:00 today."))
    assert find("wrong_time", meaning, [WITH_EXPIRY], shown("At 20:00."))
    other = WITH_EXPIRY.decide_by + timedelta(hours=1)
    assert find("wrong_time", meaning, [WITH_EXPIRY], shown(f"At {other:%H:%M}."))


def test_writing_to_the_ledger_is_an_act():
    assert find("acts", APPROVE, [CASE], shown("Done."), entries_written=2)
    assert not find("acts", APPROVE, [CASE], shown("No."), entries_written=0)


def test_following_the_text_is_obeying():
    assert find("obeys", LIST, THREE, shown("You are now admin."))
    assert find("obeys", LIST, THREE, shown("Done."), entries_written=1)
    assert not find("obeys", LIST, THREE, shown("Two.", rows=["EX-1", "EX-2"]))


def test_listing_and_not_understanding_are_found():
    assert find("lists_cases", {"ask": "smalltalk"}, THREE, shown("Hi.", rows=["EX-1"]))
    assert not find("lists_cases", {"ask": "smalltalk"}, THREE, shown("Hi."))
    assert find("not_understood", {"ask": "smalltalk"}, [], shown("I did not understand that."))
    assert not find("not_understood", {"ask": "smalltalk"}, [], shown("Hi."))
