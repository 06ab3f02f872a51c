"""Rich text: its four containers and all inline elements."""

from collections.abc import Mapping

from bot.emulator.checks import (
    Check,
    Shape,
    boolean,
    choice,
    identifier,
    integer,
    list_of,
    number,
    object_of,
    text,
    typed_object,
    url,
)

MAX_TEXT_LENGTH = 40_000
MAX_INDENT = 8
MAX_SKIN_TONE = 6
STYLE_NAMES = (
    "bold",
    "italic",
    "strike",
    "code",
    "underline",
    "highlight",
    "client_highlight",
    "unlink",
)
TAG_COLORS = (
    "gray",
    "brown",
    "purple",
    "indigo",
    "blue",
    "green",
    "yellow",
    "orange",
    "red",
)
style = object_of(Shape(fields=dict.fromkeys(STYLE_NAMES, boolean)), "a style")
_words = text(MAX_TEXT_LENGTH)
_CITATION_KINDS = ("file", "external", "web", "message", "memory")
_CITATION_DETAILS = Shape(
    fields={
        "citation_type": choice(_CITATION_KINDS),
        **dict.fromkeys(
            (
                "descriptor",
                "file_id",
                "app_name",
                "app_icon_url",
                "display_name",
                "title",
                "snippet",
                "channel_id",
                "message_ts",
                "author_id",
                "thread_ts",
            ),
            _words,
        ),
    },
    required=("citation_type",),
)


def _shape(required: Mapping[str, Check], **optional: Check) -> Shape:
    fields = {"style": style, **required, **optional}
    return Shape(fields=fields, required=tuple(required))


INLINE: Mapping[str, Shape] = {
    "text": _shape({"text": text(MAX_TEXT_LENGTH, 1)}),
    "link": _shape({"url": url(MAX_TEXT_LENGTH)}, text=_words, unsafe=boolean),
    "emoji": _shape(
        {"name": text(100, 1)},
        unicode=text(100),
        url=url(),
        skin_tone=integer(1, MAX_SKIN_TONE),
    ),
    "user": _shape({"user_id": identifier}),
    "usergroup": _shape({"usergroup_id": identifier}),
    "channel": _shape({"channel_id": identifier}),
    "team": _shape({"team_id": identifier}),
    "broadcast": _shape({"range": choice(("here", "channel", "everyone"))}),
    "color": _shape({"value": text(100, 1)}),
    "date": _shape(
        {"timestamp": integer(0), "format": text(MAX_TEXT_LENGTH, 1)},
        url=url(),
        fallback=_words,
    ),
    "file": _shape({"file_id": identifier}, text=_words, url=url(), is_skill_invocation=boolean),
    "canvas": _shape(
        {"file_id": identifier},
        label=_words,
        hide_title=boolean,
        section_id=identifier,
        text=_words,
        url=url(),
        is_skill_invocation=boolean,
    ),
    "canvas_user_mention": _shape({"user_id": identifier}, thread_id=identifier),
    "canvas_message_unfurl": _shape(
        {"root_message_ts": identifier, "root_message_channel": identifier}
    ),
    "citation": _shape(
        {
            "url": url(),
            "text": _words,
            "index": number,
            "details": object_of(_CITATION_DETAILS, "the details of a citation"),
        },
        from_llm=boolean,
        is_slack_url=boolean,
    ),
    "list_record": _shape(
        {"file_id": identifier},
        record_id=identifier,
        view_id=identifier,
        text=_words,
        url=url(),
    ),
    "message_mention": _shape(
        {"channel_id": identifier, "message_ts": identifier},
        author_id=identifier,
        thread_ts=identifier,
        text=_words,
        url=url(),
    ),
    "attachment_mention": _shape(
        {"url": url()},
        text=_words,
        app_id=identifier,
        entity_id=text(255),
        icon_url=url(),
        channel_id=identifier,
        ts=identifier,
        full_size_preview_enabled=boolean,
        icon_name=text(255),
        reference_object_type=text(255),
        product_name=text(255),
    ),
    "work_object_mention": _shape(
        {
            "entity_id": text(255, 1),
            "app_id": identifier,
            "text": _words,
            "url": url(),
        },
        icon_url=url(),
        full_size_preview_enabled=boolean,
        product_name=text(255),
    ),
    "tag": _shape({"text": text(MAX_TEXT_LENGTH, 1)}, color=choice(TAG_COLORS)),
    "salesforce_data_field": _shape(
        {"salesforce_record_id": identifier},
        salesforce_field_label=_words,
        salesforce_field_api_name=_words,
        salesforce_include_field_label=boolean,
    ),
    "workflow_mention": _shape(
        {
            "workflow_id": identifier,
            "function_trigger_id": identifier,
            "text": _words,
        },
        url=url(),
        channel_id=identifier,
        ts=identifier,
    ),
}
inline = typed_object(INLINE)
_border = choice((0, 1))
_SECTION = Shape(fields={"elements": list_of(inline, None, 0)}, required=("elements",))
CONTAINERS: Mapping[str, Shape] = {
    "rich_text_section": _SECTION,
    "rich_text_list": Shape(
        fields={
            "style": choice(("bullet", "ordered")),
            "elements": list_of(typed_object({"rich_text_section": _SECTION}), None, 0),
            "indent": integer(0, MAX_INDENT),
            "offset": integer(0),
            "border": _border,
        },
        required=("style", "elements"),
    ),
    "rich_text_quote": Shape(
        fields={"elements": list_of(inline, None, 0), "border": _border},
        required=("elements",),
    ),
    "rich_text_preformatted": Shape(
        fields={
            "elements": list_of(typed_object(INLINE, "text", "link"), None, 0),
            "border": _border,
            "language": text(100),
        },
        required=("elements",),
    ),
}
RICH_TEXT = Shape(
    fields={
        "block_id": text(255),
        "elements": list_of(typed_object(CONTAINERS), None, 0),
    },
    required=("elements",),
)
#: A whole rich text block that stands in another block.
rich_text = typed_object({"rich_text": RICH_TEXT})
