"""Addresses that the emulator gave to the app: response URLs and uploads."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.payloads import message_content
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import ResponseUrl, Workspace


class AppAnswers:
    """Takes what the app sends to these addresses."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("/response/{name}", self.respond, methods=["POST"]),
            Route("/upload/v1/{name}", self.upload, methods=["POST"]),
        ]

    async def respond(self, request: Request) -> Response:
        """Take the app's answer to an interaction."""
        response_url = self.workspace.response_urls.get(request.path_params["name"])
        if response_url is None:
            return _refuse("invalid_url", 404)
        if not response_url.is_usable(self.workspace.now()):
            return _refuse("used_url", 404)
        response_url.uses += 1
        try:
            body = await request.json()
        except ValueError:
            return _refuse("invalid_payload", 400)
        if not isinstance(body, dict):
            return _refuse("invalid_payload", 400)
        try:
            self._apply(response_url, body)
        except ApiError as refusal:
            return _refuse(refusal.error, 400)
        return JSONResponse({"ok": True})

    def _apply(self, response_url: ResponseUrl, body: Json) -> None:
        channel = self.workspace.channels[response_url.channel]
        private_message = self.workspace.find_ephemeral(response_url.ts)
        if private_message and body.get("replace_original"):
            self.workspace.replace_ephemeral(private_message, message_content(body))
            return
        if body.get("delete_original"):
            channel.messages.pop(response_url.ts, None)
            self.workspace.notify()
            return
        content = message_content(body)
        if body.get("replace_original"):
            self.workspace.update(channel, response_url.ts, content)
            return
        content["bot_id"] = self.workspace.app.bot_id
        if body.get("response_type") == "in_channel":
            self.workspace.post(channel, content)
        else:
            self.workspace.post_ephemeral(channel, response_url.user, content)

    async def upload(self, request: Request) -> Response:
        """Take the bytes of a file."""
        file = self.workspace.files.get(request.path_params["name"])
        if file is None:
            return Response("no such upload", 404)
        file["content"] = await _uploaded_bytes(request)
        return Response(f"OK - {len(file['content'])}")


async def _uploaded_bytes(request: Request) -> bytes:
    """Return the body, or the file of a form."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        for _, part in (await request.form()).multi_items():
            if isinstance(part, UploadFile):
                return await part.read()
    return await request.body()


def _refuse(error: str, status: int) -> Response:
    return JSONResponse(
        {
            "ok": False,
            "error": error,
        },
        status,
    )
