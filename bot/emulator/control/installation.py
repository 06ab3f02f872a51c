"""The end of an installation, by an administrator of the team."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.control.envelopes import Envelopes
from bot.emulator.wire import Json
from bot.emulator.workspace import Workspace


class InstallationControl:
    """Takes the app out of the team."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes) -> None:
        self.workspace = workspace
        self.envelopes = envelopes

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [Route("/_ctl/uninstall", self.uninstall, methods=["POST"])]

    async def uninstall(self, request: Request) -> Response:
        """Revoke every token, and tell the app."""
        app = self.workspace.app
        app.are_tokens_revoked = True
        app.token_ends.clear()
        now = f"{time.time():.6f}"
        events: list[Json] = [
            {"type": "tokens_revoked", "tokens": {"bot": [app.bot_user], "oauth": []}, "ts": now},
            {"type": "app_uninstalled", "ts": now},
        ]
        answers = [await self.envelopes.send_lifecycle_event(event) for event in events]
        return JSONResponse({"acked": all(answer.is_acknowledged for answer in answers)})
