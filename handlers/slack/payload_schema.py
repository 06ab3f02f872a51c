"""The shape of what Slack sends, checked once at the door: what is signed and still not Slack's is refused before anything looks into it.

Only what somebody reads is checked, and only for its type: Slack adds fields as it likes, and leaves out what does not apply.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

Id = Annotated[str, StringConstraints(max_length=300)]
Text = Annotated[str, StringConstraints(max_length=100_000)]


class Part(BaseModel):
    """A part of a payload: these fields, if they are there, are of these types."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Named(Part):
    id: Id
    team_id: Id | None = None


class Chosen(Part):
    value: Text


class Action(Part):
    action_id: Id
    block_id: Text | None = None
    type: Text | None = None
    value: Text | None = None
    selected_option: Chosen | None = None


class Entered(Part):
    value: Text | None = None
    selected_option: Chosen | None = None
    selected_user: Text | None = None
    selected_date: Text | None = None
    selected_date_time: int | None = None


class Entries(Part):
    values: dict[Text, dict[Text, Entered]] = {}


class View(Part):
    id: Id
    type: Id | None = None
    callback_id: Text | None = None
    private_metadata: Text | None = None
    hash: Text | None = None
    team_id: Id | None = None
    app_installed_team_id: Id | None = None
    state: Entries | None = None


class Container(Part):
    type: Text | None = None
    channel_id: Id | None = None


class Quoted(Part):
    ts: Id
    text: Text | None = None


class Authorization(Part):
    team_id: Id | None = None
    enterprise_id: Id | None = None
    user_id: Id | None = None
    is_enterprise_install: bool | None = None


class Event(Part):
    type: Id
    user: Id | Named | None = None
    channel: Id | Named | None = None
    ts: Id | None = None
    thread_ts: Id | None = None
    text: Text | None = None
    tab: Text | None = None
    team: Id | None = None
    user_team: Id | None = None
    channel_type: Text | None = None
    subtype: Text | None = None
    bot_id: Text | None = None

    @model_validator(mode="after")
    def _says_who(self) -> "Event":
        """Require of a person's own words and visits that they name the person, and where."""
        is_direct = self.channel_type == "im" and not self.subtype and not self.bot_id
        is_said = self.type == "app_mention" or (self.type == "message" and is_direct)
        if (is_said or self.type == "app_home_opened") and not isinstance(self.user, str):
            raise ValueError("nobody did this")
        if is_said and not (isinstance(self.channel, str) and self.ts):
            raise ValueError("it was said nowhere")
        return self


class Envelope(Part):
    """What Bolt itself reads of anything that Slack sends."""

    type: Id | None = None
    user: Id | Named | None = None
    team: Id | Named | None = None
    team_id: Id | None = None
    enterprise: Id | Named | None = None
    enterprise_id: Id | None = None
    is_enterprise_install: bool | Text | None = None
    is_ext_shared_channel: bool | None = None
    channel: Id | Named | None = None
    authorizations: list[Authorization] | None = None
    trigger_id: Text | None = None
    callback_id: Text | None = None
    response_url: Text | None = None
    view: View | None = None
    message: dict[str, Any] | None = None
    event: dict[str, Any] | None = None


class Interaction(Envelope):
    """Somebody did something: they have an id, and a team of their own or that of the payload."""

    user: Named
    channel: Named | None = None

    @model_validator(mode="after")
    def _has_a_team(self) -> "Interaction":
        if self.user.team_id is None and not isinstance(self.team, Named):
            raise ValueError("nobody's team is named")
        return self


class BlockActions(Interaction):
    trigger_id: Text
    actions: list[Action] = Field(min_length=1)
    container: Container | None = None


class ViewWithEntries(View):
    type: Id
    callback_id: Text
    private_metadata: Text
    state: Entries


class ViewSubmission(Interaction):
    view: ViewWithEntries


class Shortcut(Interaction):
    callback_id: Text
    trigger_id: Text


class MessageAction(Shortcut):
    channel: Named
    message: Quoted  # type: ignore[assignment]


class Command(Envelope):
    command: Id
    team_id: Id
    user_id: Id
    trigger_id: Text = ""
    text: Text = ""
    channel_id: Text = ""


class EventCallback(Envelope):
    team_id: Id
    event: Event  # type: ignore[assignment]


SHAPES: dict[str, type[Envelope]] = {
    "block_actions": BlockActions,
    "view_submission": ViewSubmission,
    "shortcut": Shortcut,
    "message_action": MessageAction,
    "event_callback": EventCallback,
}


def is_slacks(payload: Any) -> bool:
    """Tell whether this could be Slack's, so that whoever looks into it finds what they look for."""
    if not isinstance(payload, Mapping):
        return False
    shape = Command if "command" in payload else SHAPES.get(str(payload.get("type")), Envelope)
    try:
        # Half a surrogate pair has no UTF-8: neither Slack nor a database could be told of it.
        json.dumps(payload, ensure_ascii=False).encode()
        shape.model_validate(payload)
    except (ValidationError, ValueError, RecursionError):
        return False
    return True
