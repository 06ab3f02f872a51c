"""The emulator in a thread of the tests: a process of its own takes half a second to import it."""

import contextlib

from bot.demo.processes import EmulatorProcess
from bot.emulator.seed_file import read_manifest
from bot.emulator.server import build
from bot.emulator.serving import serve_beside
from bot.sockets import LOOPBACK, listen_on
from handlers.slack.manifest import MANIFEST


class EmulatorThread(EmulatorProcess):
    """The emulator beside the tests, over a real socket, with the control API of a process."""

    def __init__(self) -> None:
        self._serving = contextlib.ExitStack()
        listener = self._serving.enter_context(listen_on(0))
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        self.url = f"http://{address}"
        application = build(host=address, manifest=read_manifest(MANIFEST))
        self._serving.enter_context(serve_beside(application, listener))

    def wait(self) -> None:
        """Return at once: who connects is served when the thread is ready."""

    def close(self) -> None:
        """End the thread."""
        self._serving.close()
