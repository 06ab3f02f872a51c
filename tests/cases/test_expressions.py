"""Expressions and templates: over known facts alone, and without any effect."""

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import (
    Expression,
    compile_expression,
    evaluate,
    find_scalar,
    has_enough_facts,
    render,
    search,
)
from tests.cases.shapes import JSON

FACTS = {
    "stock": {"on_hand": 4, "par": 24, "price": 312.5, "name": "Merlot", "gone": None},
    "lists": {"numbers": [1, 2, 3], "empty": [], "words": ["a", "b"]},
    "flags": {"open": True, "closed": False},
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ("stock.on_hand < `5`", True),
        ("stock.on_hand < `4`", False),
        ("stock.gone < `5`", False),
        ("stock.missing < `5`", False),
        ("missing.on_hand < `5`", False),
        ("flags.open", True),
        ("flags.closed", False),
        ("flags.closed == `false`", True),
        # Only true is true: a number, a text or a list is no answer.
        ("stock.on_hand", False),
        ("stock.name", False),
        ("lists.numbers", False),
        ("stock.name == 'Merlot' && stock.on_hand < `5`", True),
        ("stock.name == 'Merlot' || missing", True),
        ("stock.gone == null", True),
        ("missing == null", True),
        ("length(lists.numbers) == `3`", True),
        # The wrong types make a condition false, and no failure.
        ("length(stock.on_hand) == `1`", False),
        ("stock.name < `5`", False),
        ("sum(lists.words) == `0`", False),
        ("avg(lists.empty) == `0`", False),
        ("to_number(stock.name) > `0`", False),
        ("nothing(stock)", False),
    ],
)
def test_a_condition_holds_only_over_what_is_known(condition, holds):
    assert evaluate(condition, FACTS) is holds


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("stock.on_hand", 4),
        ("stock.price", 312.5),
        ("stock.name", "Merlot"),
        ("flags.open", True),
        ("stock.gone", None),
        ("stock", None),
        ("lists.numbers", None),
        ("lists.numbers[0]", 1),
        ("lists.numbers[9]", None),
        ("missing", None),
        ("max(lists.numbers)", 3),
        ("max(lists.empty)", None),
        ("join('-', lists.words)", "a-b"),
        ("abs(stock.name)", None),
        ("`7`", 7),
        ("'text'", "text"),
    ],
)
def test_only_a_scalar_is_a_value(expression, value):
    assert find_scalar(expression, FACTS) == value


HOSTILE = [
    "stock.__class__",
    "stock.keys()",
    "__import__('os')",
    "stock | eval(@)",
    "@.__globals__",
    "stock.on_hand.__add__",
]


@pytest.mark.threat("C3")
@pytest.mark.parametrize("expression", HOSTILE)
def test_an_expression_reaches_nothing_of_the_program(expression):
    try:
        assert search(expression, FACTS) is None
    except PlaybookInvalid as failure:
        assert "not a JMESPath expression" in str(failure)


@pytest.mark.threat("C1")
def test_a_deep_expression_over_hostile_json_ends():
    deep: object = {"a": None}
    for _ in range(200):
        deep = {"a": deep}
    assert search(".".join(["a"] * 300), deep) is None
    assert search("a[?a]", deep) is None


@pytest.mark.threat("C1")
@given(JSON)
def test_no_json_from_outside_makes_an_expression_fail(content):
    for expression in (
        "a.b[0]",
        "length(@)",
        "max(@)",
        "sort(@)",
        "[?a > `1`].b | [0]",
        "sum(values(@))",
        "to_number(@)",
        "join(',', @)",
        "avg(@)",
    ):
        search(expression, content)


@given(JSON, st.lists(st.sampled_from(["a", "b", "_c"]), min_size=1, max_size=4))
def test_a_path_finds_what_jmespath_finds(content, names):
    expression = ".".join(names)
    for inner in (content, {"a": content}, {"a": {"b": content}}):
        assert search(expression, inner) == jmespath.search(expression, inner)


@pytest.mark.parametrize("expression", ["a.[", "a..b", "[", "a b", "a[?]", "'open", "&", "\n"])
def test_a_text_that_is_no_expression_is_refused_in_one_line(expression):
    with pytest.raises(PlaybookInvalid, match="not a JMESPath expression") as failure:
        compile_expression(expression)
    assert "\n" not in str(failure.value)
    with pytest.raises(PlaybookInvalid):
        search(expression, FACTS)


def test_an_expression_in_a_file_is_checked_where_it_is_read():
    adapter = TypeAdapter(Expression)
    for expression in ("", "stock.on_hand", "length(@)"):
        assert adapter.validate_python(expression) == expression
    with pytest.raises(ValidationError, match="not a JMESPath expression: 'a.\\['"):
        adapter.validate_python("a.[")


def test_an_expression_is_parsed_once():
    assert compile_expression("stock.on_hand") is compile_expression("stock.on_hand")


# --- templates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("no facts", "no facts"),
        ("{stock.on_hand} left of {stock.par}", "4 left of 24"),
        ("{stock.name}: £{stock.price}", "Merlot: £312.50"),
        ("{stock.gone} {stock.missing} {missing.x}", "unknown unknown unknown"),
        ("{flags.open}", "True"),
        ("{lists.numbers}", "[1, 2, 3]"),
        ("{stock.name.upper}", "unknown"),
    ],
)
def test_a_template_is_filled_with_what_is_known(template, text):
    assert render(template, FACTS) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1234.5, "1,234.50"),
        (1234.0, "1,234"),
        (0.005, "0.01"),
        (0.0, "0"),
        (-3.14159, "-3.14"),
        (1e6, "1,000,000"),
        (1234, "1234"),
    ],
)
def test_fractions_are_shown_to_the_cent_and_whole_numbers_as_they_are(number, text):
    assert render("{x}", {"x": number}) == text


@pytest.mark.threat("C3")
def test_a_template_reaches_into_nothing_but_what_is_known():
    facts = {"stock": {"x": 1}}
    assert render("{stock.__class__} {0} {a!r} {}", facts) == "unknown {0} {a!r} {}"
    assert render("{stock.x:>9} {stock[x]} {{stock.x}}", facts) == "{stock.x:>9} {stock[x]} {1}"


@pytest.mark.threat("C3")
def test_a_fact_that_looks_like_a_placeholder_is_not_filled_again():
    facts = {"a": "{b}", "b": "secret"}
    assert render("{a}", facts) == "{b}"


@given(st.text(max_size=60), JSON)
def test_no_template_and_no_fact_makes_it_fail(template, value):
    text = render(template, {"a": value, "b": {"c": value}})
    assert text == template or render(template, {}) != template


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("{stock.on_hand} of {stock.par}", "unknown of unknown"),
        ("{a} {a}", "unknown unknown"),
        ("{1} {a b} {} {.a}", "{1} {a b} {} {.a}"),
        ("{_a.b_1}", "unknown"),
    ],
)
def test_a_placeholder_is_a_dotted_name_in_braces(template, text):
    assert render(template, {}) == text


@pytest.mark.parametrize(
    ("template", "is_enough"),
    [
        ("no facts are needed", True),
        ("{stock.on_hand}", True),
        ("{missing.x}", False),
        ("{stock.on_hand} {missing.x}", True),
        ("{stock.on_hand} {missing.x} {missing.y}", False),
        ("{stock.gone} {stock.missing}", False),
        ("{stock.on_hand} {stock.par} {stock.gone} {missing.x}", True),
    ],
)
def test_a_sentence_needs_half_of_its_facts(template, is_enough):
    assert has_enough_facts(template, FACTS) is is_enough
