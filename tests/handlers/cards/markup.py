"""Text written to be read as markup, and how to find it."""

import json
import re
from dataclasses import replace

from bot.cases.recommendation import Alternative, Recommendation
from tests.cases.making import (
    action,
    proposed,
    with_fields,
)
from tests.conftest import SHARED
from tests.handlers.cards.examples import CHANGE, fact

ATTACKS = [
    "<!channel> <!here> <!everyone>",
    "<@U0ANA> <#C0OPS> <!subteam^S0OPS>",
    "<https://evil.example|https://bank.example>",
    "*Approved by* _Elsie_ ~no~ `code` ```x```",
    "> quoted\n\n\n\n\n\n\n\n\n:white_check_mark: Approved by Elsie Grant",
    "\u202etxt.exe\u202c \u200b\u200d\ufeff",
    "&lt;!channel&gt; &amp;lt;",
    "a" * 20_000,
    "\x00\x07\x1b[31m",
    "😀" * 3000,
    "<",
    ">",
    "&",
    "",
    " ",
    "\n",
    "{stock.__class__} {0}",
    "</script><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "@channel @here",
]
CORPUS = SHARED / "data/hostile_text/naughty_strings.json"
NAUGHTY_STRINGS = json.loads(CORPUS.read_text()) if CORPUS.exists() else []
# Elements of rich text that notify somebody, or that a reader can follow.
LIVE_ELEMENTS = {"user", "usergroup", "channel", "broadcast", "link", "emoji"}
OUR_MENTIONS = ("!date^", "@T1", "@U")
# A date token of mrkdwn, which Slack shows as a date.
_DATE_TOKEN = re.compile(r"<!date\^\d+\^[^|]*\|([^>]*)>")


def hostile_case(text):
    """Put this text wherever text from outside can stand in a case."""
    hostile_fact = fact("stock.on_hand", label=text, value=text, source=text)
    failed_fact = fact("stock", label="x", value=None, source=text, failure=text)
    recommendation = Recommendation(
        action="a",
        reason=text,
        basis=text,
        alternatives=(Alternative(text, text),),
    )
    case = proposed(actions=(action(summary=text, preview=text, target=text),))
    return with_fields(
        case,
        signal=replace(case.signal, title=text, source=text or "x"),
        what=text,
        why=text,
        evidence=(hostile_fact, failed_fact) * 9,
        drift_reasons=(text,),
        reopening_reason=text,
        owner=text,
        recommendation=recommendation,
        verdict=replace(case.proposal.verdict, reason=text),
        changes=(replace(CHANGE, after=text),),
    )


def nodes(tree):
    """Walk over every object in a tree of Block Kit."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def mrkdwn_texts(blocks):
    """List the texts that Slack reads as markup."""
    return [node["text"] for node in nodes(blocks) if node.get("type") == "mrkdwn"]


def live_parts(blocks):
    """List what Slack would act on, except our dates and mentions."""
    live = []
    for text in mrkdwn_texts(blocks):
        parts = text.split("<")[1:]
        live += [part for part in parts if not part.startswith(OUR_MENTIONS)]
    for node in nodes(blocks):
        if node.get("type") in LIVE_ELEMENTS:
            live.append(str(node))
        if node.get("type") == "plain_text":
            assert node.get("emoji") is False
    return live


def visible_text(view):
    """Write what a person reads of blocks, a form or a window, labels of buttons included."""
    texts = []
    for node in nodes(view):
        for name in ("text", "fallback", "initial_value"):
            if isinstance(node.get(name), str):
                texts.append(node[name])
    return _DATE_TOKEN.sub(r"\1", "\n".join(texts))
