"""The output of ``replay`` and ``test``."""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from bot.cases.canonical import to_plain
from bot.cases.evaluation import Difference, Expectation, PlannedStep, Steps, TrialComparison
from bot.views.content_lines import moment
from bot.views.labels import Labels

#: Rows of the table for a pull request; the rest is counted.
MAX_MARKDOWN_ROWS = 50
MARKUP = re.compile(r"[|`*_\[\]]")
DIFFERENCE_LABELS = {
    "kind": "kind",
    "plan": "plan",
    "course": "then",
    "approvers": "asks",
    "risk": "risk",
}


def comparison_lines(comparison: TrialComparison, labels: Labels) -> list[str]:
    """Write a comparison side by side, for a terminal."""
    lines = [
        f"{comparison.case_id}  {comparison.title}  ({moment(comparison.at)})  {_mark(comparison)}"
    ]
    for difference in comparison.differences:
        label = DIFFERENCE_LABELS[difference.name]
        before, now = _sides(difference, comparison, labels)
        lines.append(f"  {label:6}  {before}  →  {now}")
    reason = comparison.now.reason
    if comparison.differences and reason and reason != comparison.before.reason:
        lines.append(f"  why     {reason}")
    expected = expectation_text(comparison.expected, labels)
    if expected:
        lines.append(f"  people  {expected}")
    if comparison.changed_names:
        lines.append(
            f"  not known  {', '.join(comparison.changed_names)}: the answer is that to an"
            " earlier query"
        )
    if comparison.unknown_names:
        lines.append(
            f"  not known  {', '.join(comparison.unknown_names)}: nobody had asked this then"
        )
    return lines


def recommendation_lines(comparison: TrialComparison) -> list[str]:
    """Write precedents and confidence of then and today, which are not compared."""
    then, now = comparison.recommended_then, comparison.recommended_now
    lines = []
    for label, one in (("then", then), ("now", now)):
        if one is None:
            continue
        words = one.precedents or one.memory or "no precedent"
        confidence = "" if one.confidence is None else f"; confidence {one.confidence} %"
        cases = ", ".join(dict.fromkeys(citation.case_id for citation in one.citations))
        lines.append(f"  recalled {label:4}  {words}{cases and f' ({cases})'}{confidence}")
    return lines


def _mark(comparison: TrialComparison) -> str:
    if comparison.is_regression:
        return "WORSE"
    if comparison.is_improvement:
        return "better"
    return ""


def _sides(difference: Difference, comparison: TrialComparison, labels: Labels) -> tuple[str, str]:
    """Write both sides of a difference in words."""
    match difference.name:
        case "plan":
            steps = comparison.before.steps, comparison.now.steps
            return steps_text(steps[0], labels), steps_text(steps[1], labels)
        case "kind":
            return labels.kind(difference.before), labels.kind(difference.now)
        case _:
            return difference.before, difference.now


def steps_text(steps: Steps, labels: Labels) -> str:
    """Write the steps of a plan in words."""
    return "; ".join(_step_text(step, labels) for step in steps) or "no plan"


def _step_text(step: PlannedStep, labels: Labels) -> str:
    values = [
        f"{labels.parameter(step.action, name)} {value}"
        for name, value in sorted(step.parameters.items())
    ]
    return f"{labels.action(step.action)} ({', '.join(values)}) {step.condition}".rstrip()


def expectation_text(expected: Expectation, labels: Labels) -> str:
    """Say what people decided; nothing where nobody did."""
    parts = []
    if expected.kind is not None:
        parts.append(f"called it {labels.kind(expected.kind)}")
    if expected.approved_steps is not None:
        parts.append(f"approved {steps_text(expected.approved_steps, labels)}")
    parts += [f"refused {steps_text(steps, labels)}" for steps in expected.refused_steps]
    if expected.is_by_hand:
        parts.append("handled it by hand")
    return ", ".join(parts)


def comparison_plain(comparison: TrialComparison) -> dict[str, Any]:
    """Convert a comparison to JSON types."""
    return {
        "case": comparison.case_id,
        "trial": comparison.trial,
        "at": comparison.at.isoformat(),
        "title": comparison.title,
        "before": to_plain(comparison.before),
        "now": to_plain(comparison.now),
        "expected": to_plain(comparison.expected),
        "reasons": [reason.value for reason in comparison.reasons],
        "unknown": list(comparison.unknown_names),
        "differences": [to_plain(difference) for difference in comparison.differences],
        "agreed": comparison.agreed_then,
        "agrees": comparison.agrees_now,
        "regression": comparison.is_regression,
        "improvement": comparison.is_improvement,
        "newly_alone": comparison.is_newly_alone,
    }


# --- JUnit ----------------------------------------------------------------------------------------


@dataclass
class JUnitSuite:
    """The test cases of a JUnit file, written one by one."""

    _body: IO[str]
    tests: int = 0
    failures: int = 0
    skip_count: int = 0

    def add_comparison(self, comparison: TrialComparison, labels: Labels) -> None:
        """Write one trial as a test case."""
        name = f"{comparison.case_id}.{comparison.trial} {comparison.title}"
        suite = comparison.before.kind
        text = "\n".join(comparison_lines(comparison, labels))
        if comparison.is_regression:
            self.add(suite, name, failure="people would have to correct this", text=text)
        elif comparison.agrees_now is None:
            self.add(suite, name, skip_reason="nobody decided on it", text=text)
        else:
            self.add(suite, name, text=text if comparison.differences else "")

    def add(
        self, suite: str, name: str, *, failure: str = "", skip_reason: str = "", text: str = ""
    ) -> None:
        """Write one test case."""
        self.tests += 1
        self.failures += bool(failure)
        self.skip_count += bool(skip_reason)
        test_case = ElementTree.Element(
            "testcase", {"classname": _printable(suite), "name": _printable(name)}
        )
        if failure:
            result = ElementTree.SubElement(test_case, "failure", message=_printable(failure))
            result.text = _printable(text)
        elif skip_reason:
            ElementTree.SubElement(test_case, "skipped", message=_printable(skip_reason))
        if text and not failure:
            ElementTree.SubElement(test_case, "system-out").text = _printable(text)
        self._body.write(ElementTree.tostring(test_case, encoding="unicode") + "\n")


@contextlib.contextmanager
def junit_file(path: Path, name: str) -> Iterator[JUnitSuite]:
    """Open a JUnit file, whose head is written last.

    It has the counts.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as body:
        suite = JUnitSuite(body)
        yield suite
        body.seek(0)
        with path.open("w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write(
                f"<testsuites><testsuite name={quoteattr(name)} tests='{suite.tests}' "
                f"failures='{suite.failures}' errors='0' skipped='{suite.skip_count}'>\n"
            )
            while chunk := body.read(1 << 16):
                file.write(chunk)
            file.write("</testsuite></testsuites>\n")


def _printable(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


# --- Markdown -------------------------------------------------------------------------------------


class MarkdownTable:
    """A table of what would differ, for a pull request."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._rows: list[str] = []
        self._more = 0

    def add(self, comparison: TrialComparison) -> None:
        """Add a comparison that differs. Those that are worse come first."""
        if not comparison.differences:
            return
        if len(self._rows) >= MAX_MARKDOWN_ROWS and not comparison.is_regression:
            self._more += 1
            return
        self._rows.append(self._row(comparison))

    def _row(self, comparison: TrialComparison) -> str:
        labels = self._labels
        changes = []
        for one in comparison.differences:
            before, now = map(_cell, _sides(one, comparison, labels))
            changes.append(f"{DIFFERENCE_LABELS[one.name]}: {before} → {now}")
        mark = _mark(comparison) or "–"
        people = _cell(expectation_text(comparison.expected, self._labels)) or "nobody decided"
        title = _cell(comparison.title)
        cells = (comparison.case_id, title, "<br>".join(changes), people, mark)
        return f"| {' | '.join(cells)} |"

    def lines(self, title: str, sentences: Sequence[str]) -> list[str]:
        """Write the whole table, under its figures in words."""
        lines = [f"### {_cell(title)}", "", " ".join(sentences), ""]
        if not self._rows:
            return lines
        lines += ["| case | what | then → now | people | |", "| --- | --- | --- | --- | --- |"]
        lines += self._rows
        if self._more:
            lines += ["", f"… and {self._more} more that would differ."]
        return [*lines, ""]


def _cell(text: str) -> str:
    """Write text from outside in a cell: no markup, no further column."""
    plain = " ".join(_printable(text).split())
    return MARKUP.sub(r"\\\g<0>", escape(plain))
