"""Training: from what people confirmed to one file of arrays. It runs in a process of its own, so that the bot stays small and quick.

The file is versioned by what went into it; nothing in it can be executed (arrays only).
"""

import contextlib
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from bot.cases.playbook import Playbook
from bot.cases.precedent import Label, Precedent
from bot.cases.signal import UNRECOGNISED
from bot.ports.memory import PrecedentStore
from knowledge.embedder import Embedder
from knowledge.learner import Example
from knowledge.plan_model import MOST_PRECEDENTS, PlanModel, train_plan
from knowledge.recogniser import RecogniserModel, train_recogniser

FILE = "model.npz"
MOST_EXAMPLES_PER_KIND = 150
FORMAT = "1"
MAX_BYTES = 512 * 1024 * 1024
# What numpy and zipfile throw at bytes that are not what they say; running out of memory over a false size is among it.
UNREADABLE = (
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


@dataclass(frozen=True)
class Model:
    """Everything that was learned. ``version`` names the lessons it was learned from."""

    version: str
    taught: int
    embedder: str
    recogniser: RecogniserModel | None
    plans: Mapping[str, PlanModel]


@dataclass(frozen=True)
class Lessons:
    """What there is to learn from: only what people wrote or confirmed."""

    examples: tuple[Example, ...]
    novel: tuple[str, ...]
    precedents: Mapping[str, Sequence[Precedent]]
    embedder: str
    taught: int

    @property
    def version(self) -> str:
        """The same lessons make the same version."""
        told = hashlib.sha256(f"{FORMAT}\n{self.embedder}".encode())
        for example in self.examples:
            told.update(f"\0{example.label}\1{example.text}".encode("utf-8", "replace"))
        for text in self.novel:
            told.update(f"\2{text}".encode("utf-8", "replace"))
        for kind, precedents in sorted(self.precedents.items()):
            for precedent in precedents:
                told.update(f"\3{kind}\1{precedent.id}\1{precedent.ended}".encode())
        return told.hexdigest()[:12]


def lessons(
    shelf: PrecedentStore, playbooks: Mapping[str, Playbook], embedder: Embedder
) -> Lessons:
    """Gather them: the playbooks' own examples, decided cases, and people's labels; for every kind that has a playbook."""
    examples: list[Example] = []
    precedents: dict[str, Sequence[Precedent]] = {}
    for kind, playbook in sorted(playbooks.items()):
        if kind == UNRECOGNISED:
            continue
        found = [one for one in shelf.of_kind(kind, MOST_PRECEDENTS) if one.is_trainable]
        precedents[kind] = found
        examples += [Example(text, kind, {}) for text in playbook.examples]
        examples += [
            Example(one.said, kind, {}) for one in found[-MOST_EXAMPLES_PER_KIND:] if one.named
        ]
    labels = shelf.labels()
    examples += [
        Example(label.said, label.kind, {}) for label in labels if _is_known(label, playbooks)
    ]
    novel = tuple(label.said for label in labels if not label.kind)
    return Lessons(
        tuple(examples), novel, precedents, embedder.identity, shelf.count() + len(labels)
    )


def _is_known(label: Label, playbooks: Mapping[str, Playbook]) -> bool:
    return label.kind in playbooks and label.kind != UNRECOGNISED


def learn(
    given: Lessons, embedder: Embedder, progress: Callable[[str], None] = lambda what: None
) -> Model:
    """Train recognition, then each kind's plans."""
    progress("recognition")
    recogniser = train_recogniser(given.examples, given.novel, embedder, given.version)
    plans = {}
    for kind, precedents in given.precedents.items():
        progress(kind)
        vectors = embedder.embed([precedent.said for precedent in precedents])
        model = train_plan(kind, precedents, vectors)
        if model:
            plans[kind] = model
    return Model(given.version, given.taught, given.embedder, recogniser, plans)


def save(model: Model, folder: Path) -> Path:
    """Write the file whole or not at all: a reader never sees half of one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    arrays: dict[str, Any] = {
        "version": np.array(model.version),
        "plans": np.array(sorted(model.plans)),
    }
    arrays |= {
        "taught": np.array(model.taught),
        "embedder": np.array(model.embedder),
        "format": np.array(FORMAT),
    }
    if model.recogniser:
        arrays |= model.recogniser.arrays()
    for plan in model.plans.values():
        arrays |= plan.arrays()
    unfinished = folder / f".{FILE}.{os.getpid()}.npz"
    np.savez(unfinished, **arrays)
    if (folder / FILE).is_dir():
        # A folder cannot be written over: it is kept, beside.
        (folder / FILE).rename(
            folder / f"{FILE}.broken-{len(list(folder.glob(f'{FILE}.broken-*'))) + 1}"
        )
    return unfinished.replace(folder / FILE)


def load(folder: Path) -> Model | None:
    """Read the model of the latest training; None when there is none.

    Raises:
        MemoryUnavailable: what is there is damaged, or was written by a release that wrote it otherwise.
    """
    path = folder / FILE
    try:
        if not path.exists():
            return None
        _must_be_small(path)
        with np.load(path) as arrays:
            return _read(arrays)
    except UNREADABLE as failure:
        raise MemoryUnavailable(
            f"what was learned cannot be read ({type(failure).__name__}): plans are suggested without it until "
            "training writes it again; `countersign memory train` does that now"
        ) from None


def _must_be_small(path: Path) -> None:
    """A few kilobytes may say that they unpack to any number of gigabytes: what they say is looked at first."""
    with zipfile.ZipFile(path) as packed:
        if sum(member.file_size for member in packed.infolist()) > MAX_BYTES:
            raise ValueError("it says that it is larger than any training makes it")


def _read(arrays: Mapping[str, Any]) -> Model:
    # Before there was a number in it there was one format, the first.
    if str(arrays.get("format", "1")) != FORMAT:
        raise ValueError("another release wrote it")
    version, taught, embedder = (
        str(arrays["version"]),
        int(arrays["taught"]),
        str(arrays["embedder"]),
    )
    plans = {str(kind): PlanModel.from_arrays(str(kind), arrays) for kind in arrays["plans"]}
    recogniser = RecogniserModel.from_arrays(arrays) if "recogniser.version" in arrays else None
    learners = [plan.learner for plan in plans.values()] + (
        [recogniser.learner] if recogniser else []
    )
    if len({learner.width for learner in learners}) > 1:
        raise ValueError("its parts were learned over different vectors")
    return Model(version, taught, embedder, recogniser, plans)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Train here and nowhere else at the same time; whoever is killed lets go.

    Raises:
        MemoryUnavailable: another process is training over this memory.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "training.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise MemoryUnavailable(
            "another training of this memory is running; wait for it to end"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_worth_it(model: Model | None, shelf: PrecedentStore, embedder: Embedder) -> bool:
    """Whether enough has been taught since to learn again: a twentieth more, or ten."""
    if model is None or model.embedder != embedder.identity:
        return True
    more = shelf.count() + len(shelf.labels()) - model.taught
    return more >= max(10, model.taught // 20) or more < 0
