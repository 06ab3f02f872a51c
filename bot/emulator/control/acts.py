"""Acts of people on messages: press, write, react, use commands and shortcuts.

Each takes the JSON of its request. ``as`` is the id of the person who acts.
"""

from typing import Any

from bot.emulator.control.elements import action_payload, find_element
from bot.emulator.control.envelopes import VERIFICATION_TOKEN, Envelopes, answer_as_json
from bot.emulator.control.modals import Modals
from bot.emulator.payloads import home_payload
from bot.emulator.reactions import reaction_of, set_reacting_users
from bot.emulator.socket_mode import EnvelopeAnswer
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Channel, Workspace


class Acts:
    """Acts as the people of the workspace."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes, modals: Modals) -> None:
        self.workspace = workspace
        self.envelopes = envelopes
        self.modals = modals

    async def click(self, act: Json) -> Json:
        """Press a button or choose from a menu.

        The answer comes when the app has acknowledged.
        ``shown`` is the message in this person's window, when it is older than the workspace's.
        """
        if "channel" not in act:
            return await self.modals.use_element(act)
        user = self.workspace.user(act["as"])
        channel, message = self._shown_message(user, act)
        block, element = find_element(message.get("blocks"), act)
        action = {
            **action_payload(block, element, act),
            "action_ts": self.workspace.clock.next_ts(),
        }
        interaction = {
            "container": _container(channel, message),
            "trigger_id": self.workspace.views.new_trigger(user["id"]),
            "channel": _channel_stub(channel),
            "message": {key: value for key, value in message.items() if key != "metadata"},
            "state": {"values": {}},
            "response_url": self._response_url(channel, user, message["ts"]),
            "actions": [action],
        }
        answer = await self.envelopes.send_interaction("block_actions", user, interaction)
        # The page shows at once what the press has opened.
        views = self.workspace.views.stack(user["id"])
        return {
            **answer,
            "view": views[-1].id if views else None,
        }

    def _shown_message(self, user: Json, act: Json) -> tuple[Channel, Json]:
        """Return the message as this person sees it, and its channel."""
        channel = self._channel(act["channel"])
        message = self._find_message(channel, act.get("ts"))
        if user["id"] not in channel.members:
            raise ApiError("not_in_channel")
        return channel, {"ts": message["ts"], **(act.get("shown") or message)}

    def _find_message(self, channel: Channel, ts: Any) -> Json:
        if ts in channel.messages:
            return channel.messages[ts]
        for message in self.workspace.ephemerals:
            if message["ts"] == ts:
                return message
        raise ApiError("message_not_found")

    async def suggest(self, act: Json) -> Json:
        """Type into a menu of the app's own options, and return them.

        ``value`` is what is typed. The menu stands in a message, in a modal or in the home.
        """
        user = self.workspace.user(act["as"])
        container: Json
        if "channel" in act:
            channel, message = self._shown_message(user, act)
            block, element = find_element(message.get("blocks"), {**act, "value": None})
            container = {
                "container": _container(channel, message),
                "channel": _channel_stub(channel),
                "message": message,
            }
        else:
            view = self.modals.shown_view(user, act)
            block, element = find_element(view["blocks"], {**act, "value": None})
            container = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        interaction = {
            **container,
            "action_id": element["action_id"],
            "block_id": block.get("block_id", "b"),
            "value": act.get("value", ""),
        }
        return await self.envelopes.send_interaction("block_suggestion", user, interaction)

    async def find(self, act: Json) -> Json:
        """Return a channel by its id or its name."""
        name = act["channel"].removeprefix("#")
        for channel in self.workspace.channels.values():
            if name in {channel.id, channel.name}:
                return _channel_stub(channel)
        raise ApiError("channel_not_found")

    async def open_home(self, act: Json) -> Json:
        """Open a tab of the app: ``home`` or ``messages``."""
        user = self.workspace.user(act["as"])
        tab = act.get("tab", "home")
        ts = self.workspace.clock.next_ts()
        event = {
            "type": "app_home_opened",
            "user": user["id"],
            "channel": self.workspace.direct_channel(user["id"]).id,
            "tab": tab,
            "event_ts": ts,
            "ts": ts,
        }
        if tab == "home" and user["id"] in self.workspace.views.homes:
            event["view"] = home_payload(self.workspace, user["id"])
        return answer_as_json(await self.envelopes.send_event(event))

    async def shortcut(self, act: Json) -> Json:
        """Use a global shortcut, or that of a message."""
        user = self.workspace.user(act["as"])
        kind = "shortcut"
        if not self.workspace.app.permissions.has_shortcut(act["callback_id"]):
            raise ApiError("no_such_shortcut")
        interaction = {
            "callback_id": act["callback_id"],
            "trigger_id": self.workspace.views.new_trigger(user["id"]),
            "action_ts": self.workspace.clock.next_ts(),
        }
        if "ts" in act:
            kind = "message_action"
            channel = self._channel(act.get("channel"))
            message = self._find_message(channel, act["ts"])
            interaction["channel"] = _channel_stub(channel)
            interaction["message_ts"] = message["ts"]
            interaction["message"] = message
            interaction["response_url"] = self._response_url(channel, user, message["ts"])
        return await self.envelopes.send_interaction(kind, user, interaction)

    async def react(self, act: Json) -> Json:
        """Put an emoji under a message."""
        user = self.workspace.user(act["as"])
        channel = self._channel(act["channel"])
        message = channel.messages.get(act["ts"])
        if message is None:
            raise ApiError("message_not_found")
        reaction = reaction_of(message, act["name"])
        set_reacting_users(reaction, sorted({*reaction["users"], user["id"]}))
        self.workspace.notify()
        ts = self.workspace.clock.next_ts()
        event = {
            "type": "reaction_added",
            "user": user["id"],
            "reaction": act["name"],
            "item": {
                "type": "message",
                "channel": channel.id,
                "ts": act["ts"],
            },
            "event_ts": ts,
            "ts": ts,
        }
        return answer_as_json(await self.envelopes.send_event(event))

    async def message(self, act: Json) -> Json:
        """Write a message.

        The app receives ``message``, and ``app_mention`` with the same ts when it is mentioned.
        """
        user = self.workspace.user(act["as"])
        channel = self._channel(act["channel"])
        content = {
            "user": user["id"],
            "text": act["text"],
        }
        if act.get("thread_ts"):
            content["thread_ts"] = act["thread_ts"]
        message = self.workspace.post(channel, content)
        event = {
            **content,
            "ts": message["ts"],
            "type": "message",
            "team": user["team_id"],
            "channel": channel.id,
            "channel_type": _channel_type(channel),
            "event_ts": message["ts"],
        }
        if channel.is_shared:
            event["user_team"] = user["team_id"]
            event["source_team"] = user["team_id"]
        answers = [await self.envelopes.send_event(event)]
        if f"<@{self.workspace.app.bot_user}>" in act["text"] and not channel.is_im:
            mention = {
                **event,
                "type": "app_mention",
            }
            answers.append(await self.envelopes.send_event(mention))
        return {
            "ts": message["ts"],
            "acked": all(answer.is_acknowledged for answer in answers),
        }

    async def slash(self, act: Json) -> Json:
        """Use a slash command.

        The app's answer appears as a message for this person only.
        """
        user = self.workspace.user(act["as"])
        channel = self._channel(act["channel"])
        if not self.workspace.app.permissions.has_command(act["command"]):
            raise ApiError("no_such_command")
        payload = {
            "token": VERIFICATION_TOKEN,
            "team_id": self.workspace.team["id"],
            "team_domain": self.workspace.team["domain"],
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": user["id"],
            "user_name": user["name"],
            "command": act["command"],
            "text": act.get("text", ""),
            "api_app_id": self.workspace.app.id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel, user, ""),
            "trigger_id": self.workspace.views.new_trigger(user["id"]),
        }
        answer = await self.envelopes.send("slash_commands", payload)
        self._show_command_answer(channel, user, answer)
        return answer_as_json(answer)

    def _show_command_answer(self, channel: Channel, user: Json, answer: EnvelopeAnswer) -> None:
        if not answer.is_acknowledged or not answer.payload:
            return
        content = answer.payload
        if not isinstance(content, dict):
            content = {"text": str(content)}
        content = {
            **content,
            "bot_id": self.workspace.app.bot_id,
        }
        if content.pop("response_type", "") == "in_channel":
            self.workspace.post(channel, {"user": self.workspace.app.bot_user, **content})
        else:
            self.workspace.post_ephemeral(channel, user["id"], content)

    def _response_url(self, channel: Channel, user: Json, ts: str) -> str:
        return self.workspace.new_response_url(channel.id, user["id"], ts)

    def _channel(self, channel_id: Any) -> Channel:
        # A person may act where the app is no member.
        channel = self.workspace.channels.get(channel_id)
        if channel is None:
            raise ApiError("channel_not_found")
        return channel


def _channel_type(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "group" if channel.is_private else "channel"


def _channel_stub(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
    }


def _container(channel: Channel, message: Json) -> Json:
    return {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": "to" in message,
    }
