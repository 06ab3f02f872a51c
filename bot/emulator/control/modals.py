"""Acts of people in modals and in the App Home.

Each takes the JSON of its request. ``as`` is the id of the person who acts.
"""

from bot.emulator.control.elements import action_payload, find_element, input_values
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.payloads import home_payload, view_payload
from bot.emulator.views import OpenView
from bot.emulator.wire import Json
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
        view = self._shown_view(user, act)
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

    def _shown_view(self, user: Json, act: Json) -> Json:
        if "view_id" not in act:
            return home_payload(self.workspace, user["id"])
        view = self.workspace.views.find(act["view_id"])
        return self._with_values(view, act)

    def _with_values(self, view: OpenView, act: Json) -> Json:
        values = input_values(view.body["blocks"], act.get("values", {}))
        return view_payload(self.workspace, view, values)

    async def submit(self, act: Json) -> Json:
        """Submit a modal, and change it as the app answers.

        ``values`` are by action id.
        """
        view = self.workspace.views.find(act["view_id"])
        user = self.workspace.user(act["as"])
        payload = self._with_values(view, act)
        if "private_metadata" in act:
            # A forged form: Slack lets nobody change this, and the app must not count on it.
            payload["private_metadata"] = act["private_metadata"]
        interaction = {
            "view": payload,
            "response_urls": [],
            "trigger_id": self.workspace.views.new_trigger(view.user),
        }
        answer = await self.envelopes.send_interaction("view_submission", user, interaction)
        if answer["acked"]:
            self._follow(view, answer["payload"] or {})
        return answer

    def _follow(self, view: OpenView, response: Json) -> None:
        """Change the modal as the app's response says; errors leave it open."""
        match response.get("response_action"):
            case None:
                self.workspace.views.close(view)
            case "clear":
                self.workspace.views.close_all(view.user)
            case "update":
                self.workspace.views.update(view, response["view"])
            case "push":
                self.workspace.views.push(view.user, response["view"])

    async def close(self, act: Json) -> Json:
        """Close a modal. The app is told if it asked for that."""
        view = self.workspace.views.find(act["view_id"])
        self.workspace.views.close(view)
        if view.body.get("notify_on_close"):
            user = self.workspace.user(act["as"])
            interaction = {
                "view": view_payload(self.workspace, view),
                "is_cleared": False,
            }
            await self.envelopes.send_interaction("view_closed", user, interaction)
        return {"closed": True}
