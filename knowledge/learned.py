"""What has been learned so far: the file of the latest training, read again when it has changed."""

import threading
from pathlib import Path

from bot.clock import monotonic
from knowledge.training import FILE, Model, load

LOOKED_AT_EVERY = 5.0


class Learned:
    """The model in this folder. Any process may train; every process reads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._model: Model | None = None
        self._stamp = 0
        self._looks_at = 0.0
        self._looking = threading.Lock()

    @property
    def model(self) -> Model | None:
        """The latest one; None as long as nothing has been learned."""
        with self._looking:
            if monotonic() >= self._looks_at:
                self._looks_at = monotonic() + LOOKED_AT_EVERY
                self._look()
            return self._model

    def _look(self) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            return
        if stamp != self._stamp:
            self._stamp = stamp
            self._model = load(self._path.parent) or self._model
