"""Expressions and templates over requests: functions, complaints and what is missing."""

import pytest

from bot.cases.canonical import canonical_hash
from bot.cases.request_expressions import (
    check_expression,
    check_template,
    expression_roots,
    find_text,
    render_request,
    search_request,
)

REQUEST = {
    "body": {
        "title": "  Ünïcode Title ",
        "lines": "first\nsecond",
        "amount": 42.0,
        "ok": True,
        "nested": {"b": 1, "a": [1, 2]},
        "tags": ["a", "b"],
        "json": '{"inner": {"x": 5}}',
        "empty": "",
        "huge": 10**30,
        "odd": "\ud800",
    },
    "headers": {"x_event": "order.paid"},
    "query": {"k": "v"},
    "item": {"id": 7},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lower(body.title)", "  ünïcode title "),
        ("upper(trim(body.title))", "ÜNÏCODE TITLE"),
        ("line(body.lines)", "first"),
        ("split(headers.x_event, '.')[1]", "paid"),
        ("replace(headers.x_event, '.', ' ')", "order paid"),
        ("parse(body.json).inner.x", 5),
        ("parse(body.title)", None),
        ("text(body.amount)", "42"),
        ("text(body.ok)", "yes"),
        ("text(body.tags)", "a, b"),
        ("text(body.nested)", '{"a": [1, 2], "b": 1}'),
        ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha256(body.nested)", canonical_hash({"b": 1, "a": [1, 2]})),
        ("query.k || item.id", "v"),
        ("item.id", 7),
        # What a function cannot use is nothing, and no error.
        *((f"{name}(body.nothing)", None) for name in ("sha256", "lower", "upper", "trim", "line")),
        ("split(body.amount, '.')", None),
        ("replace(body.ok, 'a', 'b')", None),
        ("contains(body.nothing, 'x')", None),
        ("join(' ', [body.title, body.nothing])", None),
    ],
)
def test_a_function_gives_a_value_or_nothing(expression, value):
    assert search_request(check_expression(expression), REQUEST) == value


@pytest.mark.parametrize("expression", ["sha256(body.huge)", "sha256(body.odd)", "sha256(body)"])
def test_anything_has_a_hash(expression):
    assert len(search_request(expression, REQUEST)) == 64


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("type", "type is not part of a request; begin with body, headers, query, item"),
        ("body.a || data.b", "data is not part of a request"),
        ("join(' ', [title])", "title is not part of a request"),
        ("now(body.a)", "there is no function now; there are abs"),
        ("map(&nope(@), body.tags)", "there is no function nope"),
        ("body.a[", "not a JMESPath expression"),
    ],
)
def test_what_cannot_be_used_on_a_request_is_a_complaint(expression, complaint):
    with pytest.raises(ValueError, match=complaint.replace("[", r"\[")):
        check_expression(expression)


@pytest.mark.parametrize(
    "expression",
    ["body.l[?a == 'x'].b | [0]", "map(&lower(@), body.tags)", 'body."a-b".c', "{a: body.x}.a"],
)
def test_names_within_the_request_are_free(expression):
    assert check_expression(expression) == expression


def test_the_parts_of_a_request_that_an_expression_reads_are_known():
    assert expression_roots("headers.x_id || body.a.b[0]") == [["headers", "x_id"], ["body", "a"]]
    assert expression_roots("sha256(body)") == [["body"]]
    assert expression_roots("") == []


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Order {item.id} is {headers.x_event}", "Order 7 is order.paid"),
        ("{body.nothing} of  {item.id}\n", "of 7"),
        ("{body.nothing}{body.empty}", None),
        ("Always this", "Always this"),
        ("{join('}{', body.tags)}", "a}{b"),
        ("{ {a: item.id}.a }", "7"),
        ("", None),
    ],
)
def test_a_template_is_filled_tidily_or_is_nothing(template, text):
    assert render_request(check_template(template), REQUEST) == text


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{item.id", "a brace is opened"),
        ("item.id}", "a brace is closed"),
        ("a {}", "the braces are empty"),
        ("item.title", "write the expression in braces"),
        ("join(' ', [body.a])", "write the expression in braces"),
        ("{id}", "id is not part of a request"),
    ],
)
def test_a_template_that_was_not_meant_so_is_a_complaint(template, complaint):
    with pytest.raises(ValueError, match=complaint):
        check_template(template)


def test_text_is_found_of_plain_values_alone():
    assert find_text("item.id", REQUEST) == "7"
    assert find_text("body.title", REQUEST) == "Ünïcode Title"
    for expression in ("body.ok", "body.tags", "body.nested", "body.empty", "body.nothing"):
        assert find_text(expression, REQUEST) is None
