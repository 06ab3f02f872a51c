"""The emulator over HTTP, in the foreground or beside tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette


def serve(
    application: Starlette, *, host: str, port: int, listener: socket.socket | None = None
) -> None:
    """Serve until interrupted, on a bound socket if there is one."""
    _server(application, host, port).run(sockets=[listener] if listener else None)


@contextmanager
def serve_beside(application: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve in a thread while the block runs."""
    host, port = listener.getsockname()[:2]
    server = _server(application, host, port)
    thread = threading.Thread(
        target=server.run,
        kwargs={"sockets": [listener]},
        name="emulator",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _server(application: Starlette, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        # A stream that is cut off at the end is no error.
        log_level="critical",
        access_log=False,
        # The app's client gives up on a connection without a ping for a few seconds.
        ws_ping_interval=1,
        ws_ping_timeout=60,
        # A page's stream never ends by itself: nothing is waited for.
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)
