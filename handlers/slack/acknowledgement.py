"""Acknowledgements of Slack's requests, sent while their listeners go on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Protocol

from slack_bolt import Ack, BoltResponse


class Transport(Protocol):
    """The way back to Slack of one request."""

    def deliver(self, response: BoltResponse) -> None:
        """Send the response, and wait for a connection if necessary."""

    def deliver_at_once(self, response: BoltResponse) -> bool:
        """Send the response without any wait. Tell whether that was possible."""

    def end(self) -> None:
        """Note that the request is over, acknowledged or not."""


class Acknowledgement(Ack):
    """Delivers Bolt's response as soon as the listener makes it, once.

    Bolt's own is sent when the listener has returned, after its calls to Slack. As a context it
    ends with the request, unless the listener has deferred it.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._transport = transport
        self._lock = threading.Lock()
        self._is_over = False
        self._is_deferred = False

    def __enter__(self) -> "Acknowledgement":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_deferred and self._is_first():
            self._transport.end()

    def __call__(self, *arguments: Any, **options: Any) -> BoltResponse:
        response = super().__call__(*arguments, **options)
        self._deliver(response)
        return response

    def send(self, response: BoltResponse) -> None:
        """Deliver this response, unless one was delivered or is deferred."""
        if not self._is_deferred:
            self._deliver(response)

    def defer(self, durable: Future[Any], otherwise: Callable[[], None]) -> None:
        """Acknowledge from the callback of a write, when it is durable.

        No thread waits for it. When it fails, ``otherwise`` runs in a thread, and acknowledges by
        itself.
        """
        self._is_deferred = True
        response = super().__call__()
        durable.add_done_callback(partial(self._finish, response, otherwise))

    def _finish(
        self, response: BoltResponse, otherwise: Callable[[], None], durable: Future[Any]
    ) -> None:
        # This is the thread that writes, for which all others wait.
        if durable.exception() is not None:
            threading.Thread(target=self._run, args=(otherwise,), name="slack-again").start()
        elif not self._transport.deliver_at_once(response):
            threading.Thread(target=self._deliver, args=(response,), name="slack-late").start()
        elif self._is_first():
            self._transport.end()

    def _run(self, otherwise: Callable[[], None]) -> None:
        try:
            otherwise()
        finally:
            if self._is_first():
                self._transport.end()

    def _deliver(self, response: BoltResponse) -> None:
        if not self._is_first():
            return
        try:
            self._transport.deliver(response)
        finally:
            self._transport.end()

    def _is_first(self) -> bool:
        with self._lock:
            is_first = not self._is_over
            self._is_over = True
        return is_first
