"""What Slack says when somebody presses or submits. The only place that looks into Slack's payloads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.cases.errors import BadRequest
from bot.cases.lifecycle import State
from bot.cases.seen import Seen
from handlers.cards import ids

LATEST_SECOND = 2**33
SLACK_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
WITHOUT_A_CASE = frozenset({ids.RAISE_FORM, ids.DELEGATE_FORM})
TOKEN = re.compile(
    r"(?P<case>EX-[0-9]{1,12}):(?P<revision>[0-9]{1,9})"
    r"(?P<seen>:(?P<checksum>[0-9a-f]{32}):(?P<state>[A-Z]{1,20})(?::(?P<doubt>[0-9]{1,3}@[0-9]{1,16}))?)?"
)
# What the blocks with the buttons of a card are called; those of lists have names of their own.
CARD_BLOCKS = ("case:", "kind:")
PLACE = re.compile(r"[CGD][A-Z0-9]{1,20} \d{1,12}\.\d{1,9}")


@dataclass(frozen=True, slots=True)
class Press:
    """A button or menu choice. Nothing in it is believed beyond who pressed, and what they say they saw.

    ``seen`` is None on a card of an earlier release, whose buttons did not say it.
    """

    person: str
    user: str
    case_id: str
    seen: Seen | None
    choice: str
    channel: str
    trigger_id: str

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Press":
        try:
            action = body["actions"][0]
            value = action.get("value") or action["selected_option"]["value"]
            choice, _, token = value.rpartition(" ")
            case_id, seen = _token(token)
            return cls(
                _principal(body),
                body["user"]["id"],
                case_id,
                seen,
                choice,
                _channel(body),
                body["trigger_id"],
            )
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadRequest("this button says nothing that can be understood") from None


@dataclass(frozen=True, slots=True)
class Pressed:
    """The message that a button stands in. ``is_card``: it shows one case; rows of a list are valid wherever they stand."""

    channel: str
    ts: str
    is_card: bool

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Pressed":
        container, actions = body.get("container") or {}, body.get("actions") or [{}]
        is_message = container.get("type") == "message" and not container.get("is_ephemeral")
        block_id = str(actions[0].get("block_id", ""))
        return cls(
            _channel(body),
            str(container.get("message_ts", "")),
            is_message and block_id.startswith(CARD_BLOCKS),
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal sent in. ``values`` by action id; ``private_metadata`` is as hostile as anything else."""

    person: str
    user: str
    case_id: str
    seen: Seen | None
    values: Mapping[str, Any]
    blocks: Mapping[str, str]
    view_id: str = ""
    place: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Submission":
        try:
            view, user = body["view"], body["user"]["id"]
            values = cls.values_of(view)
            blocks: dict[str, str] = {}
            for block_id, fields in view["state"]["values"].items():
                blocks |= dict.fromkeys(fields, block_id)
            told = str(view["private_metadata"])
            if view.get("callback_id") in WITHOUT_A_CASE:
                place = told if PLACE.fullmatch(told) else ""
                return cls(_principal(body), user, "", None, values, blocks, str(view["id"]), place)
            case_id, seen = _token(told)
            return cls(_principal(body), user, case_id, seen, values, blocks, str(view["id"]))
        except (KeyError, TypeError, AttributeError):
            raise BadRequest("this form says nothing that can be understood") from None

    @staticmethod
    def values_of(view: Mapping[str, Any]) -> dict[str, Any]:
        """What has been entered, by action id."""
        fields = view["state"]["values"].values()
        return {
            action_id: _entered(field) for entered in fields for action_id, field in entered.items()
        }

    def person_named(self, action_id: str, otherwise: str) -> str:
        """The principal of the colleague who was chosen; ``BadRequest`` with these words when that is none."""
        user = self.text(action_id)
        if not SLACK_USER.fullmatch(user):
            raise BadRequest(otherwise, field=action_id.rpartition(".")[2])
        return f"{self.person.partition('/')[0]}/{user}"

    def moment(self, action_id: str, otherwise: str) -> datetime:
        """The time that was chosen; ``BadRequest`` with these words when it is none."""
        seconds = self.values.get(action_id)
        if not isinstance(seconds, int):
            raise BadRequest(otherwise, field=action_id.rpartition(".")[2])
        return datetime.fromtimestamp(max(0, min(seconds, LATEST_SECOND)), UTC)

    def text(self, action_id: str) -> str:
        return str(self.values.get(action_id) or "").strip()


def _token(token: str) -> tuple[str, Seen | None]:
    """Read what ``handlers.cards.ids.token`` wrote, or the first two parts of it, as an earlier release did."""
    match = TOKEN.fullmatch(token)
    if match is None or (match["state"] and not State.has_code(match["state"])):
        raise BadRequest("this button belongs to no case")
    if match["seen"] is None:
        return match["case"], None
    seen = Seen(
        int(match["revision"]),
        State.of_code(match["state"]),
        match["checksum"],
        match["doubt"] or "",
    )
    return match["case"], seen


def _principal(body: Mapping[str, Any]) -> str:
    """Team and user of the person, from Slack: the team is theirs, not that of the channel."""
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return f"{team}/{user['id']}"


def person_of(body: Mapping[str, Any]) -> str:
    """Who pressed."""
    return _principal(body)


def _channel(body: Mapping[str, Any]) -> str:
    """Where the button stands; empty for the App Home."""
    if (body.get("container") or {}).get("type") == "view":
        return ""
    return str((body.get("channel") or {}).get("id") or body["container"]["channel_id"])


def _entered(field: Mapping[str, Any]) -> Any:
    option = field.get("selected_option")
    if option:
        return option["value"]
    for name in ("value", "selected_user", "selected_date", "selected_date_time"):
        if field.get(name) is not None:
            return field[name]
    return None
