"""What a person reads of a card, and how hard it is to read."""

import re
import warnings

from tests.handlers.cards.markup import nodes, visible_text

with warnings.catch_warnings(action="ignore"):
    # Compiled at its first import, when Python warns of two of its string literals.
    import readability

TOKEN = re.compile(r"\w[\w'’,.:–-]*\w|\w|[^\w\s]")
END_OF_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n")
# Blocks of buttons are pressed, not read.
PARTS = ("rich_text_section", "plain_text", "mrkdwn")


def sentences(blocks):
    """List the sentences of a card, without its buttons."""
    texts = []
    for block in blocks:
        if block["type"] == "actions":
            continue
        for node in nodes(block):
            if node.get("type") in PARTS:
                texts.append(join_runs(node))
    return [line.strip() for text in texts for line in END_OF_SENTENCE.split(text) if line.strip()]


def join_runs(node):
    """Write a paragraph or an element of small print as one text."""
    if node["type"] != "rich_text_section":
        return visible_text(node)
    return "".join(run.get("text", run.get("fallback", "")) for run in node["elements"])


def grade(lines):
    """Return the US school grade of a text, by Flesch and Kincaid."""
    tokens = [" ".join(TOKEN.findall(line.strip("*"))) for line in lines]
    measures = readability.getmeasures("\n".join(tokens), lang="en")
    return measures["readability grades"]["Kincaid"]
