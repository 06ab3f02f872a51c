"""The words of a message, without Slack's markup."""

import pytest

from handlers.slack.message_text import plain_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@U0BOT> what is open?", "what is open?"),
        ("<@U0BOT|bot>  what\n is open?", "what is open?"),
        ("see <https://example.com|the order>", "see the order"),
        ("see <https://example.com>", "see https://example.com"),
        ("in <#C1|stock>", "in stock"),
        ("stock &lt; 5 &amp; falling", "stock < 5 & falling"),
        ("&amp;lt;", "&lt;"),
        ("", ""),
    ],
)
def test_the_words_are_those_that_were_shown(text, words):
    assert plain_text(text) == words
