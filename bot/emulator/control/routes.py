"""The routes of the control API."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.control.acts import Acts
from bot.emulator.control.app_answers import AppAnswers
from bot.emulator.control.arguments import read_arguments, with_sentences
from bot.emulator.control.clock import ClockControl
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.control.faults import FaultControl
from bot.emulator.control.inspect import Inspector
from bot.emulator.control.installation import InstallationControl
from bot.emulator.control.modals import Modals
from bot.emulator.control.seed import Seed
from bot.emulator.control.threads import Threads
from bot.emulator.wire import Json

Act = Callable[[Json], Awaitable[Json]]


def build(envelopes: Envelopes) -> list[Route]:
    """Return every route for one emulator."""
    workspace = envelopes.workspace
    modals = Modals(workspace, envelopes)
    acts = Acts(workspace, envelopes, modals)
    threads = Threads(workspace, envelopes)
    faults = FaultControl(workspace, envelopes)
    clock = ClockControl(workspace, envelopes)
    return [
        _act_route("click", acts.click),
        _act_route("message", acts.message),
        _act_route("slash", acts.slash),
        _act_route("shortcut", acts.shortcut),
        _act_route("home", acts.open_home),
        _act_route("react", acts.react),
        _act_route("find", acts.find),
        _act_route("suggest", acts.suggest),
        _act_route("assistant", threads.open),
        _act_route("function", threads.run_function),
        _act_route("change", modals.use_element),
        _act_route("submit", modals.submit),
        _act_route("close", modals.close),
        _act_route("clock", clock.move),
        _act_route("clock/stops", clock.offer_stops),
        *AppAnswers(workspace).routes(),
        *Seed(workspace).routes(),
        *faults.routes(),
        *clock.routes(),
        *InstallationControl(workspace, envelopes).routes(),
        *Inspector(envelopes).routes(),
    ]


def _act_route(name: str, act: Act) -> Route:
    async def serve(request: Request) -> Response:
        return JSONResponse(await act(await read_arguments(request, name)))

    return Route(f"/_ctl/{name}", with_sentences(serve), methods=["POST"])
