"""Acts that begin work: a thread of the assistant, a workflow's step."""

from bot.emulator.control.envelopes import Envelopes, answer_as_json
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Workspace


class Threads:
    """Opens what the app is to carry on with."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes) -> None:
        self.workspace = workspace
        self.envelopes = envelopes

    async def open(self, act: Json) -> Json:
        """Open a thread in the assistant's pane, or change its context.

        ``context`` is what the person looks at, such as ``{"channel_id": "C0OPS"}``. With
        ``thread_ts`` of an open thread the app is told that the person looks at something else.
        """
        user = self.workspace.user(act["as"])
        channel = self.workspace.direct_channel(user["id"])
        thread_ts = act.get("thread_ts")
        kind = "assistant_thread_context_changed"
        if thread_ts is None:
            kind = "assistant_thread_started"
            root = self.workspace.post(
                channel,
                {
                    **self.workspace.app.authorship,
                    "subtype": "assistant_app_thread",
                    "text": "New Assistant Thread",
                },
            )
            thread_ts = root["ts"]
        elif thread_ts not in channel.messages:
            raise ApiError("thread_not_found")
        ts = self.workspace.clock.next_ts()
        event = {
            "type": kind,
            "assistant_thread": {
                "user_id": user["id"],
                "context": {"team_id": self.workspace.team["id"], **act.get("context", {})},
                "channel_id": channel.id,
                "thread_ts": thread_ts,
            },
            "event_ts": ts,
            "ts": ts,
        }
        answer = answer_as_json(await self.envelopes.send_event(event))
        return {**answer, "channel": channel.id, "thread_ts": thread_ts}

    async def run_function(self, act: Json) -> Json:
        """Run a step of a workflow that the app offers.

        The app answers by ``functions.completeSuccess`` or ``functions.completeError``; the
        answer stands under ``/_ctl/state`` as one of ``executions``.
        """
        user = self.workspace.user(act["as"])
        execution_id = self.workspace.ids.new("Fx")
        ts = self.workspace.clock.next_ts()
        event = {
            "type": "function_executed",
            "function": {
                "id": self.workspace.ids.new("Fn"),
                "callback_id": act["callback_id"],
                "title": act["callback_id"],
                "type": "app",
                "input_parameters": [],
                "output_parameters": [],
                "app_id": self.workspace.app.id,
            },
            "inputs": {"user_id": user["id"], **act.get("inputs", {})},
            "function_execution_id": execution_id,
            "workflow_execution_id": self.workspace.ids.new("Wx"),
            "bot_access_token": "xwfp-emulator",
            "event_ts": ts,
            "ts": ts,
        }
        self.workspace.executions[execution_id] = {
            "id": execution_id,
            "callback_id": act["callback_id"],
            "status": "running",
        }
        answer = answer_as_json(await self.envelopes.send_event(event))
        return {**answer, "function_execution_id": execution_id}
