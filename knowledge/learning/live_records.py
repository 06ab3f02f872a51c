"""The answers since the last training, in the order of the store.

Nothing is kept but in memory: every process derives the same records from the stored precedents,
after a restart as before it. It reads them when memory follows the store, never for a card.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bot.cases.promise import PromiseRecord
from bot.ports.memory import PrecedentSource, StoredPrecedent
from knowledge.learning.live_record import (
    NO_RECORD,
    CardAnswer,
    LiveRecord,
    answer_of,
    live_record,
)
from knowledge.learning.model_file import TrainedModel

log = logging.getLogger(__name__)
#: Changes that are read at a time.
PAGE_SIZE = 200


@dataclass(frozen=True)
class _State:
    """The records since one training, up to a place."""

    #: The version of the model, and the place of the last change that it has seen.
    training: tuple[str, int]
    place: int
    #: By kind, and by the card that was answered.
    answers: Mapping[str, Mapping[str, CardAnswer]] = field(default_factory=dict)
    records: Mapping[str, LiveRecord] = field(default_factory=dict)


class LiveRecords:
    """The live record of each kind that has a plan model."""

    def __init__(
        self, shelf: PrecedentSource, latest_model: Callable[[], TrainedModel | None]
    ) -> None:
        self._shelf = shelf
        self._latest_model = latest_model
        self._lock = threading.Lock()
        self._state: _State | None = None

    def of_kind(self, kind: str) -> LiveRecord | None:
        """Return the record of a kind.

        None while the answers since the training have not been read yet.
        """
        state, model = self._state, self._latest_model()
        if state is None or model is None or state.training != _training_of(model):
            return None
        return state.records.get(kind, NO_RECORD)

    def lapses(self) -> list[PromiseRecord]:
        """Return the promises that are not given at present."""
        state = self._state
        records = state.records.values() if state else ()
        return [promise for record in records for promise in record.promises if promise.has_lapsed]

    def is_outdated(self) -> bool:
        """Tell whether there was a training since the answers were read."""
        model, state = self._latest_model(), self._state
        if model is None:
            return False
        return state is None or state.training != _training_of(model)

    def follow(self) -> None:
        """Read the answers that are new, or those since a new training."""
        model = self._latest_model()
        if model is None:
            return
        with self._lock:
            training = _training_of(model)
            state = self._state
            if state is None or state.training != training:
                state = _State(training, model.memory_place)
            while changes := self._shelf.changes_since(state.place, PAGE_SIZE):
                state = _add(state, changes)
            self._state = state


def _training_of(model: TrainedModel) -> tuple[str, int]:
    return model.version, model.memory_place


def _add(state: _State, changes: Iterable[StoredPrecedent]) -> _State:
    """Return the state after these changes."""
    answers = dict(state.answers)
    records = dict(state.records)
    place = state.place
    changed_kinds = set()
    for change in changes:
        place = change.seq
        kind, card_id = change.precedent.kind, change.precedent.card_id
        answer = None if change.is_gone else answer_of(change.precedent, change.seq)
        if answer is None and card_id not in answers.get(kind, {}):
            continue
        of_kind = dict(answers.get(kind, {}))
        of_kind.pop(card_id, None)
        if answer:
            of_kind[card_id] = answer
        answers[kind] = of_kind
        changed_kinds.add(kind)
    for kind in changed_kinds:
        records[kind] = live_record(kind, answers[kind].values())
        _log_new_lapses(state.records.get(kind, NO_RECORD), records[kind])
    return _State(state.training, place, answers=answers, records=records)


def _log_new_lapses(before: LiveRecord, record: LiveRecord) -> None:
    for promise in record.promises:
        if promise.has_lapsed and before.lapse_of(promise.percent) is None:
            log.warning(
                "the promise of %s %% right for %s has lapsed: %s of %s were right",
                *(promise.percent, promise.kind, promise.right, promise.total),
            )
