"""Sources in files: formats, kinds, rates and names of secrets, each with its complaint."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.constraints import KEYED
from bot.cases.source import RESERVED_NAMES, Format, SignalMapping, Source

SOURCES = TypeAdapter(Annotated[dict[str, Source], KEYED])
MAPPING = {"key": ["body.id"], "subject": "{item.id}", "title": "Order {body.text}"}


def read(**entry) -> Source:
    return SOURCES.validate_python({"till": {"format": "signal", **entry}})["till"]


def test_a_source_needs_no_more_than_a_name_and_a_format():
    source = read()
    assert source == Source(name="till", format=Format.SIGNAL)
    assert (source.origin, source.allowed_kinds, source.per_minute) == ("till", (), 6000)


@pytest.mark.parametrize(
    ("entry", "kinds"),
    [
        ({}, ()),
        ({"kind": "low_stock"}, ("low_stock",)),
        ({"kinds": ["low_stock", "lead_cold"]}, ("low_stock", "lead_cold")),
        # A source of one kind sends that one, whatever else is written.
        ({"kind": "low_stock", "kinds": ["lead_cold"]}, ("low_stock",)),
    ],
)
def test_a_source_sends_its_own_kinds_alone(entry, kinds):
    assert read(**entry).allowed_kinds == kinds


def test_sources_of_a_domain_are_counted_under_its_name():
    assert read(domain="stock").origin == "stock"
    assert read(domain="").origin == "till"


def test_a_source_of_any_json_has_expressions_for_its_fields():
    source = read(format="mapping", mapping={**MAPPING, "facts": {"amount": "body.total"}})
    assert source.mapping == SignalMapping(
        key=("body.id",),
        subject="{item.id}",
        title="Order {body.text}",
        facts={"amount": "body.total"},
    )


@pytest.mark.parametrize("format", Format)
def test_every_format_has_its_name_in_files(format):
    assert read(format=str(format)).format is format


COMPLAINTS = [
    ({"format": "xml"}, "format", "Input should be 'signal'"),
    ({"format": None}, "format", "Input should be 'signal'"),
    ({"kind": "Low Stock"}, "kind", "String should match pattern"),
    ({"kinds": []}, "kinds", "kinds is empty, so nothing could be sent"),
    ({"kinds": ["Low"]}, "kinds", "String should match pattern"),
    ({"kinds": ["aa"] * 101}, "kinds", "at most 100 items"),
    ({"domain": "Stock"}, "domain", "String should match pattern"),
    ({"token_env": ["lower"]}, "token_env", "String should match pattern"),
    ({"token_env": ["ONE", "TWO", "THREE"]}, "token_env", "at most 2 items"),
    ({"webhook_secret_env": ["A-B"]}, "webhook_secret_env", "String should match pattern"),
    ({"webhook_secret_env": ["ABC"] * 3}, "webhook_secret_env", "at most 2 items"),
    ({"per_minute": 0}, "per_minute", "greater than or equal to 1"),
    ({"per_minute": True}, "per_minute", "valid integer"),
    ({"per_minute": "60"}, "per_minute", "valid integer"),
    ({"mapping": {**MAPPING, "title": "{a.[}"}}, "mapping", "not a JMESPath expression"),
    ({"mapping": {**MAPPING, "title": "{a.b}"}}, "mapping", "a is not part of a request"),
    ({"mapping": {**MAPPING, "title": "body.title"}}, "mapping", "write the expression in braces"),
    ({"mapping": {**MAPPING, "title": "x {body.a"}}, "mapping", "a brace is opened"),
    ({"mapping": {**MAPPING, "title": "x {}"}}, "mapping", "the braces are empty"),
    ({"mapping": {**MAPPING, "key": "id"}}, "mapping", "id is not part of a request"),
    ({"mapping": {**MAPPING, "only": "nope(body.a)"}}, "mapping", "there is no function nope"),
    ({"mapping": {**MAPPING, "facts": {"A b": "body"}}}, "mapping", "String should match pattern"),
    ({"mapping": {**MAPPING, "facts": {"total": "a.["}}}, "mapping", "not a JMESPath"),
    (
        {"mapping": {**MAPPING, "amount": {"value": "body.a", "currency": "body.c", "unit": "x"}}},
        "mapping",
        "Input should be 'major'",
    ),
]


@pytest.mark.parametrize(
    ("entry", "field", "complaint"), COMPLAINTS, ids=[str(entry)[:50] for entry, *_ in COMPLAINTS]
)
def test_each_mistake_in_a_source_has_its_place_and_its_complaint(entry, field, complaint):
    with pytest.raises(ValidationError) as failure:
        read(**entry)
    error = failure.value.errors()[0]
    assert error["loc"][:2] == ("till", field)
    assert complaint in error["msg"]


@pytest.mark.parametrize("name", ["Till", "-till", "", "a" * 50, "till 2"])
def test_the_name_of_a_source_is_a_handle(name):
    with pytest.raises(ValidationError, match="String should match pattern"):
        SOURCES.validate_python({name: {"format": "signal"}})


def test_the_names_of_the_desk_are_reserved():
    assert {"countersign", "desk", "policy", "operator", "slack", "absence", "try"} == (
        RESERVED_NAMES
    )
