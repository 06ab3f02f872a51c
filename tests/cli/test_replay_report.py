"""The output of replays: lines for people, JUnit and Markdown, whatever a title says."""

import json
from dataclasses import replace
from xml.etree import ElementTree

from bot.cases.approval import ApprovalRequirement
from bot.cases.evaluation import Course, Expectation
from bot.cases.evaluation_summary import EvaluationSummary
from bot.cli.replay_report import (
    MAX_MARKDOWN_ROWS,
    MarkdownTable,
    comparison_lines,
    comparison_plain,
    junit_file,
)
from bot.views.labels import Labels
from tests.cases.test_evaluation import comparison, judgement, step

LABELS = Labels(
    actions={"house.order_stock": "Order stock"},
    parameters={"house.order_stock.quantity": "Quantity"},
    kinds={"low_stock": "Running low", "lead_cold": "Cold lead"},
)
APPROVED = Expectation(approved_steps=step(24))
WORSE = comparison(judgement(step(24)), judgement(step(25)), APPROVED)
SAME = comparison(judgement(step(24)), judgement(step(24)), APPROVED)
UNDECIDED = comparison(judgement(step(24)), judgement(step(25)))
HOSTILE = "<b>|x|</b> `rm` *now*\u202e \x07 [a](b)"


def test_people_read_both_sides_in_the_words_of_the_library():
    assert comparison_lines(WORSE, LABELS) == [
        "EX-1  Merlot  (21 Nov 2026 12:00 UTC)  WORSE",
        "  plan    Order stock (Quantity 24)  →  Order stock (Quantity 25)",
        "  people  approved Order stock (Quantity 24)",
    ]


def test_a_kind_a_course_and_the_reason_of_policy_are_said():
    before = judgement(step(24), approvers=(ApprovalRequirement("floor-managers", 1),))
    now = judgement(step(24), Course.REFUSED, kind="lead_cold", reason="over the limit")
    lines = comparison_lines(comparison(before, now), LABELS)
    assert "  kind    Running low  →  Cold lead" in lines
    assert "  then    asks people  →  refused by policy" in lines
    assert "  asks    1 of @floor-managers  →  nobody" in lines
    assert "  why     over the limit" in lines


def test_look_ups_without_an_answer_are_named():
    text = "\n".join(comparison_lines(replace(WORSE, unknown_names=("rota",)), LABELS))
    assert "not known  rota: nobody had asked this then" in text


def test_programs_read_everything():
    plain = json.loads(json.dumps(comparison_plain(WORSE)))
    assert plain["regression"] is True
    assert plain["now"]["steps"] == [
        {"action": "house.order_stock", "parameters": {"quantity": 25}, "condition": ""}
    ]
    assert plain["expected"]["approved_steps"][0]["parameters"] == {"quantity": 24}


def test_junit_counts_failures_and_what_nobody_decided(tmp_path):
    path = tmp_path / "junit.xml"
    with junit_file(path, "suite") as suite:
        for one in (WORSE, SAME, UNDECIDED, replace(WORSE, title=HOSTILE)):
            suite.add_comparison(one, LABELS)
    (result,) = ElementTree.parse(path).getroot()
    assert (result.get("tests"), result.get("failures"), result.get("skipped")) == ("4", "2", "1")
    failure = result[0].find("failure")
    assert "Quantity 24" in failure.text
    assert result[1].find("failure") is None
    assert result[2].find("skipped").get("message") == "nobody decided on it"
    assert result[3].get("name").startswith("EX-1.1 <b>|x|</b>")


def test_a_table_for_a_pull_request_has_no_markup_of_others():
    table, summary = MarkdownTable(LABELS), EvaluationSummary()
    for one in (replace(WORSE, title=HOSTILE), SAME):
        table.add(one)
        summary.add(one)
    text = "\n".join(table.lines("Running low", summary.sentences()))
    assert "1 of 2 would differ." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| EX-1")]
    assert "<b>" not in row
    # The cells of the row, and the bars that somebody else wrote are none of them.
    assert row.replace("\\|", "").count("|") == 6
    assert "| WORSE |" in row


def test_a_long_table_keeps_what_is_worse():
    table = MarkdownTable(LABELS)
    for _ in range(MAX_MARKDOWN_ROWS + 5):
        table.add(UNDECIDED)
    table.add(WORSE)
    text = "\n".join(table.lines("Running low", []))
    assert "… and 5 more that would differ." in text
    assert text.count("| WORSE |") == 1
