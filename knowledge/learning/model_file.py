"""What has been learned so far: the file of the latest training, read again when it has changed."""

import logging
import threading
from pathlib import Path

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.learning.training import FILE_NAME, TrainedModel, load_model

log = logging.getLogger(__name__)
LOOKED_AT_EVERY = 5.0


class ModelFile:
    """The model in this folder. Any process may train; every process reads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._model: TrainedModel | None = None
        self._failure = ""
        self._stamp = 0
        self._looks_at = 0.0
        self._looking = threading.Lock()

    @property
    def model(self) -> TrainedModel | None:
        """The latest one that could be read; None as long as there is none."""
        return self._latest()[0]

    @property
    def failure(self) -> str:
        """Why the file that is there cannot be used; empty when it can, or when there is none."""
        return self._latest()[1]

    def _latest(self) -> tuple[TrainedModel | None, str]:
        with self._looking:
            if monotonic() >= self._looks_at:
                self._looks_at = monotonic() + LOOKED_AT_EVERY
                self._look()
            return self._model, self._failure

    def _look(self) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            return
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._model, self._failure = load_model(self._path.parent), ""
        except MemoryUnavailable as failure:
            # Once for each file: what was read before goes on being used, and training writes a new one.
            self._failure = str(failure)
            log.warning("%s", failure)
