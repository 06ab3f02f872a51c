"""The arguments of the control API, and sentences about wrong ones."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from bot.emulator.wire import ApiError, Json, strict_json

Serve = Callable[[Request], Awaitable[Response]]
#: Sets of arguments by the path under ``/_ctl/``.
Schemas = dict[str, TypeAdapter[Any]]

# What a person mistypes is said, and nothing is taken for something else.
_CLOSED = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
#: A person has more fields than the emulator looks at.
_OPEN = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
MAX_SECONDS = 4_000_000_000.0
Id = Annotated[str, Field(min_length=1, max_length=100)]
Seconds = Annotated[float, Field(ge=-MAX_SECONDS, le=MAX_SECONDS)]
_PERSON: dict[str, Any] = {"as": Id}
_PLACE: dict[str, Any] = {"channel": Id, "ts": Id}


def _schema(name: str, fields: dict[str, Any]) -> TypeAdapter[Any]:
    return TypeAdapter(with_config(_CLOSED)(TypedDict(name, fields)))  # type: ignore[operator]


@with_config(_OPEN)
class _User(TypedDict):
    id: Id
    name: Id
    real_name: NotRequired[str]
    profile: NotRequired[dict[str, Any]]
    is_bot: NotRequired[bool]
    is_restricted: NotRequired[bool]
    is_ultra_restricted: NotRequired[bool]
    is_stranger: NotRequired[bool]


@with_config(_OPEN)
class _UserChange(TypedDict):
    id: Id
    name: NotRequired[Id]
    real_name: NotRequired[str]
    profile: NotRequired[dict[str, Any]]


@with_config(_OPEN)
class _Group(TypedDict):
    id: Id
    handle: Id
    name: NotRequired[str]
    users: list[Id]


@with_config(_CLOSED)
class _Channel(TypedDict):
    id: Id
    name: Id
    members: list[Id]
    is_private: NotRequired[bool]
    is_shared: NotRequired[bool]


@with_config(_OPEN)
class _Team(TypedDict):
    id: NotRequired[Id]
    name: NotRequired[str]
    domain: NotRequired[Id]
    plan: NotRequired[Annotated[str, Field(pattern="^(paid|free)$")]]


@with_config(_CLOSED)
class _Stop(TypedDict):
    title: str
    at: Seconds


@with_config(_OPEN)
class _Command(TypedDict):
    command: Id


@with_config(_OPEN)
class _Shortcut(TypedDict):
    name: str
    type: Annotated[str, Field(pattern="^(global|message)$")]
    callback_id: Id


@with_config(_OPEN)
class _Features(TypedDict):
    slash_commands: NotRequired[list[_Command]]
    shortcuts: NotRequired[list[_Shortcut]]


@with_config(_OPEN)
class _Scopes(TypedDict):
    bot: NotRequired[list[str]]


@with_config(_OPEN)
class _OAuth(TypedDict):
    scopes: NotRequired[_Scopes]


@with_config(_OPEN)
class _Subscriptions(TypedDict):
    bot_events: NotRequired[list[str]]


@with_config(_OPEN)
class _AppSettings(TypedDict):
    event_subscriptions: NotRequired[_Subscriptions]


@with_config(_OPEN)
class AppDefinition(TypedDict):
    """The parts of a manifest that the emulator reads."""

    features: NotRequired[_Features]
    oauth_config: NotRequired[_OAuth]
    settings: NotRequired[_AppSettings]


_SEED: dict[str, Any] = {
    "team": NotRequired[_Team],
    "users": NotRequired[list[_User]],
    "groups": NotRequired[list[_Group]],
    "channels": NotRequired[list[_Channel]],
    "manifest": NotRequired[AppDefinition],
}
_USE: dict[str, Any] = {
    **_PERSON,
    "action_id": Id,
    "value": NotRequired[Any],
    "forged_action_id": NotRequired[str],
    "forged_value": NotRequired[str],
}
_IN_A_VIEW: dict[str, Any] = {
    "view_id": NotRequired[Id],
    "values": NotRequired[dict[str, Any]],
}
_SHOWN: dict[str, Any] = {
    "channel": NotRequired[Id],
    "ts": NotRequired[Id],
    "shown": NotRequired[dict[str, Any]],
}
SCHEMAS: Schemas = {
    "click": _schema("Click", {**_USE, **_IN_A_VIEW, **_SHOWN}),
    "change": _schema("Change", {**_USE, **_IN_A_VIEW}),
    "suggest": _schema(
        "Suggest",
        {**_PERSON, **_IN_A_VIEW, **_SHOWN, "action_id": Id, "value": NotRequired[str]},
    ),
    "message": _schema(
        "Message",
        {**_PERSON, "channel": Id, "text": str, "thread_ts": NotRequired[str | None]},
    ),
    "slash": _schema("Slash", {**_PERSON, "channel": Id, "command": Id, "text": NotRequired[str]}),
    "shortcut": _schema(
        "Shortcut",
        {**_PERSON, "callback_id": Id, "channel": NotRequired[Id], "ts": NotRequired[Id]},
    ),
    "home": _schema(
        "Home",
        {**_PERSON, "tab": NotRequired[Annotated[str, Field(pattern="^(home|messages)$")]]},
    ),
    "assistant": _schema(
        "Assistant",
        {**_PERSON, "context": NotRequired[dict[str, Any]], "thread_ts": NotRequired[Id]},
    ),
    "function": _schema(
        "Function",
        {**_PERSON, "callback_id": Id, "inputs": NotRequired[dict[str, Any]]},
    ),
    "find": _schema("Find", {"channel": Id}),
    "react": _schema("React", {**_PERSON, **_PLACE, "name": Id}),
    "submit": _schema(
        "Submit",
        {
            **_PERSON,
            "view_id": Id,
            "values": NotRequired[dict[str, Any]],
            "private_metadata": NotRequired[str],
        },
    ),
    "close": _schema("Close", {**_PERSON, "view_id": Id}),
    "clock": _schema("Clock", {"seconds": NotRequired[Seconds], "to": NotRequired[Seconds]}),
    "clock/stops": _schema("Stops", {"stops": list[_Stop]}),
    "seed": _schema("Seed", _SEED),
    "user": TypeAdapter(_UserChange),
    "group": _schema("GroupChange", {"id": Id, "users": list[Id]}),
    "channel": _schema(
        "ChannelChange",
        {
            "id": Id,
            "is_archived": NotRequired[bool],
            "is_shared": NotRequired[bool],
            "members": NotRequired[list[Id]],
        },
    ),
    "token": _schema("Token", {"revoked": bool}),
    "disconnect": _schema("Disconnect", {"abruptly": NotRequired[bool]}),
    "faults": TypeAdapter(dict[str, Any]),
}


#: What the control API says where the Web API has a code.
SENTENCES = {
    "user_not_found": "user_not_found: there is no person with this id; /_ctl/state lists them",
    "channel_not_found": "channel_not_found: there is no such channel; /_ctl/state lists them",
    "message_not_found": "message_not_found: there is no message with this ts in the channel;"
    " /_ctl/messages?channel=… lists them",
    "not_in_channel": "not_in_channel: this person is not in the channel",
    "no_such_command": "no_such_command: the app's manifest declares no such command",
    "no_such_shortcut": "no_such_shortcut: the app's manifest declares no such shortcut",
}


async def read_arguments(request: Request, name: str, *, or_none: bool = False) -> Json:
    """Return a call's arguments; ``or_none`` takes an empty body too.

    Raises:
        ApiError: they are wrong; its sentence says which and why.
    """
    body = await request.body()
    if or_none and not body:
        return {}
    try:
        arguments = strict_json(body)
    except ValueError:
        raise ApiError("the body must be JSON") from None
    return check_arguments(name, arguments)


def check_arguments(name: str, arguments: Any) -> Json:
    """Return these arguments if they fit the path, unchanged.

    Raises:
        ApiError: they do not; its sentence says which and why.
    """
    try:
        SCHEMAS[name].validate_python(arguments)
    except ValidationError as error:
        raise ApiError(explain(error)) from None
    fitting: Json = arguments
    return fitting


def explain(error: ValidationError) -> str:
    """Return one sentence about the first of the mistakes."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(map(str, first["loc"])) or "the body"
    match first["type"]:
        case "missing":
            return f"{path} is missing"
        case "extra_forbidden":
            return f"{path} is no argument here"
        case _:
            words = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"{path}: {words[0].lower()}{words[1:]}"


def with_sentences(serve: Serve) -> Serve:
    """Answer 400 with a sentence where a call is refused."""

    async def answer(request: Request) -> Response:
        try:
            return await serve(request)
        except ApiError as refusal:
            sentence = SENTENCES.get(refusal.error, refusal.error)
            return JSONResponse({"error": sentence, **refusal.details}, 400)

    return answer
