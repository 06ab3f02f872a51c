"""The validator against every block, element, object and property that Slack documents."""

import inspect
import json

import pytest
from slack_sdk.models import blocks as sdk
from slack_sdk.models.blocks import block_elements
from slack_sdk.models.views import View

from bot.emulator import blocks, elements, rich_text, tables
from bot.emulator.blocks import validate, validate_view
from tests.emulator import block_kit
from tests.emulator.block_kit import EVERYWHERE, SURFACES


def in_block(kind, sample):
    """Return a block, on the first surface where it may stand."""
    return [{"type": kind, **sample}], SURFACES.get(kind, EVERYWHERE)[0]


def in_element(kind, sample):
    """Return a block that holds this element."""
    element = {"type": kind, **sample}
    if kind in elements.INPUT_ELEMENTS:
        label = {"type": "plain_text", "text": "x"}
        return [{"type": "input", "label": label, "element": element}], "modal"
    if kind in {"image", "plain_text", "mrkdwn"}:
        return [{"type": "context", "elements": [element]}], "message"
    if kind in {"feedback_buttons", "icon_button"}:
        return [{"type": "context_actions", "elements": [element]}], "message"
    if kind == "url":
        task = {"type": "task_card", "task_id": "t", "title": "x", "sources": [element]}
        return [task], "message"
    return [{"type": "actions", "elements": [element]}], "message"


def in_container(kind, sample):
    return [{"type": "rich_text", "elements": [{"type": kind, **sample}]}], "message"


def in_line(kind, sample):
    return in_container("rich_text_section", {"elements": [{"type": kind, **sample}]})


FAMILIES = [
    (block_kit.BLOCKS, in_block, blocks.BLOCKS),
    (block_kit.ELEMENTS, in_element, elements.ELEMENTS),
    (block_kit.CONTAINERS, in_container, rich_text.CONTAINERS),
    (block_kit.INLINE, in_line, rich_text.INLINE),
]


def mistakes_of_blocks(place, kind):
    def check(sample):
        return validate(*place(kind, sample))

    return check


def mistakes_of_view(kind):
    def check(sample):
        return validate_view({"type": kind, **sample})

    return check


CASES = [
    pytest.param(sample, shapes[kind], mistakes_of_blocks(place, kind), id=kind)
    for samples, place, shapes in FAMILIES
    for kind, sample in samples.items()
] + [
    pytest.param(sample, blocks.VIEWS[kind], mistakes_of_view(kind), id=f"a {kind}")
    for kind, sample in (("modal", block_kit.MODAL), ("home", block_kit.HOME))
]


@pytest.mark.parametrize(("samples", "place", "shapes"), FAMILIES)
def test_every_kind_of_the_validator_is_in_the_table(samples, place, shapes):
    assert set(samples) == set(shapes)


@pytest.mark.parametrize(("sample", "shape", "check"), CASES)
def test_every_property_takes_what_slack_takes_and_no_more(sample, shape, check):
    assert set(sample.properties) == set(shape.fields)
    assert check(sample.least) == []
    for name, values in sample.properties.items():
        for value in values.right:
            assert check({**sample.least, name: value}) == [], name
        for value in values.wrong:
            mistakes = check({**sample.least, name: value})
            assert any(name in mistake.pointer for mistake in mistakes), (name, str(value)[:80])


@pytest.mark.parametrize(("sample", "shape", "check"), CASES)
def test_what_is_required_may_not_be_left_out_and_nothing_else_may_be_added(sample, shape, check):
    for name in sample.required:
        rest = {key: value for key, value in sample.least.items() if key != name}
        assert "missing" in {mistake.code for mistake in check(rest)}, name
    if sample.either:
        rest = {key: value for key, value in sample.least.items() if key not in sample.either}
        assert "missing" in {mistake.code for mistake in check(rest)}
    codes = {mistake.code for mistake in check({**sample.least, "colour": "red"})}
    assert codes == {"unknown_field"}
    for whole in sample.wrong:
        assert check(whole), str(whole)[:80]


@pytest.mark.parametrize("kind", block_kit.BLOCKS)
def test_every_block_stands_on_its_surfaces_alone(kind):
    block = {"type": kind, **block_kit.BLOCKS[kind].least}
    for surface in EVERYWHERE:
        codes = {mistake.code for mistake in validate([block], surface)}
        expected = set() if surface in SURFACES.get(kind, EVERYWHERE) else {"wrong_surface"}
        assert codes == expected, surface


# What the SDK's base classes lend to every element, though Slack documents it for some alone.
LENT = {"alt_text", "placeholder", "focus_on_load", "confirm", "text", "emoji"}
ABSTRACT = {"Block", "BlockElement", "InteractiveElement", "InputInteractiveElement"}


def sdk_classes():
    """Return the SDK's classes of blocks and elements that have a type."""
    parts = vars(block_elements.RichTextElementParts).values()
    everything = [*vars(sdk).values(), *vars(block_elements).values(), *parts]
    for one in everything:
        if inspect.isclass(one) and getattr(one, "type", None) and one.__name__ not in ABSTRACT:
            yield one


def attributes_of(one):
    """Return the properties of an SDK class."""
    attributes = one.attributes
    if isinstance(attributes, property):
        attributes = attributes.fget(one.__new__(one))
    return set(attributes) - {"type"}


def test_no_class_or_attribute_of_slacks_sdk_is_forgotten():
    known = {
        **rich_text.INLINE,
        **rich_text.CONTAINERS,
        **tables.CELLS,
        **elements.ELEMENTS,
    }
    forgotten = {}
    seen = set()
    for one in sdk_classes():
        shapes = blocks.BLOCKS if issubclass(one, sdk.Block) else known
        kind = one.type
        seen.add(kind)
        shape = shapes.get(kind) or blocks.BLOCKS.get(kind)
        missing = {"the whole"} if shape is None else attributes_of(one) - set(shape.fields) - LENT
        if missing:
            forgotten[one.__name__] = missing
    assert forgotten == {}
    # The test itself sees them all.
    assert {
        "workflow_button",
        "rich_text_quote",
        "emoji",
        "container",
        "multi_users_select",
    } <= seen


def test_every_attribute_of_a_view_that_an_app_sends_is_known():
    # The others are Slack's own, in what it sends to the app.
    own = {
        "id",
        "team_id",
        "app_id",
        "bot_id",
        "app_installed_team_id",
        "root_view_id",
        "previous_view_id",
        "hash",
        "state",
        "type",
    }
    assert set(View.attributes) - own <= set(blocks.VIEWS["modal"].fields)


def test_whole_messages_have_totals():
    chart = {"type": "data_visualization", **block_kit.BLOCKS["data_visualization"].least}
    words = {"type": "markdown", "text": "x" * 7000}
    assert validate([chart] * 2) == []
    assert {mistake.code for mistake in validate([chart] * 3)} == {"too_many"}
    assert {mistake.code for mistake in validate([words] * 2)} == {"length"}


def test_only_one_element_of_a_view_has_the_focus():
    def field(block_id):
        return {
            "type": "input",
            "block_id": block_id,
            "label": block_kit.plain(),
            "element": {"type": "plain_text_input", "focus_on_load": True},
        }

    view = {"type": "modal", "title": block_kit.plain(), "submit": block_kit.plain()}
    assert validate_view({**view, "blocks": [field("a")]}) == []
    codes = {
        mistake.code for mistake in validate_view({**view, "blocks": [field("a"), field("b")]})
    }
    assert codes == {"duplicate"}


def test_option_groups_stand_in_place_of_options():
    for kind in ("static_select", "multi_static_select"):
        for groups in block_kit.GROUPS.right:
            assert validate(*in_element(kind, {"option_groups": groups})) == []
        initial = {"initial_option": block_kit.OPTION}
        if kind.startswith("multi"):
            initial = {"initial_options": [block_kit.OPTION]}
        sample = {"option_groups": [block_kit.GROUP], **initial}
        assert validate(*in_element(kind, sample)) == []


def test_an_image_may_be_a_file_of_slack():
    for right in block_kit.SLACK_FILE.right:
        image = {"alt_text": "x", "slack_file": right}
        assert validate(*in_block("image", image)) == []
        assert validate(*in_element("image", image)) == []


@pytest.mark.parametrize("value", [None, 5, "x", [], [[]], {}, {"type": []}, {"type": {}}])
def test_nothing_that_json_can_write_breaks_the_validator(value):
    """Every property of everything, filled with nonsense: mistakes, and never an exception."""
    for samples, place, _ in FAMILIES:
        for kind, sample in samples.items():
            for name in sample.properties:
                json.dumps([one.as_json() for one in validate(*place(kind, {name: value}))])
    assert validate_view(value)
    assert isinstance(validate(value), list)
