"""Acknowledgements of Slack's requests, sent while their listeners go on."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from slack_bolt import Ack, BoltResponse


class Acknowledgement(Ack):
    """Delivers Bolt's response as soon as the listener makes it, once.

    Bolt's own is sent when the listener has returned, after its calls to Slack. As a context it
    ends with the request, acknowledged or not.
    """

    def __init__(self, deliver: Callable[[BoltResponse], None], end: Callable[[], None]) -> None:
        """Call ``end`` once, after the delivery or the end of the request."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._deliver = deliver
        self._end = end
        self._lock = threading.Lock()
        self._is_over = False

    def __enter__(self) -> "Acknowledgement":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_first():
            self._end()

    def __call__(self, *arguments: Any, **options: Any) -> BoltResponse:
        response = super().__call__(*arguments, **options)
        self.send(response)
        return response

    def send(self, response: BoltResponse) -> None:
        """Deliver this response, unless one was delivered."""
        if not self._is_first():
            return
        try:
            self._deliver(response)
        finally:
            self._end()

    def _is_first(self) -> bool:
        with self._lock:
            is_first = not self._is_over
            self._is_over = True
        return is_first
