"""Faults, set from outside: knobs, tokens and connections."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.control.arguments import read_arguments, with_sentences
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.wire import ApiError
from bot.emulator.workspace import Workspace


class FaultControl:
    """Lets things go wrong."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes) -> None:
        self.workspace = workspace
        self.envelopes = envelopes

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("/_ctl/faults", with_sentences(self.change_faults), methods=["POST", "DELETE"]),
            Route("/_ctl/token", with_sentences(self.change_token), methods=["POST"]),
            Route("/_ctl/disconnect", with_sentences(self.disconnect), methods=["POST"]),
        ]

    async def change_faults(self, request: Request) -> Response:
        """Set some knobs, or clear them all."""
        if request.method == "DELETE":
            self.envelopes.faults.clear()
            return JSONResponse({"ok": True})
        knobs = await read_arguments(request, "faults")
        try:
            self.envelopes.faults.set(**knobs)
        except KeyError as error:
            raise ApiError(f"there is no fault {error}") from None
        except ValueError as error:
            raise ApiError(str(error)) from None
        return JSONResponse({"ok": True})

    async def change_token(self, request: Request) -> Response:
        """Revoke the app's tokens, or give them back."""
        body = await read_arguments(request, "token")
        self.workspace.app.are_tokens_revoked = body["revoked"]
        return JSONResponse({"revoked": self.workspace.app.are_tokens_revoked})

    async def disconnect(self, request: Request) -> Response:
        """Close the app's connections; ``abruptly`` cuts them off without a word."""
        body = await read_arguments(request, "disconnect", or_none=True)
        reason = "" if body.get("abruptly") else "refresh_requested"
        await self.envelopes.connections.disconnect(reason)
        return JSONResponse({"ok": True})
