"""The control API: what a person does in Slack, done over HTTP, for tests and for the page alike. Not part of Slack."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.emulator.faults import Faults
from bot.emulator.socket_mode import Answer, Sockets
from bot.emulator.state import ApiError, Channel, Json, ResponseUrl, View, Workspace
from bot.emulator.web_api import channel_plain, message_content, shown_view

MOST_MESSAGES_SHOWN = 60
PAGE_UPDATES_EVERY = 0.15
# Seconds after which an event that was not acknowledged is sent again, by Slack's own rule.
RETRY_AFTER = (0.0, 60.0, 300.0)
# How long an envelope that is to be overtaken waits for another.
OVERTAKEN_WITHIN = 2.0
RESPONSES, RESPONSE_SECONDS = 5, 1_800.0


class Control:
    """Acts as the people of the workspace."""

    def __init__(self, workspace: Workspace, sockets: Sockets, faults: Faults) -> None:
        self.workspace = workspace
        self.sockets = sockets
        self.faults = faults
        self.traffic: deque[Json] = deque(maxlen=200)
        self._ahead = asyncio.Event()
        self._unheard: list[tuple[float, int, Json]] = []
        self._listeners: set[asyncio.Event] = set()
        workspace.on_change.append(self._tell)

    def routes(self) -> list[Route]:
        acts = {
            "click": self.click,
            "submit": self.submit,
            "close": self.close,
            "message": self.message,
            "slash": self.slash,
            "shortcut": self.shortcut,
            "home": self.open_home,
            "react": self.react,
            "change": self.change_input,
            "clock": self.put_forward,
        }
        return [
            Route("/response/{name}", self.respond, methods=["POST"]),
            Route("/upload/v1/{name}", self.upload, methods=["POST"]),
            Route("/_ctl/seed", self.seed, methods=["POST"]),
            *(
                Route(f"/_ctl/{name}", self._guarded(act), methods=["POST"])
                for name, act in acts.items()
            ),
            Route("/_ctl/user", self.change_user, methods=["POST"]),
            Route("/_ctl/group", self.change_group, methods=["POST"]),
            Route("/_ctl/channel", self.change_channel, methods=["POST"]),
            Route("/_ctl/token", self.change_token, methods=["POST"]),
            Route("/_ctl/faults", self.change_faults, methods=["POST", "DELETE"]),
            Route("/_ctl/disconnect", self.disconnect, methods=["POST"]),
            Route("/_ctl/messages", self.messages),
            Route("/_ctl/state", self.state),
            Route("/_ctl/traffic", self.show_traffic),
            Route("/_ctl/stream", self.stream),
        ]

    # --- doing ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _guarded(act: Any) -> Any:
        async def guarded(request: Request) -> Response:
            try:
                return JSONResponse(await act(await request.json()))
            except ApiError as refused:
                return JSONResponse({"error": refused.error}, 400)
            except (KeyError, ValueError, StopIteration) as missing:
                return JSONResponse({"error": f"the control API was not given {missing}"}, 400)

        return guarded

    async def seed(self, request: Request) -> Response:
        """Fill the workspace: team, users, groups, channels. What is there stays."""
        wanted = await request.json()
        self.workspace.team.update(wanted.get("team", {}))
        for user in wanted.get("users", []):
            self.workspace.add_user(user)
        self.workspace.users[self.workspace.bot_user]["team_id"] = self.workspace.team["id"]
        for group in wanted.get("groups", []):
            self.workspace.groups[group["id"]] = {**group, "is_usergroup": True}
        for channel in wanted.get("channels", []):
            self.workspace.add_channel(
                channel["id"],
                channel["name"],
                channel["members"],
                is_private=channel.get("is_private", False),
                is_shared=channel.get("is_shared", False),
            )
        if "manifest" in wanted:
            self.workspace.permissions.take(wanted["manifest"])
        self.workspace.changed()
        return JSONResponse(
            {"users": len(self.workspace.users), "channels": len(self.workspace.channels)}
        )

    async def click(self, wanted: Json) -> Json:
        """Press a button, or choose from a menu, on a message or in a private message. Answers when the app has acknowledged.

        ``shown``: the message as this person's window still shows it, when it has been redrawn since.
        """
        if "channel" not in wanted:
            return await self._click_view(wanted)
        user, channel = self.workspace.user(wanted["as"]), self._channel(wanted["channel"])
        message = channel.messages.get(wanted["ts"]) or next(
            one for one in self.workspace.ephemerals if one["ts"] == wanted["ts"]
        )
        if user["id"] not in channel.members:
            raise ApiError("not_in_channel")
        message = wanted.get("shown") or message
        block, element = _find(message.get("blocks", []), wanted["action_id"], wanted.get("value"))
        action = self._action(block, element, wanted)
        payload = {
            **self._common("block_actions", user),
            "container": {
                "type": "message",
                "message_ts": message["ts"],
                "channel_id": channel.id,
                "is_ephemeral": "to" in message,
            },
            "trigger_id": self.workspace.new_trigger(user["id"]),
            "channel": {"id": channel.id, "name": channel.name},
            "message": {key: value for key, value in message.items() if key != "metadata"},
            "state": {"values": {}},
            "response_url": self._response_url(channel.id, user["id"], message["ts"]),
            "actions": [action],
        }
        answer = await self._send("interactive", payload)
        views = self.workspace.views.get(user["id"], [])
        return {**self._told(answer), "view": views[-1].id if views else None}

    def _action(self, block: Json, element: Json, wanted: Json) -> Json:
        """What the payload says of the element that was used.

        ``forged_action_id`` and ``forged_value`` say it of one that is not, or no longer, there.
        """
        action = {
            "action_id": wanted.get("forged_action_id", element["action_id"]),
            "block_id": block.get("block_id", "b"),
            "type": element["type"],
            "action_ts": self.workspace.next_ts(),
        }
        if "forged_action_id" in wanted:
            action.update(type="button", value=wanted.get("forged_value", ""))
        elif element["type"] in {"overflow", "static_select", "radio_buttons"}:
            chosen = next(
                option for option in element["options"] if option["value"] == wanted["value"]
            )
            action["selected_option"] = chosen
        elif element["type"] == "feedback_buttons":
            sides = (element["positive_button"], element["negative_button"])
            action["value"] = next(
                side["value"] for side in sides if side["value"] == wanted["value"]
            )
        else:
            action.update(
                text=element.get("text"), value=wanted.get("forged_value", element.get("value", ""))
            )
        return action

    async def _click_view(self, wanted: Json) -> Json:
        """Use an element of the App Home, or of the open modal."""
        user = self.workspace.user(wanted["as"])
        if "view_id" in wanted:
            view = self.workspace.view(wanted["view_id"])
            shown = shown_view(
                self.workspace, view, _state(view.body["blocks"], wanted.get("values", {}))
            )
        else:
            shown = self._home(user["id"])
        block, element = _find(shown["blocks"], wanted["action_id"], wanted.get("value"))
        payload = {
            **self._common("block_actions", user),
            "container": {"type": "view", "view_id": shown["id"]},
            "trigger_id": self.workspace.new_trigger(user["id"]),
            "view": shown,
            "actions": [self._action(block, element, wanted)],
        }
        return self._told(await self._send("interactive", payload))

    async def change_input(self, wanted: Json) -> Json:
        """An input with ``dispatch_action`` has changed: the app hears of it while the modal stays open."""
        return await self._click_view(wanted)

    def _home(self, user: str) -> Json:
        home = self.workspace.homes.get(user)
        if home is None:
            raise ApiError("no_such_home")
        more = {
            "id": f"VHOME{user}",
            "hash": str(self.workspace.version),
            "team_id": self.workspace.team["id"],
        }
        return {"private_metadata": "", "callback_id": "", **home, **more, "state": {"values": {}}}

    async def open_home(self, wanted: Json) -> Json:
        """Somebody opens a tab of the app: their home, or the conversation with it."""
        user = self.workspace.user(wanted["as"])
        tab = wanted.get("tab", "home")
        channel = self.workspace.direct(user["id"])
        event = {
            "type": "app_home_opened",
            "user": user["id"],
            "channel": channel.id,
            "tab": tab,
            "event_ts": self.workspace.next_ts(),
        }
        if tab == "home" and user["id"] in self.workspace.homes:
            event["view"] = self._home(user["id"])
        answer = await self._event({**event, "ts": event["event_ts"]})
        return self._told(answer)

    async def shortcut(self, wanted: Json) -> Json:
        """Use a shortcut: a global one, or that of a message."""
        user = self.workspace.user(wanted["as"])
        payload = {
            **self._common("shortcut", user),
            "callback_id": wanted["callback_id"],
            "trigger_id": self.workspace.new_trigger(user["id"]),
            "action_ts": self.workspace.next_ts(),
        }
        if "ts" in wanted:
            channel = self._channel(wanted["channel"])
            message = channel.messages[wanted["ts"]]
            payload |= {
                "type": "message_action",
                "channel": {"id": channel.id, "name": channel.name},
                "message_ts": message["ts"],
                "message": message,
                "response_url": self._response_url(channel.id, user["id"], message["ts"]),
            }
        return self._told(await self._send("interactive", payload))

    async def react(self, wanted: Json) -> Json:
        """Put an emoji under a message."""
        user, channel = self.workspace.user(wanted["as"]), self._channel(wanted["channel"])
        reactions = channel.messages[wanted["ts"]].setdefault("reactions", [])
        found = next((one for one in reactions if one["name"] == wanted["name"]), None)
        if found is None:
            found = {"name": wanted["name"], "users": [], "count": 0}
            reactions.append(found)
        found["users"] = sorted({*found["users"], user["id"]})
        found["count"] = len(found["users"])
        self.workspace.changed()
        item = {"type": "message", "channel": channel.id, "ts": wanted["ts"]}
        event = {
            "type": "reaction_added",
            "user": user["id"],
            "reaction": wanted["name"],
            "item": item,
        }
        ts = self.workspace.next_ts()
        return self._told(await self._event({**event, "event_ts": ts, "ts": ts}))

    def _response_url(self, channel: str, user: str, ts: str) -> str:
        name = self.workspace.serial("R")
        self.workspace.response_urls[name] = ResponseUrl(channel, user, ts, self.workspace.now())
        return f"http://{self.workspace.host}/response/{name}"

    async def respond(self, request: Request) -> Response:
        """The app answers an interaction through its response_url: five times, for thirty minutes."""
        known = self.workspace.response_urls.get(request.path_params["name"])
        if (
            known is None
            or known.uses >= RESPONSES
            or self.workspace.now() - known.made_at > RESPONSE_SECONDS
        ):
            return JSONResponse({"ok": False, "error": "used_url" if known else "invalid_url"}, 404)
        known.uses += 1
        body = await request.json()
        channel = self.workspace.channels[known.channel]
        try:
            if body.get("delete_original"):
                channel.messages.pop(known.ts, None)
                self.workspace.changed()
            elif body.get("replace_original"):
                self.workspace.update(channel, known.ts, message_content(body))
            elif body.get("response_type") == "in_channel":
                self.workspace.post(
                    channel, {**message_content(body), "bot_id": self.workspace.bot_id}
                )
            else:
                self.workspace.whisper(
                    channel, known.user, {**message_content(body), "bot_id": self.workspace.bot_id}
                )
        except ApiError as refused:
            return JSONResponse({"ok": False, "error": refused.error}, 400)
        return JSONResponse({"ok": True})

    async def upload(self, request: Request) -> Response:
        found = self.workspace.files.get(request.path_params["name"])
        if found is None:
            return Response("no such upload", 404)
        found["content"] = await request.body()
        return Response(f"OK - {len(found['content'])}")

    async def put_forward(self, wanted: Json) -> Json:
        """Let time go by in this workspace: triggers, streams and response_urls run out, and what was not acknowledged is sent again."""
        self.workspace.put_forward(float(wanted["seconds"]))
        due = [one for one in self._unheard if one[0] <= self.workspace.now()]
        self._unheard = [one for one in self._unheard if one not in due]
        for _, attempt, callback in due:
            await self._deliver(callback, attempt)
        return {"now": self.workspace.now(), "sent_again": len(due)}

    async def submit(self, wanted: Json) -> Json:
        """Submit a modal with the values given per action_id. The answer says what the app made of it."""
        view = self.workspace.view(wanted["view_id"])
        values = _state(view.body["blocks"], wanted.get("values", {}))
        payload = {
            **self._common("view_submission", self.workspace.user(wanted["as"])),
            "view": shown_view(self.workspace, view, values),
            "response_urls": [],
            "trigger_id": self.workspace.new_trigger(view.user),
        }
        if "private_metadata" in wanted:
            payload["view"]["private_metadata"] = wanted["private_metadata"]
        answer = await self._send("interactive", payload)
        if answer.acked:
            self._follow(view, answer.payload or {})
        return self._told(answer)

    def _follow(self, view: View, response: Json) -> None:
        """Do to the modal what the app's answer says."""
        action = response.get("response_action")
        if action is None:
            self.workspace.close_view(view)
        elif action == "clear":
            self.workspace.close_view(view, everything=True)
        elif action == "update":
            self.workspace.update_view(view, response["view"], None)
        elif action == "push":
            self.workspace.open_view(view.user, response["view"], push=True)

    async def close(self, wanted: Json) -> Json:
        view = self.workspace.view(wanted["view_id"])
        self.workspace.close_view(view)
        if view.body.get("notify_on_close"):
            user = self.workspace.user(wanted["as"])
            await self._send(
                "interactive",
                {
                    **self._common("view_closed", user),
                    "view": shown_view(self.workspace, view),
                    "is_cleared": False,
                },
            )
        return {"closed": True}

    async def message(self, wanted: Json) -> Json:
        """Say something. The app hears ``message``, and ``app_mention`` when it is mentioned, with the same ts."""
        user, channel = self.workspace.user(wanted["as"]), self._channel(wanted["channel"])
        thread = {"thread_ts": wanted["thread_ts"]} if wanted.get("thread_ts") else {}
        stored = self.workspace.post(
            channel, {"user": user["id"], "text": wanted["text"], **thread}
        )
        kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
        event = {
            **{key: stored[key] for key in ("user", "text", "ts", *thread)},
            "type": "message",
            "team": user["team_id"],
            **(
                {"user_team": user["team_id"], "source_team": user["team_id"]}
                if channel.is_shared
                else {}
            ),
            "channel": channel.id,
            "channel_type": kind,
            "event_ts": stored["ts"],
        }
        answers = [await self._event(event)]
        if f"<@{self.workspace.bot_user}>" in wanted["text"] and not channel.is_im:
            answers.append(await self._event({**event, "type": "app_mention"}))
        return {"ts": stored["ts"], "acked": all(answer.acked for answer in answers)}

    async def _event(self, event: Json) -> Answer:
        callback = {
            "token": "emulator",
            "team_id": self.workspace.team["id"],
            "api_app_id": self.workspace.app_id,
            "type": "event_callback",
            "event": event,
            "event_id": self.workspace.serial("Ev"),
            "event_time": int(float(event["ts"])),
            "is_ext_shared_channel": self._is_shared(event.get("channel")),
            "authorizations": [
                {
                    "team_id": self.workspace.team["id"],
                    "user_id": self.workspace.bot_user,
                    "is_bot": True,
                }
            ],
        }
        if not self.workspace.permissions.hears(event):
            return Answer(True, None, 0.0)
        return await self._deliver(callback, 0)

    async def _deliver(self, callback: Json, attempt: int) -> Answer:
        """Once, and when it is not acknowledged again: at once, after a minute, after five."""
        reason = "timeout" if attempt else ""
        answer = await self._send(
            "events_api", callback, retry_attempt=attempt, retry_reason=reason
        )
        if not answer.acked and attempt < len(RETRY_AFTER):
            wait = RETRY_AFTER[attempt]
            if wait == 0:
                return await self._deliver(callback, attempt + 1)
            self._unheard.append((self.workspace.now() + wait, attempt + 1, callback))
        return answer

    async def slash(self, wanted: Json) -> Json:
        user, channel = self.workspace.user(wanted["as"]), self._channel(wanted["channel"])
        if (
            self.workspace.permissions.is_known
            and wanted["command"] not in self.workspace.permissions.commands
        ):
            raise ApiError("no_such_command")
        payload = {
            "token": "emulator",
            "team_id": self.workspace.team["id"],
            "team_domain": self.workspace.team["domain"],
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": user["id"],
            "user_name": user["name"],
            "command": wanted["command"],
            "text": wanted.get("text", ""),
            "api_app_id": self.workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel.id, user["id"], ""),
            "trigger_id": self.workspace.new_trigger(user["id"]),
        }
        answer = await self._send("slash_commands", payload)
        if answer.acked and answer.payload:
            content = (
                answer.payload
                if isinstance(answer.payload, dict)
                else {"text": str(answer.payload)}
            )
            self.workspace.whisper(
                channel, user["id"], {**content, "bot_id": self.workspace.bot_id}
            )
        return self._told(answer)

    async def change_user(self, request: Request) -> Response:
        wanted = await request.json()
        self.workspace.user(wanted["id"]).update(wanted)
        self.workspace.changed()
        return JSONResponse(self.workspace.user(wanted["id"]))

    async def change_group(self, request: Request) -> Response:
        wanted = await request.json()
        self.workspace.groups[wanted["id"]]["users"] = wanted["users"]
        self.workspace.changed()
        return JSONResponse(self.workspace.groups[wanted["id"]])

    async def change_channel(self, request: Request) -> Response:
        """Archive a channel, share it with another workspace, or change who is in it."""
        wanted = await request.json()
        channel = self.workspace.channels[wanted["id"]]
        channel.is_archived = wanted.get("is_archived", channel.is_archived)
        channel.is_shared = wanted.get("is_shared", channel.is_shared)
        if "members" in wanted:
            channel.members = {*wanted["members"], self.workspace.bot_user}
        self.workspace.changed()
        return JSONResponse(channel_plain(self.workspace, channel))

    async def change_token(self, request: Request) -> Response:
        """Revoke the app's tokens, or give them back."""
        self.workspace.revoked = bool((await request.json())["revoked"])
        return JSONResponse({"revoked": self.workspace.revoked})

    async def change_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        else:
            self.faults.set(**await request.json())
        return JSONResponse({"ok": True})

    async def disconnect(self, request: Request) -> Response:
        abruptly = (await request.json()).get("abruptly", False) if await request.body() else False
        await self.sockets.disconnect("" if abruptly else "refresh_requested")
        return JSONResponse({"ok": True})

    # --- looking -------------------------------------------------------------------------------------------------------

    async def messages(self, request: Request) -> Response:
        channel, ts = self._channel(request.query_params["channel"]), request.query_params.get("ts")
        if ts:
            return JSONResponse([channel.messages[ts]] if ts in channel.messages else [])
        return JSONResponse(list(channel.messages.values()))

    async def state(self, request: Request) -> Response:
        """All that one person's window shows."""
        user_id = request.query_params.get("as") or next(
            (one for one in self.workspace.users if one != self.workspace.bot_user), ""
        )
        channels = [
            channel for channel in self.workspace.channels.values() if user_id in channel.members
        ]
        return JSONResponse(
            {
                "version": self.workspace.version,
                "team": self.workspace.team,
                "me": user_id,
                "bot": {
                    "id": self.workspace.bot_id,
                    "user": self.workspace.bot_user,
                    "name": self.workspace.bot_name,
                    "connections": self.sockets.count,
                },
                "users": list(self.workspace.users.values()),
                "groups": list(self.workspace.groups.values()),
                "channels": [self._window(channel) for channel in channels],
                "ephemerals": [one for one in self.workspace.ephemerals if one["to"] == user_id][
                    -20:
                ],
                "views": [
                    shown_view(self.workspace, view)
                    for view in self.workspace.views.get(user_id, [])
                ],
                "home": self.workspace.homes.get(user_id),
                "direct": self.workspace.direct(user_id).id
                if user_id in self.workspace.users
                else "",
                "prompts": self.workspace.prompts.get(f"D{user_id[1:]}", []),
                "statuses": {
                    f"{channel}:{thread}": status
                    for (channel, thread), (status, until) in self.workspace.statuses.items()
                    if status and until > self.workspace.now()
                },
                "shortcuts": self.workspace.permissions.shortcuts,
                "now": self.workspace.now(),
            }
        )

    def _window(self, channel: Channel) -> Json:
        recent = sorted(channel.messages.values(), key=lambda message: message["ts"])
        top = [message for message in recent if message.get("thread_ts") in {None, message["ts"]}][
            -MOST_MESSAGES_SHOWN:
        ]
        shown = {message["ts"] for message in top}
        replies = [
            message
            for message in recent
            if message.get("thread_ts") in shown and message["ts"] not in shown
        ]
        name = self.workspace.users[channel.name]["real_name"] if channel.is_im else channel.name
        return {
            "id": channel.id,
            "name": name,
            "is_im": channel.is_im,
            "total": len(channel.messages),
            "messages": top,
            "replies": replies,
        }

    async def show_traffic(self, request: Request) -> Response:
        counts = {
            "calls": dict(self.faults.calls),
            "rejected": dict(self.faults.rejected),
            "windows": self.faults.windows,
        }
        return JSONResponse(
            {**counts, "connections": self.sockets.count, "recent": list(self.traffic)}
        )

    async def stream(self, request: Request) -> Response:
        """Server-sent events: the page is told that something changed, a few times a second at most."""

        async def ticks() -> Any:
            changed = asyncio.Event()
            self._listeners.add(changed)
            try:
                while not await request.is_disconnected():
                    yield f"data: {json.dumps({'version': self.workspace.version})}\n\n"
                    async with asyncio.timeout(15) as waiting:
                        await changed.wait()
                    changed.clear()
                    await asyncio.sleep(PAGE_UPDATES_EVERY)
            except TimeoutError:
                assert waiting.expired()  # noqa: S101 (the page connects again)
            finally:
                self._listeners.discard(changed)

        return StreamingResponse(
            ticks(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def _tell(self) -> None:
        for changed in self._listeners:
            changed.set()

    def _is_shared(self, channel_id: Any) -> bool:
        found = self.workspace.channels.get(str(channel_id))
        return found is not None and found.is_shared

    def _channel(self, channel_id: str) -> Channel:
        found = self.workspace.channels.get(channel_id)
        if found is None:
            raise ApiError("channel_not_found")
        return found

    def _common(self, kind: str, user: Json) -> Json:
        person = {
            "id": user["id"],
            "username": user["name"],
            "name": user["name"],
            "team_id": user["team_id"],
        }
        team = {"id": self.workspace.team["id"], "domain": self.workspace.team["domain"]}
        return {
            "type": kind,
            "user": person,
            "api_app_id": self.workspace.app_id,
            "token": "emulator",
            "team": team,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    async def _send(self, kind: str, payload: Json, **more: Any) -> Answer:
        if self.faults.swap_next > 0:
            self.faults.swap_next -= 1
            await self._overtaken()
        self._ahead.set()
        answer = await self.sockets.send(kind, payload, **more)
        if self.faults.duplicate_next > 0:
            self.faults.duplicate_next -= 1
            await self.sockets.send(kind, payload, **more)
        if self.faults.lose_acks > 0:
            # The app has done its part; Slack never hears of it.
            self.faults.lose_acks -= 1
            answer = Answer(False, None, answer.milliseconds)
        self.traffic.append(
            {
                "to": "app",
                "kind": payload.get("type", kind),
                "acked": answer.acked,
                "ms": round(answer.milliseconds, 1),
            }
        )
        return answer

    async def _overtaken(self) -> None:
        """Wait until another envelope has gone ahead, if one comes soon."""
        self._ahead.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OVERTAKEN_WITHIN):
                await self._ahead.wait()

    @staticmethod
    def _told(answer: Answer) -> Json:
        return {"acked": answer.acked, "ms": answer.milliseconds, "payload": answer.payload}


def _find(blocks: list[Json], action_id: str, value: Any) -> tuple[Json, Json]:
    """The element a person presses: by action id, and by value where several share it."""
    for block in blocks:
        elements = [
            *block.get("elements", []),
            block.get("accessory") or {},
            block.get("element") or {},
        ]
        for element in elements:
            if element.get("action_id") == action_id and (
                value is None or element["type"] != "button" or element.get("value") == value
            ):
                return block, element
    raise ApiError("no_such_element")


def _state(blocks: list[Json], given: Json) -> Json:
    """``view.state.values``: what each input holds, by block and action."""
    values: Json = {}
    for block in blocks:
        element = block.get("element")
        if block.get("type") == "input" and element:
            values[block["block_id"]] = {
                element["action_id"]: _entered(element, given.get(element["action_id"]))
            }
    return values


def _entered(element: Json, value: Any) -> Json:
    kind = element["type"]
    if kind in {"static_select", "radio_buttons"}:
        chosen = (
            next((option for option in element["options"] if option["value"] == value), None)
            if value is not None
            else element.get("initial_option")
        )
        return {"type": kind, "selected_option": chosen}
    if kind in {"users_select", "conversations_select"}:
        key = "selected_user" if kind == "users_select" else "selected_conversation"
        return {"type": kind, key: value}
    if kind in {"datepicker", "datetimepicker"}:
        key = "selected_date" if kind == "datepicker" else "selected_date_time"
        return {
            "type": kind,
            key: value
            if value is not None
            else element.get("initial_date") or element.get("initial_date_time"),
        }
    return {"type": kind, "value": value if value is not None else element.get("initial_value")}
