"""Training: from what people confirmed to one file of arrays. It runs in a process of its own, so that the bot stays small and quick.

The file is versioned by what went into it; nothing in it can be executed (arrays only).
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.cases.playbook import Playbook
from bot.cases.precedent import Label, Precedent
from bot.cases.signal import UNRECOGNISED
from bot.ports import Shelf
from knowledge.embedder import Embedder
from knowledge.learner import Example
from knowledge.plan_model import MOST_PRECEDENTS, PlanModel, train_plan
from knowledge.recogniser import RecogniserModel, train_recogniser

FILE = "model.npz"
MOST_EXAMPLES_PER_KIND = 150
FORMAT = "1"


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


def lessons(shelf: Shelf, playbooks: Mapping[str, Playbook], embedder: Embedder) -> Lessons:
    """Gather them: the playbooks' own examples, decided cases, and people's labels; for every kind that has a playbook."""
    examples: list[Example] = []
    precedents: dict[str, Sequence[Precedent]] = {}
    for kind, playbook in sorted(playbooks.items()):
        if kind == UNRECOGNISED:
            continue
        found = [one for one in shelf.of_kind(kind, MOST_PRECEDENTS) if one.teaches]
        precedents[kind] = found
        examples += [Example(text, kind, {}) for text in playbook.examples]
        examples += [Example(one.said, kind, {}) for one in found[-MOST_EXAMPLES_PER_KIND:] if one.named]
    labels = shelf.labels()
    examples += [Example(label.said, label.kind, {}) for label in labels if _is_known(label, playbooks)]
    novel = tuple(label.said for label in labels if not label.kind)
    return Lessons(tuple(examples), novel, precedents, embedder.identity, shelf.count() + len(labels))


def _is_known(label: Label, playbooks: Mapping[str, Playbook]) -> bool:
    return label.kind in playbooks and label.kind != UNRECOGNISED


def learn(given: Lessons, embedder: Embedder, progress: Callable[[str], None] = lambda what: None) -> Model:
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
    arrays: dict[str, Any] = {"version": np.array(model.version), "plans": np.array(sorted(model.plans))}
    arrays |= {"taught": np.array(model.taught), "embedder": np.array(model.embedder)}
    if model.recogniser:
        arrays |= model.recogniser.arrays()
    for plan in model.plans.values():
        arrays |= plan.arrays()
    unfinished = folder / f".{FILE}.{os.getpid()}.npz"
    np.savez(unfinished, **arrays)
    return unfinished.replace(folder / FILE)


def load(folder: Path) -> Model | None:
    """The model of the latest training; None when there is none, or what is there cannot be read."""
    try:
        with np.load(folder / FILE) as arrays:
            version, taught, embedder = str(arrays["version"]), int(arrays["taught"]), str(arrays["embedder"])
            plans = {str(kind): PlanModel.from_arrays(str(kind), arrays) for kind in arrays["plans"]}
            recogniser = RecogniserModel.from_arrays(arrays) if "recogniser.version" in arrays else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Model(version, taught, embedder, recogniser, plans)


def is_worth_it(model: Model | None, shelf: Shelf, embedder: Embedder) -> bool:
    """Whether enough has been taught since to learn again: a twentieth more, or ten."""
    if model is None or model.embedder != embedder.identity:
        return True
    more = shelf.count() + len(shelf.labels()) - model.taught
    return more >= max(10, model.taught // 20) or more < 0
