"""Text made fit for Slack."""

from html import escape

from hypothesis import given
from hypothesis import strategies as st

from bot.cases.approval import ApprovalRequirement
from handlers.cards.text import (
    DATE,
    EMOJI,
    LETTER,
    TIME,
    clean,
    count_words,
    describe_approvers,
    escape_mrkdwn,
    plain_text,
)

INVISIBLE = "\u202e\u200b\u200d\ufeff"


@given(st.text(), st.integers(2, 50))
def test_clean_text_has_no_controls_and_keeps_its_length(text, limit):
    result = clean(text, limit)
    assert len(result) <= limit
    assert not any(ord(letter) < 32 or letter in INVISIBLE for letter in result)
    assert "<" not in escape_mrkdwn(text, limit)


def clean_letter_by_letter(text, limit, lines):
    """The rule of ``clean``, without its shorter ways."""
    rows = []
    for line in text.split("\n"):
        printable = "".join(letter if letter.isprintable() else " " for letter in line)
        if printable.split():
            rows.append(" ".join(printable.split()))
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    result = "\n".join(rows)
    return result if len(result) <= limit else f"{result[: limit - 1]}…"


@given(
    st.text() | st.text(st.sampled_from("ab  \n\t\u00a0\u2003\u200b\ud800é")),
    st.integers(2, 50),
    st.integers(1, 3),
)
def test_a_text_that_is_clean_already_is_cleaned_by_the_same_rule(text, limit, lines):
    assert clean(text, limit, lines=lines) == clean_letter_by_letter(text, limit, lines)


@given(st.text() | st.text(st.sampled_from("ab1_ :—é\n<!date^12^{time}|x>")))
def test_a_word_is_what_has_a_letter_or_a_figure(text):
    without_dates = DATE.sub(" 1 2 3 4 ", TIME.sub(" 1 2 ", text))
    words = EMOJI.sub(" ", without_dates).split()
    assert count_words(text) == sum(bool(LETTER.search(word)) for word in words)


def test_layout_cannot_be_faked_with_empty_lines():
    assert clean("a\n\n\n\nb\n\n\nc", 100, lines=2) == "a\nb c"


def test_people_named_one_by_one_are_mentioned_and_a_made_up_one_is_no_markup():
    factors = [ApprovalRequirement("people:U0ANA+U0BEN", 2), ApprovalRequirement("finance", 1)]
    assert describe_approvers(factors) == "two of <@U0ANA>, <@U0BEN> and one of @finance"
    assert "<" not in describe_approvers([ApprovalRequirement("people:!channel", 1)])


@given(st.text(st.sampled_from("ab&<>😀 ")), st.integers(2, 50))
def test_plain_text_fits_as_slack_stores_it(text, limit):
    shown = plain_text(text, limit)["text"]
    assert len(escape(shown, quote=False)) <= limit
    if len(escape(text, quote=False)) * 2 <= limit:
        assert shown == (" ".join(text.split()) or "-")


def test_many_people_named_one_by_one_are_counted():
    group = "people:" + "+".join(f"U{number}" for number in range(20))
    names = describe_approvers([ApprovalRequirement(group, 1)])
    assert names == "one of <@U0>, <@U1>, <@U2>, <@U3>, <@U4> or 15 more"
