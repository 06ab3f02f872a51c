"""Recognition: the kind of a signal, or none of the known kinds.

It is for signals whose source does not name a kind. A linear model over text and vectors says which
kind it would be. Whether it is a known kind at all is another question: that depends on the best
score, its lead and how near known examples are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from bot import metrics
from bot.cases.recognition import KindGuess, Recognition
from knowledge.arrays import np
from knowledge.learning.calibration import logistic
from knowledge.learning.linear_model import Floats, LinearModel, require_finite
from knowledge.learning.recogniser_trade import RecognitionTrade
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_GUESSES = 3
# How many of the nearest examples count for the nearness of a signal.
NEIGHBOURS = 3
# How fast the confidence of further guesses falls with the distance to the best score.
GUESS_SHARPNESS = 4
# The label of what people called new: it competes with the kinds, but is never the answer.
NOVEL = ""
Features: TypeAlias = "NDArray[np.float64]"
"""The best score, its lead over all others, and the nearness of known examples."""
FEATURE_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionLimits:
    """Limit what is said of a kind, and when it is named."""

    #: A weight for each confidence feature, then the intercept of the logistic curve.
    curve: Features
    #: No kind is named below this confidence, nor below this nearness.
    threshold: float
    min_nearness: float
    #: A text with less nearness is unlike the past: so far from others is one example in twenty.
    usual_nearness: float
    #: How often answers on texts unlike the past are right: no more is stated of one.
    unlike_confidence: float

    def confidence(self, features: Features) -> float:
        """Return the probability that the best kind is right."""
        return logistic(float(features @ self.curve[:-1] + self.curve[-1]))

    def is_unlike_past(self, features: Features) -> bool:
        """Tell whether the text is farther away than examples are from others."""
        return bool(features[-1] < self.usual_nearness)

    def stated_confidence(self, features: Features) -> float:
        """Return the confidence that is told to people."""
        confidence = self.confidence(features)
        if self.is_unlike_past(features):
            return min(confidence, self.unlike_confidence)
        return confidence

    def is_known_kind(self, features: Features) -> bool:
        """Tell whether the best kind may be named at all."""
        is_confident = self.confidence(features) >= self.threshold
        return bool(is_confident and features[-1] >= self.min_nearness)

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of the limits for a file."""
        return {
            "recogniser.curve": self.curve,
            "recogniser.threshold": np.array(self.threshold),
            "recogniser.least_near": np.array(self.min_nearness),
            "recogniser.usual_near": np.array(self.usual_nearness),
            "recogniser.unlike": np.array(self.unlike_confidence),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> RecognitionLimits:
        """Read the limits from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the curve does not fit its features, or something is no number.
        """
        curve = require_finite(arrays["recogniser.curve"])
        if curve.shape != (FEATURE_COUNT + 1,):
            raise ValueError("the curve of recognition does not fit its features")
        return cls(
            curve=curve,
            threshold=float(require_finite(arrays["recogniser.threshold"])),
            min_nearness=float(require_finite(arrays["recogniser.least_near"])),
            usual_nearness=float(require_finite(arrays["recogniser.usual_near"])),
            unlike_confidence=float(require_finite(arrays["recogniser.unlike"])),
        )


@dataclass(frozen=True, kw_only=True)
class RecogniserModel:
    """The model of all kinds."""

    version: str
    #: The identity of the embedder.
    embedder: str
    linear_model: LinearModel
    #: The vectors of the examples of known kinds.
    example_vectors: Vectors
    limits: RecognitionLimits
    #: What the limits cost and keep out.
    trade: RecognitionTrade
    example_count: int

    @property
    def kind_count(self) -> int:
        """Count the known kinds."""
        return len(set(self.linear_model.labels) - {NOVEL})

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            **self.linear_model.to_arrays("recogniser"),
            **self.limits.to_arrays(),
            **self.trade.to_arrays(),
            "recogniser.version": np.array(self.version),
            "recogniser.embedder": np.array(self.embedder),
            "recogniser.known": self.example_vectors.astype(np.float16),
            "recogniser.examples": np.array(self.example_count),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> RecogniserModel:
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        linear_model = LinearModel.from_arrays("recogniser", arrays)
        vectors = require_finite(arrays["recogniser.known"])
        has_vectors = vectors.ndim == 2 and len(vectors) > 0
        if not has_vectors or vectors.shape[1] != linear_model.vector_size:
            raise ValueError("the examples of recognition do not fit its weights")
        return cls(
            version=str(arrays["recogniser.version"]),
            embedder=str(arrays["recogniser.embedder"]),
            linear_model=linear_model,
            example_vectors=vectors.astype(np.float32),
            limits=RecognitionLimits.from_arrays(arrays),
            trade=RecognitionTrade.from_arrays(arrays),
            example_count=int(arrays["recogniser.examples"]),
        )


class TrainedRecogniser:
    """Recognises kinds with the latest model.

    It abstains as long as there is none. ``titles`` are those of the kinds with a playbook.
    """

    def __init__(
        self,
        latest_model: Callable[[], RecogniserModel | None],
        embedder: Embedder,
        titles: Mapping[str, str],
    ) -> None:
        self._latest_model = latest_model
        self._embedder = embedder
        self._titles = titles

    def recognise(self, text: str) -> Recognition:
        """Name a kind with a playbook or none, and the best guesses."""
        recognition = self._recognise(text)
        outcome = "abstained" if recognition.abstains else "recognised"
        metrics.RECOGNITIONS.labels(outcome).inc()
        return recognition

    def is_trained(self) -> bool:
        """Tell whether there is a model for the present embedder."""
        model = self._latest_model()
        return model is not None and model.embedder == self._embedder.identity

    def _recognise(self, text: str) -> Recognition:
        if not text.strip():
            return _abstain("it says nothing")
        model = self._latest_model()
        if model is None or model.embedder != self._embedder.identity:
            return _abstain("recognition has not been trained yet")
        vector = self._embedder.embed([text])[0]
        if len(vector) != model.linear_model.vector_size:
            return _abstain("recognition was trained over other vectors")
        scores = model.linear_model.score(text, {}, vector)
        similarities = model.example_vectors @ vector
        features = confidence_features(model.linear_model.labels, scores, similarities)
        guesses = self._guess(model, scores, model.limits.stated_confidence(features))
        if not guesses:
            return _abstain("recognition was trained for other kinds", model.version)
        best = guesses[0]
        return Recognition(
            kind=best.kind if model.limits.is_known_kind(features) else "",
            confidence=best.confidence,
            guesses=guesses,
            basis=_describe_basis(model, is_unlike_past=model.limits.is_unlike_past(features)),
            model=model.version,
        )

    def _guess(
        self,
        model: RecogniserModel,
        scores: Floats,
        confidence: float,
    ) -> tuple[KindGuess, ...]:
        """List the best kinds that have a playbook.

        ``confidence`` is that of the first one.
        """
        guesses: list[KindGuess] = []
        best_score = None
        for position in np.argsort(-scores):
            kind = model.linear_model.labels[position]
            # A kind whose playbook was removed cannot be chosen by anybody.
            if kind not in self._titles:
                continue
            if best_score is None:
                best_score = scores[position]
            distance = scores[position] - best_score
            share = float(np.exp(GUESS_SHARPNESS * distance))
            guesses.append(KindGuess(kind, self._titles[kind], round(100 * (confidence * share))))
            if len(guesses) == MAX_GUESSES:
                break
        return tuple(guesses)


def best_kind_position(labels: Sequence[str], scores: NDArray[Any]) -> int:
    """Return the position of the best kind, without what people called new."""
    is_novel = np.array(labels) == NOVEL
    return int(np.where(is_novel, -np.inf, scores).argmax())


def confidence_features(
    labels: Sequence[str],
    scores: NDArray[Any],
    similarities: NDArray[Any],
) -> Features:
    """Compute the features that tell a right answer from a wrong one.

    ``similarities`` are those of the signal to every known example.
    """
    best = best_kind_position(labels, scores)
    lead = scores[best] - np.delete(scores, best).max()
    nearness = np.sort(similarities)[-NEIGHBOURS:].mean()
    return np.array([scores[best], lead, nearness], np.float64)


def _describe_basis(model: RecogniserModel, *, is_unlike_past: bool) -> str:
    basis = f"learned from {model.example_count} examples of {model.kind_count} kinds"
    return f"{basis}, which it is unlike" if is_unlike_past else basis


def _abstain(basis: str, version: str = "") -> Recognition:
    return Recognition(
        kind="",
        confidence=0,
        guesses=(),
        basis=basis,
        model=version,
    )
