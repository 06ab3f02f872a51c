"""The shape of what Slack sends, checked before anything looks into it.

Only the fields that somebody reads are checked, and only their types: Slack adds fields as it
likes, and leaves out what does not apply.
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


class PayloadPart(BaseModel):
    """A part of a payload; fields not named here are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)


class SlackObject(PayloadPart):
    """A user, team, channel or enterprise."""

    id: Id
    team_id: Id | None = None


class SelectedOption(PayloadPart):
    """An option of a menu or of radio buttons."""

    value: Text


class BlockAction(PayloadPart):
    """A press on a button, or a choice in a menu."""

    action_id: Id
    block_id: Text | None = None
    type: Text | None = None
    value: Text | None = None
    selected_option: SelectedOption | None = None


class InputValue(PayloadPart):
    """The value of one input of a view."""

    value: Text | None = None
    selected_option: SelectedOption | None = None
    selected_user: Text | None = None
    selected_date: Text | None = None
    selected_date_time: int | None = None


class ViewState(PayloadPart):
    """The values of a view's inputs, by block id and action id."""

    values: dict[Text, dict[Text, InputValue]] = {}


class SlackView(PayloadPart):
    """A modal or an App Home."""

    id: Id
    type: Id | None = None
    callback_id: Text | None = None
    private_metadata: Text | None = None
    hash: Text | None = None
    team_id: Id | None = None
    app_installed_team_id: Id | None = None
    state: ViewState | None = None


class SubmittedView(SlackView):
    """A modal that was submitted."""

    type: Id
    callback_id: Text
    private_metadata: Text
    state: ViewState


class ActionContainer(PayloadPart):
    """The message or view in which a button stands."""

    type: Text | None = None
    channel_id: Id | None = None


class ShortcutMessage(PayloadPart):
    """The message on which a shortcut was used."""

    ts: Id
    text: Text | None = None


class Authorization(PayloadPart):
    """The installation that an event is for."""

    team_id: Id | None = None
    enterprise_id: Id | None = None
    user_id: Id | None = None
    is_enterprise_install: bool | None = None


class ReactionItem(PayloadPart):
    """The message or file to which somebody reacted."""

    type: Text | None = None
    channel: Id | None = None
    ts: Id | None = None


class SlackEvent(PayloadPart):
    """An event of the Events API."""

    type: Id
    user: Id | SlackObject | None = None
    channel: Id | SlackObject | None = None
    ts: Id | None = None
    thread_ts: Id | None = None
    text: Text | None = None
    tab: Text | None = None
    team: Id | None = None
    user_team: Id | None = None
    channel_type: Text | None = None
    subtype: Text | None = None
    bot_id: Text | None = None
    reaction: Text | None = None
    item: ReactionItem | None = None
    event_ts: Id | None = None

    @model_validator(mode="after")
    def _check_author_and_place(self) -> "SlackEvent":
        """Require the fields of a message, a reaction or a visit."""
        is_by_person = self._is_message or self.type in {"app_home_opened", "reaction_added"}
        if is_by_person and not isinstance(self.user, str):
            raise ValueError("the event names no user")
        if self._is_message and not (isinstance(self.channel, str) and self.ts):
            raise ValueError("the message has no channel or no time")
        return self

    @property
    def _is_message(self) -> bool:
        """Tell whether this is a message of a person to us."""
        if self.type == "app_mention":
            return True
        is_spoken = not self.subtype and not self.bot_id
        # In a channel Slack also tells of messages that nobody has written.
        is_by_somebody = self.channel_type == "im" or self.user is not None
        return self.type == "message" and is_spoken and is_by_somebody


class Installation(PayloadPart):
    """The fields from which Bolt tells the workspace."""

    team: Id | SlackObject | None = None
    team_id: Id | None = None
    enterprise: Id | SlackObject | None = None
    enterprise_id: Id | None = None
    is_enterprise_install: bool | Text | None = None
    is_ext_shared_channel: bool | None = None
    authorizations: list[Authorization] | None = None


class SlackPayload(Installation):
    """The fields that Bolt itself reads of any payload."""

    type: Id | None = None
    user: Id | SlackObject | None = None
    channel: Id | SlackObject | None = None
    trigger_id: Text | None = None
    callback_id: Text | None = None
    response_url: Text | None = None
    view: SlackView | None = None
    message: dict[str, Any] | None = None
    event: dict[str, Any] | None = None


class InteractionPayload(SlackPayload):
    """An action of a person in a message or a view."""

    user: SlackObject
    channel: SlackObject | None = None

    @model_validator(mode="after")
    def _check_team(self) -> "InteractionPayload":
        """Require the user's own team or that of the payload."""
        if self.user.team_id is None and not isinstance(self.team, SlackObject):
            raise ValueError("the payload names no team of the user")
        return self


class BlockActionsPayload(InteractionPayload):
    """A press on a button, or a choice in a menu."""

    trigger_id: Text
    actions: list[BlockAction] = Field(min_length=1)
    container: ActionContainer | None = None


class ViewSubmissionPayload(InteractionPayload):
    """A modal that was submitted."""

    view: SubmittedView


class ShortcutPayload(InteractionPayload):
    """A global shortcut."""

    callback_id: Text
    trigger_id: Text


class MessageShortcutPayload(ShortcutPayload):
    """A shortcut on a message."""

    channel: SlackObject
    message: ShortcutMessage  # type: ignore[assignment]


class SlashCommandPayload(SlackPayload):
    """A slash command."""

    command: Id
    team_id: Id
    user_id: Id
    trigger_id: Text = ""
    text: Text = ""
    channel_id: Text = ""


class EventPayload(SlackPayload):
    """The envelope of an event."""

    team_id: Id
    event: SlackEvent  # type: ignore[assignment]


PAYLOADS: dict[str, type[SlackPayload]] = {
    "block_actions": BlockActionsPayload,
    "view_submission": ViewSubmissionPayload,
    "shortcut": ShortcutPayload,
    "message_action": MessageShortcutPayload,
    "event_callback": EventPayload,
}


def is_slack_payload(payload: Any) -> bool:
    """Tell whether a payload has the shape that Slack sends."""
    if not isinstance(payload, Mapping):
        return False
    try:
        # Half a surrogate pair has no UTF-8: neither Slack nor a database could be told of it.
        json.dumps(payload, ensure_ascii=False).encode()
        _payload_class(payload).model_validate(payload)
    except (ValidationError, ValueError, RecursionError):
        return False
    return True


def _payload_class(payload: Mapping[str, Any]) -> type[SlackPayload]:
    # A slash command has no type.
    if "command" in payload:
        return SlashCommandPayload
    return PAYLOADS.get(str(payload.get("type")), SlackPayload)
