"""The newest controls of the desk that this process has read."""

import threading

from bot.cases.controls import DeskControls


class MetControls:
    """Keep the newest controls. Only what is committed may be added."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._latest: DeskControls | None = None

    @property
    def latest(self) -> DeskControls | None:
        """Return them; None before any were met."""
        return self._latest

    def add(self, controls: DeskControls) -> None:
        """Take these, unless newer ones were met."""
        with self._lock:
            if self._latest is None or self._latest.version <= controls.version:
                self._latest = controls
