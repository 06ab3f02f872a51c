"""The clock of the workspace, moved from outside."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.clock import ClockStop
from bot.emulator.control.arguments import MAX_SECONDS
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Workspace


class ClockControl:
    """Lets time go by, and lists the times that the page offers."""

    def __init__(self, workspace: Workspace, envelopes: Envelopes) -> None:
        self.workspace = workspace
        self.envelopes = envelopes

    def routes(self) -> list[Route]:
        """Return the routes that are no act of a person."""
        return [Route("/_ctl/clock", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """Return the time, and by how much it was moved."""
        return JSONResponse(self._time())

    async def move(self, act: Json) -> Json:
        """Let ``seconds`` go by, or all time until ``to``.

        Triggers, streams and response URLs expire. Events without acknowledgement go out again.
        """
        if not {"to", "seconds"} & set(act):
            raise ApiError("seconds or to is missing")
        seconds = float(act.get("seconds", 0))
        if "to" in act:
            seconds = float(act["to"]) - self.workspace.now()
        if seconds < 0:
            raise ApiError("the clock cannot be set back")
        if self.workspace.now() + seconds > MAX_SECONDS:
            raise ApiError("the clock cannot be set so far ahead")
        self.workspace.advance_clock(seconds)
        retries = await self.envelopes.send_due_retries()
        return {
            **self._time(),
            "sent_again": retries,
        }

    async def offer_stops(self, act: Json) -> Json:
        """Replace the times that the page offers."""
        self.workspace.clock.stops = [
            ClockStop(title=str(stop["title"]), at=float(stop["at"])) for stop in act["stops"]
        ]
        self.workspace.notify()
        return self._time()

    def _time(self) -> Json:
        return {
            "now": self.workspace.now(),
            "offset_seconds": self.workspace.clock.offset_seconds,
        }
