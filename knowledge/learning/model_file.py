"""The model file: the result of a training.

Nothing in it can be executed: it holds arrays alone. Any process may train; every process
reads the file again when it has changed.
"""

import logging
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.arrays import np
from knowledge.learning.array_file import ArrayFile
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.question_model import QuestionModel
from knowledge.learning.recogniser import RecogniserModel

log = logging.getLogger(__name__)
FILE_NAME = "model.npz"
# Change it when an older file must not be read: the bot then trains again.
FORMAT = "2"
MAX_BYTES = 512 * 1024 * 1024
CHECK_INTERVAL_SECONDS = 5.0
# Raised by numpy and zipfile for damaged files. A false size can exhaust the memory.
READ_ERRORS = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
)


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The result of one training."""

    #: The version of the training set.
    version: str
    #: How many precedents and labels there were then.
    memory_size: int
    #: The place of the last change of memory that it has seen.
    memory_place: int
    #: The identity of the embedder of precedents; recognition and each plan name their own.
    embedder: str
    recogniser: RecogniserModel | None
    #: A plan model for each kind that has enough precedents.
    plans: Mapping[str, PlanModel]
    #: Files of earlier releases have none.
    questions: QuestionModel | None = None


class ModelFile:
    """The latest model in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._model: TrainedModel | None = None
        self._failure = ""
        self._modified_at = 0
        self._next_check = 0.0
        self._lock = threading.Lock()

    @property
    def model(self) -> TrainedModel | None:
        """Return the latest model that could be read, if any."""
        return self._latest()[0]

    @property
    def failure(self) -> str:
        """Return why the file cannot be used.

        The reason is empty when the file can be used, or when there is none.
        """
        return self._latest()[1]

    def _latest(self) -> tuple[TrainedModel | None, str]:
        with self._lock:
            if monotonic() >= self._next_check:
                self._next_check = monotonic() + CHECK_INTERVAL_SECONDS
                self._read_if_changed()
            return self._model, self._failure

    def _read_if_changed(self) -> None:
        try:
            modified_at = self._path.stat().st_mtime_ns
        except OSError:
            return
        if modified_at == self._modified_at:
            return
        self._modified_at = modified_at
        try:
            self._model = load_model(self._path.parent)
            self._failure = ""
        except MemoryUnavailable as failure:
            # Logged once for each file. The model before it stays in use until training writes a
            # new one.
            self._failure = str(failure)
            log.warning("%s", failure)


def save_model(model: TrainedModel, folder: Path) -> Path:
    """Write the file completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE_NAME
    temporary_path = folder / f".{FILE_NAME}.{os.getpid()}.npz"
    np.savez(temporary_path, **_to_arrays(model))
    if path.is_dir():
        # A folder cannot be replaced by a file: it is kept under another name.
        number = len(list(folder.glob(f"{FILE_NAME}.broken-*"))) + 1
        path.rename(folder / f"{FILE_NAME}.broken-{number}")
    return temporary_path.replace(path)


def load_model(folder: Path) -> TrainedModel | None:
    """Read the model of the latest training, if any.

    Raises:
        MemoryUnavailable: the file is damaged, or of a release with another format.
    """
    path = folder / FILE_NAME
    try:
        if not path.exists():
            return None
        _require_plausible_size(path)
        with ArrayFile(path) as arrays:
            return _from_arrays(arrays)
    except READ_ERRORS as failure:
        raise MemoryUnavailable(
            f"what was learned cannot be read ({type(failure).__name__}): plans are suggested"
            " without it until training writes it again;"
            " `countersign memory train` does that now"
        ) from None


def _require_plausible_size(path: Path) -> None:
    # A few kilobytes can claim to unpack to gigabytes: the claim is checked before unpacking.
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_BYTES:
        raise ValueError("it says that it is larger than any training makes it")


def _to_arrays(model: TrainedModel) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "version": np.array(model.version),
        "plans": np.array(sorted(model.plans)),
        "taught": np.array(model.memory_size),
        "place": np.array(model.memory_place),
        "embedder": np.array(model.embedder),
        "format": np.array(FORMAT),
    }
    if model.recogniser:
        arrays |= model.recogniser.to_arrays()
    if model.questions:
        arrays |= model.questions.to_arrays()
    for plan in model.plans.values():
        arrays |= plan.to_arrays()
    return arrays


def _from_arrays(arrays: Mapping[str, Any]) -> TrainedModel:
    # Files from before the format had a number are in the first one.
    if str(arrays.get("format", "1")) != FORMAT:
        raise ValueError("another release wrote it")
    recogniser = None
    if "recogniser.version" in arrays:
        recogniser = RecogniserModel.from_arrays(arrays)
    questions = None
    if "questions.version" in arrays:
        questions = QuestionModel.from_arrays(arrays)
    plans = {}
    for kind in map(str, arrays["plans"]):
        plans[kind] = PlanModel.from_arrays(kind, arrays)
    model = TrainedModel(
        version=str(arrays["version"]),
        memory_size=int(arrays["taught"]),
        memory_place=int(arrays["place"]),
        embedder=str(arrays["embedder"]),
        recogniser=recogniser,
        plans=plans,
        questions=questions,
    )
    _require_one_size(plans.values())
    return model


def _require_one_size(plans: Iterable[PlanModel]) -> None:
    """Require that plans of one embedder score vectors of one size."""
    sizes: dict[str, int] = {}
    for plan in plans:
        size = plan.linear_model.vector_size
        if sizes.setdefault(plan.embedder, size) != size:
            raise ValueError("its plans were learned over different vectors")
