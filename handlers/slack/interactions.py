"""Presses and form submissions, read from Slack's payloads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.errors import BadRequest
from bot.cases.lifecycle import State
from bot.ports.press_store import PressState
from handlers.cards import ids
from handlers.cards.text import Json, JsonMapping

NO_CASE = "this button belongs to no case; use the buttons of the current card"
MAX_UNIX_TIME = 2**33
SLACK_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
# What ``handlers.cards.ids.token`` writes; earlier releases wrote the first two parts of it.
TOKEN = re.compile(
    r"(?P<case_id>EX-[0-9]{1,12}):(?P<revision>[0-9]{1,9})"
    r"(?P<rest>:(?P<checksum>[0-9a-f]{32}):(?P<state>[A-Z]{1,20})"
    r"(?::(?P<doubt>[0-9]{1,3}@[0-9]{1,16}))?)?"
)
MESSAGE_REFERENCE = re.compile(r"[CGD][A-Z0-9]{1,20} \d{1,12}\.\d{1,9}")
# The beginnings of the block ids of a card's buttons; the buttons of lists have others.
CARD_BLOCKS = ("case:", "kind:")
FORMS_WITHOUT_CASE = frozenset(
    {ids.RAISE_FORM, ids.DELEGATE_FORM, ids.GROUP_FORM, ids.PAUSE_FORM, ids.ANSWER_FORM}
)
MALFORMED_BUTTON = "the payload of this button is malformed"
MALFORMED_FORM = "the payload of this form is malformed"
VALUE_FIELDS = ("value", "selected_user", "selected_date", "selected_date_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPress:
    """A press on a button or a menu entry of a case.

    Only ``person`` is certain. The rest is a claim that the desk checks.
    """

    #: Team and user: "T1/U1".
    person: str
    user: str
    case_id: str
    #: What the button was drawn from; None for a button of an earlier release.
    snapshot: CardSnapshot | None
    #: The option that was selected in a menu; empty for a button.
    choice: str
    #: Where the button stands; empty for the App Home.
    channel: str
    message_ts: str
    #: The message shows one case; a row of a list is valid wherever it stands.
    is_on_card: bool
    trigger_id: str
    #: The case, its card and the desk's controls when the press came; None before they are read.
    state: PressState | None = None

    @classmethod
    def parse(cls, body: JsonMapping) -> "ButtonPress":
        """Read the payload ``block_actions``; raise ``BadRequest`` when it is none of ours."""
        try:
            action = body["actions"][0]
            value = action.get("value") or action["selected_option"]["value"]
            choice, _, token = value.rpartition(" ")
            case_id, snapshot = _parse_token(token)
            container = body.get("container") or {}
            return cls(
                person=person_id(body),
                user=body["user"]["id"],
                case_id=case_id,
                snapshot=snapshot,
                choice=choice,
                channel=_channel(body),
                message_ts=str(container.get("message_ts", "")),
                is_on_card=_is_on_card(container, action),
                trigger_id=body["trigger_id"],
            )
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadRequest(MALFORMED_BUTTON) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubmission:
    """A submitted modal.

    Only ``person`` is certain. The rest is a claim that the desk checks.
    """

    #: Team and user: "T1/U1".
    person: str
    user: str
    #: Empty for a form that is about no case.
    case_id: str
    #: What the form was opened on; None for a form of an earlier release.
    snapshot: CardSnapshot | None
    #: Values by action id.
    values: JsonMapping
    #: Block ids by action id.
    blocks: Mapping[str, str]
    view_id: str
    #: Channel and time of the message that is raised as an exception: "C1 1700000000.000100".
    message_reference: str = ""
    #: What else a form that is about no single case was opened on.
    metadata: str = ""

    @classmethod
    def parse(cls, body: JsonMapping) -> "FormSubmission":
        """Read the payload ``view_submission``; raise ``BadRequest`` when it is none of ours."""
        try:
            view = body["view"]
            metadata = str(view["private_metadata"])
            case_id = ""
            snapshot: CardSnapshot | None = None
            message_reference = ""
            if view.get("callback_id") not in FORMS_WITHOUT_CASE:
                # A preview has the fingerprint of what it shows behind the token.
                case_id, snapshot = _parse_token(metadata.partition(" ")[0])
            elif MESSAGE_REFERENCE.fullmatch(metadata):
                message_reference = metadata
            return cls(
                person=person_id(body),
                user=body["user"]["id"],
                case_id=case_id,
                snapshot=snapshot,
                values=form_values(view),
                blocks=_block_ids(view),
                view_id=str(view["id"]),
                message_reference=message_reference,
                metadata=metadata,
            )
        except (KeyError, TypeError, AttributeError):
            raise BadRequest(MALFORMED_FORM) from None

    def text(self, action_id: str) -> str:
        """Return the text of an input, stripped."""
        return str(self.values.get(action_id) or "").strip()

    def parameters(self) -> dict[str, str]:
        """Return the text of each parameter's input, by its name."""
        return {
            action_id.removeprefix(ids.PARAMETER): self.text(action_id)
            for action_id in self.values
            if action_id.startswith(ids.PARAMETER)
        }

    def principal(self, action_id: str, message: str) -> str:
        """Return the colleague who was selected; ``BadRequest`` with ``message`` for nobody."""
        user = self.text(action_id)
        if not SLACK_USER.fullmatch(user):
            raise BadRequest(message, field=_field_name(action_id))
        team = self.person.partition("/")[0]
        return f"{team}/{user}"

    def time(self, action_id: str, message: str) -> datetime:
        """Return the time that was selected; ``BadRequest`` with ``message`` for none."""
        seconds = self.values.get(action_id)
        if not isinstance(seconds, int):
            raise BadRequest(message, field=_field_name(action_id))
        return datetime.fromtimestamp(max(0, min(seconds, MAX_UNIX_TIME)), UTC)


def person_id(body: JsonMapping) -> str:
    """Return the principal of the person who acted.

    The team is their own, not that of the channel.
    """
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return f"{team}/{user['id']}"


def form_values(view: JsonMapping) -> Json:
    """Return the value of each input of a view, by action id."""
    values: Json = {}
    for inputs in view["state"]["values"].values():
        for action_id, state in inputs.items():
            values[action_id] = _input_value(state)
    return values


def selected_option(body: JsonMapping, default: str) -> str:
    """Return the option that was selected in a menu."""
    option = body["actions"][0].get("selected_option") or {}
    return str(option.get("value", default))


def _block_ids(view: JsonMapping) -> dict[str, str]:
    block_ids: dict[str, str] = {}
    for block_id, inputs in view["state"]["values"].items():
        for action_id in inputs:
            block_ids[action_id] = block_id
    return block_ids


def _input_value(state: JsonMapping) -> Any:
    option = state.get("selected_option")
    if option:
        return option["value"]
    for field in VALUE_FIELDS:
        if state.get(field) is not None:
            return state[field]
    return None


def _field_name(action_id: str) -> str:
    return action_id.rpartition(".")[2]


def _parse_token(token: str) -> tuple[str, CardSnapshot | None]:
    match = TOKEN.fullmatch(token)
    if match is None:
        raise BadRequest(NO_CASE)
    if match["rest"] is None:
        return match["case_id"], None
    try:
        state = State.of_code(match["state"])
    except KeyError:
        raise BadRequest(
            "this button belongs to no case; use the buttons of the current card"
        ) from None
    snapshot = CardSnapshot(
        revision=int(match["revision"]),
        state=state,
        checksum=match["checksum"],
        doubt=match["doubt"] or "",
    )
    return match["case_id"], snapshot


def _channel(body: JsonMapping) -> str:
    container = body.get("container") or {}
    if container.get("type") == "view":
        return ""
    channel = body.get("channel") or {}
    return str(channel.get("id") or body["container"]["channel_id"])


def _is_on_card(container: JsonMapping, action: JsonMapping) -> bool:
    if container.get("type") != "message" or container.get("is_ephemeral"):
        return False
    return str(action.get("block_id", "")).startswith(CARD_BLOCKS)
