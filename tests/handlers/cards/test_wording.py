"""The one format of texts on cards."""

from decimal import Decimal

import pytest

from bot.cases.plan import Money
from bot.views.labels import Labels, mid_sentence, start_upper
from handlers.cards.wording import Wording, as_sentence, money_text

WORDING = Wording(labels=Labels(channels={"C0SALES": "sales"}), year=2026)


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("£-68.0 of margin", "−£68.00 of margin"),
        ("£1234.5 and £7", "£1,234.50 and £7.00"),
        ("$50k", "$50k"),
        ("by 2026-11-27", "by Fri 27 Nov"),
        ("at 2031-05-06 19:30", "at Tue 6 May 2031, 19:30"),
        ("on 2026-13-40", "on 2026-13-40"),
        ("due 2026-03-28T00:00:00.000Z", "due Sat 28 Mar, 00:00"),
        ("since 2026-03-26T01:00:00+01:00", "since Thu 26 Mar, 00:00"),
        ("2026-03-12T16:09:19.6421112-05:00.", "Thu 12 Mar, 21:09."),
        ("until 9999-12-31T23:59:59-05:00", "until 9999-12-31T23:59:59-05:00"),
        ("in -303 days", "303 days ago"),
        ("1 bottles, 21 bottles, 1 people", "1 bottle, 21 bottles, 1 person"),
        ("Tell C0SALES", "Tell #sales"),
        (
            "1 days late: €-5 on 2026-11-27 and in -1 days",
            "1 day late: −€5.00 on Fri 27 Nov and 1 day ago",
        ),
    ],
)
def test_a_text_is_written_as_people_say_it(text, prose):
    assert WORDING.prose(text, 100) == prose


def test_a_target_is_words_and_keeps_its_name():
    assert WORDING.target("service_note:12", 100) == "service note 12"
    assert WORDING.target("channel:C0SALES", 100) == "#sales"


def test_a_sign_stands_before_the_currency():
    assert money_text(Money(Decimal(-68), "GBP")) == "−£68.00"


def test_names_keep_their_case_and_sentences_end_once():
    assert start_upper("ana Duarte of BBC") == "Ana Duarte of BBC"
    assert mid_sentence("Open a claim") == "open a claim"
    assert mid_sentence("PAY it") == "PAY it"
    assert as_sentence("approved.") == "approved."
    assert as_sentence("approved") == "approved."
