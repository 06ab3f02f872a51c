"""The words of orders: what is one, what is none, and what is never read as an approval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.thread_orders import OrderKind, ThreadOrder
from handlers.slack.thread_words import MAX_ORDER_LENGTH, read_order

BOT = "U0BOT"
APPROVE, REJECT, HAND_OVER, SNOOZE, UNCLEAR = OrderKind


def read(text):
    return read_order(text, case_id="EX-1", bot_user=BOT)


def order(kind, **fields):
    return ThreadOrder(kind=kind, **fields)


@pytest.mark.parametrize(
    "text",
    [
        "approve",
        "Approve.",
        "approved!",
        "APPROVE",
        "please approve it",
        "I approve",
        "yes, approve",
        "approve this, please",
        "approve thanks",
        "go ahead",
        "approve EX-1",
        "approve ex-1",
        "<@U0BOT> approve",
        "<@U0BOT|countersign>, approve it",
        "approve <@U0BOT>",
        "&gt; who decides?\napprove",
    ],
)
def test_an_approval(text):
    assert read(text) == order(APPROVE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("approve because it sells well", order(APPROVE, note="it sells well")),
        ("approve: enough room", order(APPROVE, note="enough room")),
        ("reject", order(REJECT)),
        ("reject because too expensive", order(REJECT, note="too expensive")),
        ("reject it, not needed &amp; dear", order(REJECT, note="not needed & dear")),
        ("turn it down: duplicate", order(REJECT, note="duplicate")),
        ("decline this since it is closed", order(REJECT, note="it is closed")),
        ("give it to Ben", order(HAND_OVER, to_name="Ben")),
        ("give it to @ben", order(HAND_OVER, to_name="ben")),
        ("hand over to ben smith-jones", order(HAND_OVER, to_name="ben smith-jones")),
        ("hand it over to <@U0BEN>", order(HAND_OVER, to_user="U0BEN")),
        ("assign this to <@U0BEN|ben>.", order(HAND_OVER, to_user="U0BEN")),
        ("give it to Łucja, she knows", order(HAND_OVER, to_name="Łucja", note="she knows")),
        ("hand over", order(HAND_OVER)),
        ("snooze", order(SNOOZE)),
        ("snooze until Monday", order(SNOOZE, until="Monday")),
        ("snooze 2 hours", order(SNOOZE, until="2 hours")),
        ("snooze it for two hours", order(SNOOZE, until="two hours")),
        (
            "snooze until tomorrow 9:30, the supplier answers then",
            order(SNOOZE, until="tomorrow 9:30", note="the supplier answers then"),
        ),
        ("postpone to Friday because closed", order(SNOOZE, until="Friday", note="closed")),
    ],
)
def test_orders_with_what_they_say(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "looks good to me",
        "don't approve",
        "do not approve this",
        "not approve",
        "never approve that",
        "I would not approve it",
        "we should approve",
        "approve?",
        "should I approve?",
        "&gt; approve",
        "> approve",
        "&gt;&gt;&gt; approve\nall of this",
        "&gt; approve\nI disagree",
        "`approve`",
        "```approve```",
        "“approve”",
        '"approve"',
        "<@U0BEN> approve",
        "<@U0BOT> <@U0BEN> approve",
        "give it",
        "give it to whom?",
        "pass",
        "ap\u200bprove",
        "\u202eevorppa",
        "Ben approved and I gave it to Finn",
    ],
)
def test_no_order(text):
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "approve not",
        "approve - don't",
        "approve, but only 12",
        "approve because it is not needed",
        "approve if he agrees",
        "approve EX-2",
        "reject EX-12 because wrong",
        "approve and give it to Ben",
        "approve all of them",
        "reject if he says no",
    ],
)
def test_what_begins_like_an_order_and_is_none_is_asked_about(text):
    assert read(text) == order(UNCLEAR)


NEGATIONS = ("not", "don't", "dont", "never", "no", "cannot", "wouldn't", "unless", "n't")
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=MAX_ORDER_LENGTH + 20)


@given(
    st.lists(st.sampled_from(["approve", "it", "please", "this", ",", ":", "because", "EX-1"])),
    st.sampled_from(NEGATIONS),
    st.integers(0, 9),
)
def test_a_negation_is_never_an_approval(words, negation, place):
    place = min(place, len(words))
    text = " ".join([*words[:place], negation, *words[place:]])
    found = read(text)
    assert found is None or found.kind is not APPROVE


@given(TEXTS)
def test_any_text_is_read(text):
    found = read(text)
    assert found is None or (len(found.note) <= 400 and len(found.until) <= 40)


@given(TEXTS)
def test_a_quotation_is_never_an_order(text):
    quoted = "\n".join(f"&gt; {line}" for line in ["approve", *text.splitlines()])
    assert read(quoted) is None
