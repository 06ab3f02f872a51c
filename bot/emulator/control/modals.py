"""Acts of people in modals and in the App Home.

Each takes the JSON of its request. ``as`` is the id of the person who acts.
"""

from typing import Any

from bot.emulator.control.elements import (
    action_payload,
    find_element,
    input_values,
    response_targets,
)
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.payloads import home_payload, view_body, view_payload
from bot.emulator.views import OpenView
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Workspace


class Modals:
    """Acts in the open modals and homes of the workspace."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes) -> None:
        self.workspace = workspace
        self.envelopes = envelopes

    async def use_element(self, act: Json) -> Json:
        """Use an element of a modal, or of the App Home.

        ``view_id`` names the modal; without it the home is meant. An input with
        ``dispatch_action`` that changes is such an element too.
        """
        user = self.workspace.user(act["as"])
        view = self.shown_view(user, act)
        block, element = find_element(view["blocks"], act)
        action = {
            **action_payload(block, element, act),
            "action_ts": self.workspace.clock.next_ts(),
        }
        interaction = {
            "container": {
                "type": "view",
                "view_id": view["id"],
            },
            "trigger_id": self.workspace.views.new_trigger(user["id"]),
            "view": view,
            "actions": [action],
        }
        return await self.envelopes.send_interaction("block_actions", user, interaction)

    def shown_view(self, user: Json, act: Json) -> Json:
        """Return the modal that this person acts in, or the home."""
        if "view_id" not in act:
            return home_payload(self.workspace, user["id"])
        view = self.workspace.views.find(act["view_id"])
        return self._with_values(view, act)

    def _with_values(self, view: OpenView, act: Json) -> Json:
        values = input_values(view.body["blocks"], act.get("values", {}))
        return view_payload(self.workspace, view, values)

    async def submit(self, act: Json) -> Json:
        """Submit a modal, and change it as the app answers.

        ``values`` are by block id or by action id.
        """
        view = self.workspace.views.find(act["view_id"])
        user = self.workspace.user(act["as"])
        payload = self._with_values(view, act)
        if "private_metadata" in act:
            # A forged form: Slack lets nobody change this, and the app must not count on it.
            payload["private_metadata"] = act["private_metadata"]
        interaction = {
            "view": payload,
            "response_urls": self._response_urls(view, payload),
            "trigger_id": self.workspace.views.new_trigger(view.user),
        }
        answer = await self.envelopes.send_interaction("view_submission", user, interaction)
        if answer["acked"]:
            try:
                self._follow(view, answer["payload"])
            except ApiError as refusal:
                # Slack shows the person that it has had trouble; the modal stays as it was.
                answer["error"] = refusal.error
        return answer

    def _response_urls(self, view: OpenView, payload: Json) -> list[Json]:
        """Return an address for each conversation that the form names."""
        targets = response_targets(view.body["blocks"], payload["state"]["values"])
        return [
            {
                "block_id": block_id,
                "action_id": action_id,
                "channel_id": channel_id,
                "response_url": self.workspace.new_response_url(channel_id, view.user, ""),
            }
            for block_id, action_id, channel_id in targets
            if channel_id in self.workspace.channels
        ]

    def _follow(self, view: OpenView, response: Any) -> None:
        """Change the modal as the app's response says; errors leave it open."""
        if not isinstance(response, dict):
            response = {}
        match response.get("response_action"):
            case None:
                self.workspace.views.close(view)
            case "clear":
                self.workspace.views.close_all(view.user)
            case "update":
                self.workspace.views.update(view, view_body(response))
            case "push":
                self.workspace.views.push(view.user, view_body(response))

    async def close(self, act: Json) -> Json:
        """Close a modal. The app is told if it asked for that."""
        user = self.workspace.user(act["as"])
        view = self.workspace.views.find(act["view_id"])
        is_cleared = bool(view.body.get("clear_on_close"))
        interaction = {
            "view": view_payload(self.workspace, view),
            "is_cleared": is_cleared,
        }
        if is_cleared:
            self.workspace.views.close_all(view.user)
        else:
            self.workspace.views.close(view)
        if view.body.get("notify_on_close"):
            await self.envelopes.send_interaction("view_closed", user, interaction)
        return {"closed": True}
