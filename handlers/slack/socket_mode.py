"""Socket Mode: Slack over a connection that we open."""

import http.client
import logging
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

log = logging.getLogger(__name__)
WORKERS = 16
MIN_RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 60.0


class SocketModeConnection:
    """A connection that is tried again while Slack cannot be reached."""

    def __init__(
        self,
        app: App,
        app_token: str,
        base_url: str,
    ) -> None:
        client = WebClient(token=app_token, base_url=base_url, retry_handlers=[])
        self._handler = SocketModeHandler(
            app,
            app_token,
            web_client=client,
            concurrency=WORKERS,
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._connect,
            name="slack-socket",
            daemon=True,
        )

    def open(self) -> None:
        """Begin to connect, and return at once."""
        self._thread.start()

    def close(self) -> None:
        """Disconnect, and wait for the thread to end."""
        self._closing.set()
        self._thread.join()
        self._handler.close()  # type: ignore[no-untyped-call]

    def is_connected(self) -> bool:
        """Tell whether events arrive now."""
        return bool(self._handler.client.is_connected())

    def _connect(self) -> None:
        delay = MIN_RETRY_SECONDS
        while not self._closing.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except (SlackClientError, OSError, http.client.HTTPException) as error:
                log.warning("Slack cannot be reached (%s); trying again in %.0f s", error, delay)
                self._closing.wait(delay)
                delay = min(delay * 2, MAX_RETRY_SECONDS)
            else:
                # From here on the SDK reconnects by itself.
                return
