"""The page: complete in itself, with its definitions, and made to be printed."""

import re
from html.parser import HTMLParser

import pytest

from bot.measures.catalogue import MEASURES
from handlers.report.findings import findings
from handlers.report.page import report_page
from tests.handlers.report.examples import report

VOID = {"meta", "br", "img", "link", "input"}
SVG_ALONE = {"line", "rect", "circle", "polyline", "path"}


class Tags(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(page: str) -> list[tuple[str, dict]]:
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def test_nothing_is_loaded_from_outside_and_no_script_runs():
    found = tags(report_page(report()))
    assert not {tag for tag, _ in found} & {"script", "img", "link", "iframe", "object"}
    for _, attributes in found:
        assert not {"src", "href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in report_page(report())
    assert "@import" not in report_page(report())


def test_hostile_titles_stay_text():
    page = report_page(report(title='<script>alert("x")</script>'))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    tags(page)


def test_every_measure_is_defined_in_the_appendix():
    page = report_page(report())
    appendix = page.split("Definitions</h2>")[1]
    for measure in MEASURES:
        assert f"<dt>{measure.title}</dt>" in appendix


def test_assumptions_owners_targets_and_what_is_missing_are_shown():
    page = report_page(report())
    for text in (
        "10 min",
        "0.5 GBP",
        "governance @owners",
        "480 in the period",
        "accepted unedited from 90 %",
        "as stated: asked in March",
        "quotes could not be counted",
    ):
        assert text in page, text


def test_each_printed_page_says_period_and_checkpoint():
    page = report_page(report(checkpoint='number 7, root "ab"'))
    rule = re.search(r"@bottom-left \{ content: \"([^\"]*)\"", page)[1]
    text = re.sub(r"\\([0-9a-f]{6})", lambda match: chr(int(match[1], 16)), rule)
    assert text == (
        '23 October to 22 November 2026 · 1,234 ledger entries · checkpoint number 7, root "ab"'
    )
    assert "counter(pages)" in page
    assert "not signed yet" in report_page(report())


def test_figures_of_the_first_page_are_those_of_the_report():
    page = report_page(report())
    tiles = re.findall(r'<div class="tile"><span>([^<]+)</span><b>([^<]+)</b>', page)
    assert dict(tiles)["Ended"] == "18"
    assert dict(tiles)["Handled alone"] == "11 %"


def test_findings_say_what_happened_and_which_targets_were_missed():
    sentences = findings(report(copies=6))
    assert sentences[0].startswith("54 cases ended: people resolved 30, 6 needed nobody.")
    assert any("accepted unedited is 17 %; the target is 90 %." in one for one in sentences)
    assert any("6 resolved cases came back." in one for one in sentences)


@pytest.mark.parametrize("copies", [0])
def test_a_period_without_cases_is_a_page_too(copies):
    page = report_page(report(copies=copies))
    tags(page)
    assert "No case ended in this period." in page
