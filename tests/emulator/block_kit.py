"""What Slack documents of Block Kit, as values that it takes and refuses.

Written from its reference and not from the validator: each property has the values at its limits
and one beyond them.
"""

from dataclasses import dataclass, field


@dataclass
class Values:
    """Values of one property that Slack takes and refuses."""

    right: list
    wrong: list


@dataclass
class Sample:
    """One block, element or object: the least that is right, and its properties."""

    least: dict
    properties: dict
    required: tuple = ()
    #: Required where the other is not there.
    either: tuple = ()
    #: Objects that are wrong as a whole.
    wrong: list = field(default_factory=list)


def plain(text="x"):
    return {"type": "plain_text", "text": text}


def mrkdwn(text="x"):
    return {"type": "mrkdwn", "text": text}


def chars(most, least=0):
    wrong = ["x" * (most + 1), 7, None]
    return Values(["x" * most, "x" * max(least, 1)], wrong + ([""] if least else []))


def plain_text(most):
    return Values(
        [plain("x" * most), {**plain(), "emoji": False}],
        [
            plain("x" * (most + 1)),
            plain(""),
            mrkdwn(),
            "x",
            {"type": "plain_text"},
            {**plain(), "verbatim": True},
            {**plain(), "emoji": "yes"},
        ],
    )


def any_text(most):
    return Values(
        [plain("x" * most), mrkdwn("x" * most), {**mrkdwn(), "verbatim": True}],
        [mrkdwn("x" * (most + 1)), mrkdwn(""), "x", {**mrkdwn(), "emoji": True}, {"text": "x"}],
    )


def many(one, most, least=1):
    wrong = ["x", [5]]
    if most:
        wrong.append([one] * (most + 1))
    if least:
        wrong.append([one] * (least - 1))
    return Values([[one] * max(least, 1), [one] * (most or 3)], wrong)


def whole(least, most=None):
    wrong = [least - 1, "1", 1.5, True]
    return Values([least, most or least + 1], wrong + ([most + 1] if most else []))


def one_of(*values):
    return Values(list(values), ["other", 7, None])


BOOL = Values([True, False], ["true", 1, None])
ID = Values(["U0ANA"], ["", 5, "x" * 41])
URL = Values(
    ["https://example.com/a?b=c", "https://e.co/" + "x" * 2987],
    ["", "x", 5, "https://e.co/" + "x" * 2988, "https://e.co/a b"],
)
WEB = Values(["http://e.co/a.png", "https://e.co/a.png"], ["slack://x", "x", 5])
HTTPS = Values(["https://e.co/a"], ["http://e.co/a", "x", 5])
STYLE = one_of("primary", "danger")
OPTION = {"text": plain(), "value": "1"}
CONFIRM = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()}
SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
RICH = {"type": "rich_text", "elements": [SECTION]}
RICH_TEXT = Values([RICH], ["x", {"type": "rich_text"}, SECTION, mrkdwn()])
IMAGE = {"type": "image", "image_url": "https://e.co/a.png", "alt_text": "x"}
AN_IMAGE = Values([IMAGE], ["https://e.co/a.png", {"type": "image", "alt_text": "x"}, plain()])
SLACK_FILE = Values(
    [{"id": "F0FILE"}, {"url": "https://files.e.co/x"}],
    [{}, {"id": "F0FILE", "url": "https://files.e.co/x"}, {"name": "x"}, "F0FILE"],
)
BUTTON = {"type": "button", "text": plain()}
CONFIRMS = Values(
    [CONFIRM, {**CONFIRM, "style": "danger", "text": mrkdwn("x" * 300)}],
    [
        "x",
        {},
        {**CONFIRM, "title": plain("x" * 101)},
        {**CONFIRM, "text": plain("x" * 301)},
        {**CONFIRM, "confirm": plain("x" * 31)},
        {**CONFIRM, "deny": mrkdwn()},
        {**CONFIRM, "style": "huge"},
        {**CONFIRM, "colour": "red"},
    ],
)
OPTIONS_WRONG = [
    {"text": plain("x" * 76), "value": "1"},
    {"text": plain(), "value": "x" * 151},
    {"text": plain(), "value": ""},
    {"text": plain()},
    {"value": "1"},
    {**OPTION, "description": plain("x" * 76)},
    {**OPTION, "name": "x"},
]
PLAIN_OPTION = Values(
    [OPTION, {"text": plain("x" * 75), "value": "x" * 150, "description": plain("x" * 75)}],
    [*OPTIONS_WRONG, {"text": mrkdwn(), "value": "1"}, {**OPTION, "url": "https://e.co"}],
)
MARKED_OPTION = Values(
    [OPTION, {"text": mrkdwn(), "value": "1", "description": mrkdwn()}],
    [*OPTIONS_WRONG, {**OPTION, "url": "https://e.co"}],
)
LINK_OPTION = Values(
    [OPTION, {**OPTION, "url": "https://e.co"}],
    [*OPTIONS_WRONG, {**OPTION, "url": "x"}, {"text": mrkdwn(), "value": "1"}],
)


def options(values, most):
    right = [[one] for one in values.right] + [[OPTION] * most]
    wrong = [[one] for one in values.wrong] + [[OPTION] * (most + 1), [], "x"]
    return Values(right, wrong)


GROUP = {"label": plain(), "options": [OPTION]}
GROUPS = Values(
    [[GROUP] * 100, [{"label": plain("x" * 75), "options": [OPTION] * 100}]],
    [
        [GROUP] * 101,
        [],
        [{"label": plain("x" * 76), "options": [OPTION]}],
        [{"label": mrkdwn(), "options": [OPTION]}],
        [{"label": plain(), "options": [OPTION] * 101}],
        [{"label": plain()}],
        [{**GROUP, "name": "x"}],
    ],
)
DISPATCH = Values(
    [
        {"trigger_actions_on": ["on_enter_pressed"]},
        {"trigger_actions_on": ["on_enter_pressed", "on_character_entered"]},
    ],
    [
        {"trigger_actions_on": []},
        {"trigger_actions_on": ["on_blur"]},
        {"trigger_actions_on": ["on_enter_pressed"] * 3},
        {"on": []},
        "x",
    ],
)
FILTER = Values(
    [
        {"include": ["im", "mpim", "private", "public"]},
        {"exclude_bot_users": True},
        {"exclude_external_shared_channels": False},
    ],
    [{}, {"include": []}, {"include": ["dm"]}, {"exclude_bot_users": 1}, {"only": True}, "im"],
)
TRIGGER = {"url": "https://slack.com/shortcuts/Ft0/x"}
WORKFLOW = Values(
    [
        {"trigger": TRIGGER},
        {
            "trigger": {
                **TRIGGER,
                "customizable_input_parameters": [{"name": "a", "value": "b"}],
            }
        },
    ],
    [
        {},
        {"trigger": {}},
        {"trigger": {"url": "x"}},
        {"trigger": {**TRIGGER, "customizable_input_parameters": [{"name": "a"}]}},
        {"trigger": TRIGGER, "name": "x"},
        "x",
    ],
)
FEEDBACK_BUTTON = {"text": plain(), "value": "good"}
FEEDBACK = Values(
    [FEEDBACK_BUTTON, {**FEEDBACK_BUTTON, "accessibility_label": "x" * 75}],
    [
        {"text": plain()},
        {"value": "x"},
        {**FEEDBACK_BUTTON, "text": plain("x" * 76)},
        {**FEEDBACK_BUTTON, "value": "x" * 2001},
        {**FEEDBACK_BUTTON, "accessibility_label": "x" * 76},
        {**FEEDBACK_BUTTON, "style": "primary"},
    ],
)
ACTION = {"action_id": chars(255, 1)}
CONFIRMED = {**ACTION, "confirm": CONFIRMS}
FOCUS = {"focus_on_load": BOOL}
PLACEHOLDER = {"placeholder": plain_text(150)}
SELECT = {**CONFIRMED, **FOCUS, **PLACEHOLDER}
WRITTEN = {**ACTION, **FOCUS, **PLACEHOLDER, "dispatch_action_config": DISPATCH}
MULTI = {**SELECT, "max_selected_items": whole(1)}
NUMBER_TEXT = Values(["1", "-2.5"], ["x", 5, "1,5", "NaN", ""])
OTHER = {"text": plain("y"), "value": "2"}

ELEMENTS = {
    "button": Sample(
        {"text": plain()},
        {
            **CONFIRMED,
            "text": plain_text(75),
            "value": chars(2000),
            "url": URL,
            "style": STYLE,
            "accessibility_label": chars(75),
            "agent_prompt": chars(4000),
            "agent_prompt_display": chars(4000),
            "visible_to_user_ids": many("U0ANA", None, 0),
        },
        required=("text",),
    ),
    "workflow_button": Sample(
        {"text": plain(), "workflow": {"trigger": TRIGGER}, "action_id": "a"},
        {
            **CONFIRMED,
            "text": plain_text(75),
            "workflow": WORKFLOW,
            "style": STYLE,
            "accessibility_label": chars(75),
        },
        required=("text", "workflow", "action_id"),
    ),
    "overflow": Sample(
        {"options": [OPTION]},
        {**CONFIRMED, "options": options(LINK_OPTION, 5)},
        required=("options",),
    ),
    "static_select": Sample(
        {"options": [OPTION]},
        {
            **SELECT,
            "options": options(PLAIN_OPTION, 100),
            "option_groups": Values([], GROUPS.wrong),
            "initial_option": Values([OPTION], [OTHER, "1", {**OPTION, "value": "2"}]),
        },
        either=("options", "option_groups"),
        wrong=[{"options": [OPTION], "option_groups": [GROUP]}],
    ),
    "multi_static_select": Sample(
        {"options": [OPTION]},
        {
            **MULTI,
            "options": options(PLAIN_OPTION, 100),
            "option_groups": Values([], GROUPS.wrong),
            "initial_options": Values([[OPTION]], [[OTHER], [], OPTION]),
        },
        either=("options", "option_groups"),
        wrong=[{"options": [OPTION], "option_groups": [GROUP]}],
    ),
    "external_select": Sample(
        {},
        {**SELECT, "initial_option": PLAIN_OPTION, "min_query_length": whole(0)},
    ),
    "multi_external_select": Sample(
        {},
        {
            **MULTI,
            "initial_options": options(PLAIN_OPTION, 100),
            "min_query_length": whole(0),
        },
    ),
    "users_select": Sample({}, {**SELECT, "initial_user": ID}),
    "multi_users_select": Sample({}, {**MULTI, "initial_users": many("U0ANA", None)}),
    "conversations_select": Sample(
        {},
        {
            **SELECT,
            "initial_conversation": ID,
            "default_to_current_conversation": BOOL,
            "filter": FILTER,
            "response_url_enabled": BOOL,
        },
    ),
    "multi_conversations_select": Sample(
        {},
        {
            **MULTI,
            "initial_conversations": many("C0OPS", None),
            "default_to_current_conversation": BOOL,
            "filter": FILTER,
        },
        wrong=[{"response_url_enabled": True}],
    ),
    "channels_select": Sample({}, {**SELECT, "initial_channel": ID, "response_url_enabled": BOOL}),
    "multi_channels_select": Sample({}, {**MULTI, "initial_channels": many("C0OPS", None)}),
    "radio_buttons": Sample(
        {"options": [OPTION]},
        {
            **CONFIRMED,
            **FOCUS,
            "options": options(MARKED_OPTION, 10),
            "initial_option": Values([OPTION], [OTHER, "1"]),
        },
        required=("options",),
    ),
    "checkboxes": Sample(
        {"options": [OPTION]},
        {
            **CONFIRMED,
            **FOCUS,
            "options": options(MARKED_OPTION, 10),
            "initial_options": Values([[OPTION]], [[OTHER], [], OPTION]),
        },
        required=("options",),
    ),
    "plain_text_input": Sample(
        {},
        {
            **WRITTEN,
            "initial_value": chars(3000),
            "multiline": BOOL,
            "min_length": whole(0, 3000),
            "max_length": whole(1, 3000),
        },
        wrong=[{"min_length": 5, "max_length": 4}],
    ),
    "rich_text_input": Sample(
        {},
        {
            **WRITTEN,
            "initial_value": RICH_TEXT,
            "min_lines": whole(1, 100),
            "max_lines": whole(1, 100),
        },
        wrong=[{"min_lines": 5, "max_lines": 4}],
    ),
    "email_text_input": Sample({}, {**WRITTEN, "initial_value": chars(3000)}),
    "url_text_input": Sample({}, {**WRITTEN, "initial_value": chars(3000)}),
    "number_input": Sample(
        {"is_decimal_allowed": True},
        {
            **WRITTEN,
            "is_decimal_allowed": BOOL,
            "initial_value": NUMBER_TEXT,
            "min_value": NUMBER_TEXT,
            "max_value": NUMBER_TEXT,
        },
        required=("is_decimal_allowed",),
        wrong=[
            {"is_decimal_allowed": True, "min_value": "2", "max_value": "1"},
            {"is_decimal_allowed": False, "initial_value": "1.5"},
        ],
    ),
    "file_input": Sample(
        {},
        {
            **ACTION,
            "filetypes": many("pdf", None),
            "max_files": whole(1, 10),
        },
    ),
    "datepicker": Sample(
        {},
        {
            **SELECT,
            "initial_date": Values(["2026-11-27"], ["2026-02-30", "27.11.2026", "20261127", 5]),
        },
    ),
    "timepicker": Sample(
        {},
        {
            **SELECT,
            "initial_time": Values(["00:00", "23:59"], ["24:00", "9:00", "09:60", 5]),
            "timezone": Values(["Europe/London"], ["", 5, "x" * 51]),
        },
    ),
    "datetimepicker": Sample(
        {},
        {
            **CONFIRMED,
            **FOCUS,
            "initial_date_time": Values([1628633820], ["1628633820", 162863382, 16286338200]),
        },
        wrong=[{"placeholder": plain()}],
    ),
    "image": Sample(
        {"image_url": "https://e.co/a.png", "alt_text": "x"},
        {
            "image_url": WEB,
            "alt_text": chars(2000),
            "slack_file": Values([], SLACK_FILE.wrong),
        },
        required=("alt_text",),
        either=("image_url", "slack_file"),
        wrong=[{"image_url": "https://e.co/a.png", "alt_text": "x", "slack_file": {"id": "F0"}}],
    ),
    "plain_text": Sample(
        {"text": "x"}, {"text": chars(3000, 1), "emoji": BOOL}, required=("text",)
    ),
    "mrkdwn": Sample({"text": "x"}, {"text": chars(3000, 1), "verbatim": BOOL}, required=("text",)),
    "feedback_buttons": Sample(
        {"positive_button": FEEDBACK_BUTTON, "negative_button": FEEDBACK_BUTTON},
        {**ACTION, "positive_button": FEEDBACK, "negative_button": FEEDBACK},
        required=("positive_button", "negative_button"),
    ),
    "icon_button": Sample(
        {"icon": "trash", "text": plain()},
        {
            **CONFIRMED,
            "icon": chars(40, 1),
            "text": plain_text(75),
            "value": chars(2000),
            "accessibility_label": chars(75),
            "visible_to_user_ids": many("U0ANA", 10, 0),
        },
        required=("icon", "text"),
    ),
    "url": Sample(
        {"url": "https://e.co", "text": "x"},
        {"url": URL, "text": chars(2000, 1)},
        required=("url", "text"),
    ),
}
STYLES = Values(
    [
        {"bold": True, "italic": True, "strike": False, "code": True, "underline": True},
        {"highlight": True, "client_highlight": True, "unlink": True},
    ],
    [{"bold": "yes"}, {"large": True}, "bold"],
)
STYLED = {"style": STYLES}
WORDS = Values(["x", ""], [5, None])


def mention(name, **more):
    return Sample({name: "U0ANA"}, {**STYLED, name: ID, **more}, required=(name,))


DETAILS = {"citation_type": "web", "title": "x"}
INLINE = {
    "text": Sample({"text": "x"}, {**STYLED, "text": Values(["x"], ["", 5])}, required=("text",)),
    "link": Sample(
        {"url": "https://e.co"},
        {**STYLED, "url": Values(["https://e.co"], ["", "x", 5]), "text": WORDS, "unsafe": BOOL},
        required=("url",),
    ),
    "emoji": Sample(
        {"name": "wave"},
        {
            **STYLED,
            "name": Values(["wave"], ["", 5]),
            "unicode": Values(["1f44b"], [5]),
            "url": URL,
            "skin_tone": whole(1, 6),
        },
        required=("name",),
    ),
    "user": mention("user_id"),
    "usergroup": mention("usergroup_id"),
    "channel": mention("channel_id"),
    "team": mention("team_id"),
    "broadcast": Sample(
        {"range": "here"},
        {**STYLED, "range": one_of("here", "channel", "everyone")},
        required=("range",),
    ),
    "color": Sample(
        {"value": "#ff0000"}, {**STYLED, "value": Values(["#ff0000"], ["", 5])}, ("value",)
    ),
    "date": Sample(
        {"timestamp": 1720710212, "format": "{date_long}"},
        {
            **STYLED,
            "timestamp": Values([0, 1720710212], ["1720710212", -1]),
            "format": Values(["{ago}"], ["", 5]),
            "url": URL,
            "fallback": WORDS,
        },
        required=("timestamp", "format"),
    ),
    "file": mention("file_id", text=WORDS, url=URL, is_skill_invocation=BOOL),
    "canvas": mention(
        "file_id",
        label=WORDS,
        hide_title=BOOL,
        section_id=ID,
        text=WORDS,
        url=URL,
        is_skill_invocation=BOOL,
    ),
    "canvas_user_mention": mention("user_id", thread_id=ID),
    "canvas_message_unfurl": Sample(
        {"root_message_ts": "1.2", "root_message_channel": "C0OPS"},
        {**STYLED, "root_message_ts": ID, "root_message_channel": ID},
        required=("root_message_ts", "root_message_channel"),
    ),
    "citation": Sample(
        {"url": "https://e.co", "text": "x", "index": 1, "details": DETAILS},
        {
            **STYLED,
            "url": URL,
            "text": WORDS,
            "index": Values([0, 1], ["1", None]),
            "details": Values(
                [{"citation_type": "file", "file_id": "F0"}, DETAILS],
                [{}, {"citation_type": "rumour"}, {**DETAILS, "secret": "x"}, "x"],
            ),
            "from_llm": BOOL,
            "is_slack_url": BOOL,
        },
        required=("url", "text", "index", "details"),
    ),
    "list_record": mention("file_id", record_id=ID, view_id=ID, text=WORDS, url=URL),
    "message_mention": Sample(
        {"channel_id": "C0OPS", "message_ts": "1.2"},
        {
            **STYLED,
            "channel_id": ID,
            "message_ts": ID,
            "author_id": ID,
            "thread_ts": ID,
            "text": WORDS,
            "url": URL,
        },
        required=("channel_id", "message_ts"),
    ),
    "attachment_mention": Sample(
        {"url": "https://e.co"},
        {
            **STYLED,
            "url": URL,
            "text": WORDS,
            "app_id": ID,
            "entity_id": WORDS,
            "icon_url": URL,
            "channel_id": ID,
            "ts": ID,
            "full_size_preview_enabled": BOOL,
            "icon_name": WORDS,
            "reference_object_type": WORDS,
            "product_name": WORDS,
        },
        required=("url",),
    ),
    "work_object_mention": Sample(
        {"entity_id": "E0", "app_id": "A0", "text": "x", "url": "https://e.co"},
        {
            **STYLED,
            "entity_id": Values(["E0"], ["", 5]),
            "app_id": ID,
            "text": WORDS,
            "url": URL,
            "icon_url": URL,
            "full_size_preview_enabled": BOOL,
            "product_name": WORDS,
        },
        required=("entity_id", "app_id", "text", "url"),
    ),
    "workflow_mention": Sample(
        {"workflow_id": "Wf0", "function_trigger_id": "Ft0", "text": "x"},
        {
            **STYLED,
            "workflow_id": ID,
            "function_trigger_id": ID,
            "text": WORDS,
            "url": URL,
            "channel_id": ID,
            "ts": ID,
        },
        required=("workflow_id", "function_trigger_id", "text"),
    ),
    "tag": Sample(
        {"text": "In progress"},
        {
            **STYLED,
            "text": Values(["x"], ["", 5]),
            "color": one_of(
                "gray",
                "brown",
                "purple",
                "indigo",
                "blue",
                "green",
                "yellow",
                "orange",
                "red",
            ),
        },
        required=("text",),
    ),
    "salesforce_data_field": Sample(
        {"salesforce_record_id": "001ABC456DEF789"},
        {
            **STYLED,
            "salesforce_record_id": ID,
            "salesforce_field_label": WORDS,
            "salesforce_field_api_name": WORDS,
            "salesforce_include_field_label": BOOL,
        },
        required=("salesforce_record_id",),
    ),
}
LINE = [{"type": "text", "text": "x"}]
LINES = Values([LINE, []], ["x", [5], [plain()], [{"type": "text"}]])
BORDER = Values([0, 1], [2, True, "1"])
CONTAINERS = {
    "rich_text_section": Sample({"elements": LINE}, {"elements": LINES}, ("elements",)),
    "rich_text_list": Sample(
        {"style": "bullet", "elements": [SECTION]},
        {
            "style": one_of("bullet", "ordered"),
            "elements": Values([[SECTION] * 3], [LINE, "x"]),
            "indent": whole(0, 8),
            "offset": whole(0),
            "border": BORDER,
        },
        required=("style", "elements"),
    ),
    "rich_text_quote": Sample(
        {"elements": LINE}, {"elements": LINES, "border": BORDER}, ("elements",)
    ),
    "rich_text_preformatted": Sample(
        {"elements": LINE},
        {
            "elements": Values(
                [LINE, [{"type": "link", "url": "https://e.co"}]],
                [[{"type": "user", "user_id": "U0ANA"}], "x"],
            ),
            "border": BORDER,
            "language": Values(["python"], [5]),
        },
        required=("elements",),
    ),
}
CELL = {"type": "raw_text", "text": "x"}
NUMBER_CELL = {"type": "raw_number", "value": 1.5, "text": "1.50"}
BAD_CELLS = [
    [[{"type": "raw_text", "text": ""}]] * 2,
    [[{"type": "raw_text"}]] * 2,
    [[{"type": "raw_number", "text": "x"}]] * 2,
    [[{"type": "raw_number", "value": "1"}]] * 2,
    [[plain()]] * 2,
    [[CELL], [CELL, CELL]],
    [[CELL] * 21] * 2,
    "x",
    [],
    [[], []],
]
POINTS = [{"label": "a", "value": 1}, {"label": "b", "value": -2.5}]
SERIES = {"name": "s", "data": POINTS}
AXES = {"categories": ["a", "b"], "x_label": "x" * 50, "y_label": "x" * 50}


def drawn(**more):
    return {"type": "bar", "series": [SERIES], "axis_config": AXES, **more}


def pie(*segments):
    return {"type": "pie", "segments": list(segments)}


SEGMENT = {"label": "x" * 20, "value": 1}
CHART = Values(
    [
        pie(SEGMENT),
        pie(*[SEGMENT] * 12),
        drawn(),
        drawn(type="area"),
        drawn(type="line", series=[{**SERIES, "name": str(n)} for n in range(12)]),
    ],
    [
        pie(),
        pie(*[SEGMENT] * 13),
        pie({"label": "x" * 21, "value": 1}),
        pie({"label": "x", "value": 0}),
        {"type": "bar", "segments": [SEGMENT]},
        {"type": "doughnut"},
        drawn(series=[]),
        drawn(series=[SERIES, SERIES]),
        drawn(series=[{**SERIES, "name": "x" * 21}]),
        drawn(series=[{"name": "s", "data": POINTS[:1]}]),
        drawn(axis_config={"categories": []}),
        drawn(axis_config={**AXES, "x_label": "x" * 51}),
        "x",
    ],
)
TASK = {"type": "task_card", "task_id": "t", "title": "x"}
CARD = {"type": "card", "title": mrkdwn()}
BLOCK = {"block_id": chars(255)}
BLOCKS = {
    "section": Sample(
        {"text": plain()},
        {
            **BLOCK,
            "text": any_text(3000),
            "fields": Values(
                [[mrkdwn("x" * 2000)] * 10],
                [[], [plain()] * 11, [mrkdwn("x" * 2001)], "x"],
            ),
            "accessory": Values(
                [BUTTON, IMAGE, {"type": "overflow", "options": [OPTION]}],
                [{"type": "plain_text_input"}, plain(), "x", {"type": "rich_text_input"}],
            ),
            "expand": BOOL,
        },
        either=("text", "fields"),
    ),
    "header": Sample({"text": plain()}, {**BLOCK, "text": plain_text(150)}, ("text",)),
    "divider": Sample({}, BLOCK),
    "actions": Sample(
        {"elements": [BUTTON]},
        {
            **BLOCK,
            "elements": Values(
                [[BUTTON] * 25, [{"type": "rich_text_input"}], [{"type": "datetimepicker"}]],
                [[BUTTON] * 26, [], [IMAGE], [{"type": "number_input"}], BUTTON],
            ),
        },
        required=("elements",),
    ),
    "context": Sample(
        {"elements": [mrkdwn()]},
        {
            **BLOCK,
            "elements": Values(
                [[mrkdwn(), plain(), IMAGE], [plain()] * 10],
                [[], [plain()] * 11, [BUTTON], "x"],
            ),
        },
        required=("elements",),
    ),
    "context_actions": Sample(
        {"elements": [{"type": "icon_button", "icon": "trash", "text": plain()}]},
        {
            **BLOCK,
            "elements": Values(
                [[{"type": "icon_button", "icon": "trash", "text": plain()}] * 5],
                [
                    [],
                    [{"type": "icon_button", "icon": "trash", "text": plain()}] * 6,
                    [BUTTON],
                ],
            ),
        },
        required=("elements",),
    ),
    "image": Sample(
        {"image_url": "https://e.co/a.png", "alt_text": "x"},
        {
            **BLOCK,
            "image_url": WEB,
            "alt_text": chars(2000),
            "slack_file": Values([], SLACK_FILE.wrong),
            "title": plain_text(2000),
        },
        required=("alt_text",),
        either=("image_url", "slack_file"),
        wrong=[{"image_url": "https://e.co/a.png", "alt_text": "x", "slack_file": {"id": "F0"}}],
    ),
    "input": Sample(
        {"label": plain(), "element": {"type": "plain_text_input"}},
        {
            **BLOCK,
            "label": plain_text(2000),
            "element": Values(
                [{"type": "file_input"}, {"type": "email_text_input"}, {"type": "users_select"}],
                [BUTTON, IMAGE, {"type": "overflow", "options": [OPTION]}, "x"],
            ),
            "hint": plain_text(2000),
            "optional": BOOL,
            "dispatch_action": BOOL,
        },
        required=("label", "element"),
    ),
    "markdown": Sample({"text": "x"}, {**BLOCK, "text": chars(12000, 1)}, ("text",)),
    "rich_text": Sample(
        {"elements": [SECTION]},
        {**BLOCK, "elements": Values([[SECTION] * 3, []], [LINE, "x", [5]])},
        required=("elements",),
    ),
    "table": Sample(
        {"rows": [[CELL]]},
        {
            **BLOCK,
            "rows": Values(
                [[[CELL, NUMBER_CELL, RICH]], [[CELL] * 20] * 100], [*BAD_CELLS, [[CELL]] * 101]
            ),
            "column_settings": Values(
                [[{"align": "right", "is_wrapped": True}, None, {}]],
                [[{"align": "top"}], [{"is_wrapped": 1}], [{"width": 5}], [{}] * 21, "x"],
            ),
        },
        required=("rows",),
    ),
    "data_table": Sample(
        {"caption": "x", "rows": [[CELL], [CELL]]},
        {
            **BLOCK,
            "caption": Values(["x"], ["", 5]),
            "rows": Values(
                [[[CELL, CELL], [NUMBER_CELL, RICH]], [[CELL] * 20] * 201],
                [
                    *BAD_CELLS,
                    [[CELL]],
                    [[CELL]] * 202,
                    [[RICH], [CELL]],
                    [[{"type": "raw_text", "text": "x" * 9000}]] * 3,
                ],
            ),
            "page_size": whole(1, 100),
            "row_header_column_index": whole(0, 19),
        },
        required=("caption", "rows"),
    ),
    "data_visualization": Sample(
        {"title": "x", "chart": pie(SEGMENT)},
        {**BLOCK, "title": chars(50, 1), "chart": CHART},
        required=("title", "chart"),
    ),
    "alert": Sample(
        {"text": mrkdwn()},
        {
            **BLOCK,
            "text": any_text(200),
            "level": one_of("default", "info", "warning", "error", "success"),
        },
        required=("text",),
    ),
    "container": Sample(
        {"title": plain(), "child_blocks": [{"type": "divider"}]},
        {
            **BLOCK,
            "title": plain_text(150),
            "rich_text_title": RICH_TEXT,
            "subtitle": any_text(150),
            "icon": AN_IMAGE,
            "child_blocks": Values(
                [[{"type": "table", "rows": [[CELL]]}], [{"type": "divider"}] * 10],
                [
                    [],
                    [{"type": "divider"}] * 11,
                    [{"type": "markdown", "text": "x"}],
                    [{"type": "section"}],
                    "x",
                ],
            ),
            "is_collapsible": BOOL,
            "default_collapsed": BOOL,
            "width": one_of("narrow", "standard", "wide", "full"),
            "has_header_divider": BOOL,
        },
        required=("child_blocks",),
        either=("title", "rich_text_title"),
        wrong=[
            {
                "title": plain(),
                "child_blocks": [{"type": "divider"}],
                "is_collapsible": True,
                "has_header_divider": True,
            }
        ],
    ),
    "card": Sample(
        {"title": mrkdwn()},
        {
            **BLOCK,
            "title": any_text(150),
            "subtitle": any_text(150),
            "body": any_text(200),
            "subtext": any_text(200),
            "actions": Values([[BUTTON] * 3], [[BUTTON] * 4, [], [IMAGE]]),
            "hero_image": AN_IMAGE,
            "icon": AN_IMAGE,
            "slack_icon": Values(
                [{"type": "icon", "name": "rocket"}],
                [{"type": "icon", "name": "unicorn"}, {"name": "rocket"}, "rocket"],
            ),
        },
        wrong=[
            {"subtitle": mrkdwn()},
            {"title": mrkdwn(), "icon": IMAGE, "slack_icon": {"type": "icon", "name": "bot"}},
        ],
    ),
    "carousel": Sample(
        {"elements": [CARD]},
        {
            **BLOCK,
            "elements": Values([[CARD] * 10], [[], [CARD] * 11, [BUTTON], [{"type": "card"}]]),
        },
        required=("elements",),
    ),
    "task_card": Sample(
        {"task_id": "t", "title": "x"},
        {
            **BLOCK,
            "task_id": chars(255, 1),
            "title": chars(500, 1),
            "status": Values(["in_progress", "complete", "error"], ["pending", "other", 7]),
            "details": RICH_TEXT,
            "output": RICH_TEXT,
            "sources": Values(
                [[{"type": "url", "url": "https://e.co", "text": "x"}], []],
                [[{"type": "url", "url": "https://e.co"}], ["https://e.co"], "x"],
            ),
        },
        required=("task_id", "title"),
    ),
    "plan": Sample(
        {"title": "x"},
        {
            **BLOCK,
            "title": chars(500, 1),
            "tasks": Values(
                [
                    [{**TASK, "status": "pending"}],
                    [{**TASK, "task_id": str(number)} for number in range(50)],
                ],
                [
                    [TASK, TASK],
                    [{**TASK, "task_id": str(number)} for number in range(51)],
                    [{"type": "task_card"}],
                    [CARD],
                ],
            ),
        },
        required=("title",),
    ),
    "video": Sample(
        {
            "title": plain(),
            "video_url": "https://e.co/v",
            "thumbnail_url": "https://e.co/t.png",
            "alt_text": "x",
        },
        {
            **BLOCK,
            "title": plain_text(199),
            "title_url": HTTPS,
            "video_url": HTTPS,
            "thumbnail_url": WEB,
            "alt_text": chars(2000),
            "author_name": chars(49),
            "description": plain_text(200),
            "provider_name": chars(50),
            "provider_icon_url": WEB,
        },
        required=("title", "video_url", "thumbnail_url", "alt_text"),
    ),
    "file": Sample(
        {"external_id": "x", "source": "remote"},
        {**BLOCK, "external_id": chars(255, 1), "source": one_of("remote")},
        required=("external_id", "source"),
    ),
    "auth_provider": Sample(
        {"value": "x", "name": plain(), "is_connected": False},
        {
            **BLOCK,
            "value": chars(150, 1),
            "name": plain_text(75),
            "is_connected": BOOL,
            "description": any_text(150),
            "icon_url": URL,
            "auth_url": URL,
            "disconnect_url": URL,
            "connected_identity": any_text(75),
            "connected_context": any_text(75),
            "accessory": Values([{"type": "overflow", "options": [OPTION]}], [BUTTON, "x"]),
            "fallback": any_text(3000),
        },
        required=("value", "name", "is_connected"),
    ),
    "call": Sample(
        {"call_id": "R0"},
        {
            **BLOCK,
            "call_id": chars(255, 1),
            "api_decoration_available": BOOL,
            # Slack writes it; an app sends the id alone.
            "call": Values([{"v1": {"id": "R0"}}], []),
        },
        required=("call_id",),
    ),
}
#: Where each block may stand.
SURFACES = {
    "alert": ("modal",),
    "call": ("message",),
    "carousel": ("message", "home"),
    "container": ("message", "home"),
    "context_actions": ("message",),
    "data_table": ("message", "home"),
    "data_visualization": ("message", "home"),
    "file": ("message",),
    "markdown": ("message",),
    "plan": ("message",),
    "table": ("message", "home"),
    "task_card": ("message",),
}
EVERYWHERE = ("message", "modal", "home")
MODAL = Sample(
    {"title": plain(), "blocks": []},
    {
        "title": plain_text(24),
        "submit": plain_text(24),
        "close": plain_text(24),
        "blocks": Values([[{"type": "divider"}] * 100], [[{"type": "divider"}] * 101, "x", None]),
        "private_metadata": chars(3000),
        "callback_id": chars(255),
        "external_id": chars(255),
        "clear_on_close": BOOL,
        "notify_on_close": BOOL,
        "submit_disabled": BOOL,
    },
    required=("title", "blocks"),
)
HOME = Sample(
    {"blocks": []},
    {
        "blocks": MODAL.properties["blocks"],
        "private_metadata": chars(3000),
        "callback_id": chars(255),
        "external_id": chars(255),
    },
    required=("blocks",),
    wrong=[{"blocks": [], "title": plain()}, {"blocks": [], "notify_on_close": True}],
)
