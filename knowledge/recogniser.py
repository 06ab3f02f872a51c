"""Which kind a signal is whose source does not say so; or none, and then a person is asked.

A linear head over meaning and words says which kind it would be. Whether it is any known kind at all is another question, answered by
how near its nearest known examples are as well: the two together are weighed on examples whose whole kind was hidden from training.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot import metrics
from bot.cases.recognition import Guess, Recognition
from knowledge.embedder import Embedder, Vectors
from knowledge.learner import Example, Learner, finite, train

MOST_PER_KIND = 150
NEIGHBOURS = 3
SHOWN = 3
# The share of right answers that the threshold may cost: with few examples, or without meaning, we would rather ask.
MAY_LOSE, MAY_LOSE_WITH_FEW = 0.003, 0.05
FEW = 1_000
# With few examples it must at least be more likely right than wrong.
LEAST_WITH_FEW = 0.5
# The label of what people called new: it competes with the kinds, and never wins a case.
NOVEL = ""


@dataclass(frozen=True)
class RecogniserModel:
    """``curve`` weighs best score, lead over the second, and nearness into the probability of being right; below ``threshold``, or
    further than ``least_near`` from anything known: none."""

    version: str
    embedder: str
    learner: Learner
    known: Vectors
    curve: NDArray[np.float64]
    threshold: float
    least_near: float
    examples: int

    @property
    def kinds(self) -> int:
        return sum(label != NOVEL for label in self.learner.labels)

    def confidence(self, signs: NDArray[np.float64]) -> float:
        return 1 / (
            1 + math.exp(-float(np.clip(signs @ self.curve[:-1] + self.curve[-1], -30, 30)))
        )

    def fits(self, signs: NDArray[np.float64]) -> bool:
        """Whether the best kind may be named at all."""
        return self.confidence(signs) >= self.threshold and signs[-1] >= self.least_near

    def arrays(self) -> dict[str, Any]:
        facts = {
            "version": self.version,
            "embedder": self.embedder,
            "threshold": self.threshold,
            "least_near": self.least_near,
            "examples": self.examples,
        }
        plain = {f"recogniser.{name}": np.array(value) for name, value in facts.items()}
        return {
            **plain,
            "recogniser.known": self.known.astype(np.float16),
            "recogniser.curve": self.curve,
            **self.learner.arrays("recogniser"),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "RecogniserModel":
        def of(name: str) -> Any:
            return arrays[f"recogniser.{name}"]

        learner = Learner.from_arrays("recogniser", arrays)
        known, curve = finite(of("known")), finite(of("curve"))
        threshold, least_near = (float(finite(of(part))) for part in ("threshold", "least_near"))
        if (
            known.ndim != 2
            or not len(known)
            or known.shape[1] != learner.width
            or curve.shape != (4,)
        ):
            raise ValueError("what recognition knows does not fit what it learned")
        return cls(
            version=str(of("version")),
            embedder=str(of("embedder")),
            learner=learner,
            known=known.astype(np.float32),
            curve=curve,
            threshold=threshold,
            least_near=least_near,
            examples=int(of("examples")),
        )


class TrainedRecogniser:
    """Asks the model of the latest training (``latest``); abstains as long as there is none."""

    def __init__(
        self,
        latest: Callable[[], RecogniserModel | None],
        embedder: Embedder,
        titles: Mapping[str, str],
    ) -> None:
        self._latest = latest
        self._embedder = embedder
        self._titles = titles

    def recognise(self, text: str) -> Recognition:
        """Which of the kinds with a playbook, or none, with the next best guesses."""
        found = self._recognise(text)
        metrics.RECOGNITIONS.labels("abstained" if found.abstains else "recognised").inc()
        return found

    def _recognise(self, text: str) -> Recognition:
        model = self._latest()
        if not text.strip():
            return Recognition(kind="", confidence=0, guesses=(), basis="it says nothing", model="")
        if model is None or model.embedder != self._embedder.identity:
            return Recognition(
                kind="",
                confidence=0,
                guesses=(),
                basis="recognition has not been trained yet",
                model="",
            )
        vector = self._embedder.embed([text])[0]
        if len(vector) != model.learner.width:
            return Recognition(
                kind="",
                confidence=0,
                guesses=(),
                basis="recognition was trained over other vectors",
                model="",
            )
        scores = model.learner.scores(text, {}, vector)
        labels = model.learner.labels
        # A kind whose playbook is gone is nothing that anybody could choose.
        order = [place for place in np.argsort(-scores) if labels[place] in self._titles][:SHOWN]
        if not order:
            return Recognition(
                kind="",
                confidence=0,
                guesses=(),
                basis="recognition was trained for other kinds",
                model=model.version,
            )
        signs = signs_of(labels, scores, model.known @ vector)
        confidence = model.confidence(signs)
        shares = np.exp(4 * (scores[order] - scores[order[0]]))
        guesses = tuple(
            self._guess(model.learner.labels[place], confidence * float(share))
            for place, share in zip(order, shares, strict=True)
        )
        basis = f"learned from {model.examples} examples of {model.kinds} kinds"
        fits = model.fits(signs) and guesses[0].kind in self._titles
        return Recognition(
            kind=guesses[0].kind if fits else "",
            confidence=guesses[0].confidence,
            guesses=guesses,
            basis=basis,
            model=model.version,
        )

    def _guess(self, kind: str, confidence: float) -> Guess:
        return Guess(kind, self._titles.get(kind, kind), round(100 * confidence))


def best_of(labels: Sequence[str], scores: NDArray[Any]) -> int:
    """The place of the best kind."""
    return int(np.where(np.array(labels) == NOVEL, -np.inf, scores).argmax())


def signs_of(
    labels: Sequence[str], scores: NDArray[Any], nearness: NDArray[Any]
) -> NDArray[np.float64]:
    """What tells a right answer from a wrong one: the best kind's score, its lead over all else, and how near known examples are."""
    best = best_of(labels, scores)
    lead = scores[best] - np.delete(scores, best).max()
    near = np.sort(nearness)[-NEIGHBOURS:].mean()
    return np.array([scores[best], lead, near], np.float64)


def train_recogniser(
    examples: Sequence[Example],
    novel: Sequence[str],
    embedder: Embedder,
    version: str,
    *,
    folds: int = 4,
) -> RecogniserModel | None:
    """Learn from labelled texts, and from those that people called new; None when there are not two kinds with two examples each.

    Takes some seconds for hundreds of examples, a minute or two for ten thousand.
    """
    examples = _balanced(examples)
    kinds = sorted({example.label for example in examples})
    if len(kinds) < 2:
        return None
    known = len(examples)
    examples += [Example(text, NOVEL, {}) for text in dict.fromkeys(novel) if text.strip()]
    vectors = embedder.embed([example.text for example in examples])
    learner = train(examples, vectors, penalty=0.5)
    signs, right = _rehearsed(examples, vectors, min(folds, len(kinds)))
    few = len(examples) < FEW or not embedder.is_semantic
    may_lose = MAY_LOSE_WITH_FEW if few else MAY_LOSE
    curve, threshold = _weighed(signs, right, may_lose)
    least_near = -1.0
    if few:
        threshold = max(threshold, LEAST_WITH_FEW)
        # The curve is rough then: what is far from everything known is not named, however it scores.
        least_near = float(np.quantile(signs[right][:, -1], may_lose)) if right.any() else 1.0
    return RecogniserModel(
        version, embedder.identity, learner, vectors[:known], curve, threshold, least_near, known
    )


def _balanced(examples: Sequence[Example]) -> list[Example]:
    """At most so many of each kind, the latest ones; a kind with one example cannot be rehearsed and is left out."""
    grouped: dict[str, dict[str, Example]] = defaultdict(dict)
    for example in examples:
        if example.text.strip():
            grouped[example.label].pop(example.text, None)
            grouped[example.label][example.text] = example
    return [
        example
        for _, group in sorted(grouped.items())
        if len(group) > 1
        for example in list(group.values())[-MOST_PER_KIND:]
    ]


def _rehearsed(
    examples: Sequence[Example], vectors: Vectors, folds: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Signs and rightness on examples that training did not see: of known kinds, and of kinds hidden as a whole."""
    kinds = sorted({example.label for example in examples} - {NOVEL})
    dice = np.random.default_rng(0)
    hidden_in = dict(zip(kinds, dice.permutation(len(kinds)) % folds, strict=True))
    held_in = dice.permutation(len(examples)) % folds
    strange = np.array([example.label == NOVEL for example in examples])
    signs, right = [], []
    for fold in range(folds):
        hidden = np.array([hidden_in.get(example.label) == fold for example in examples])
        seen = ~hidden & (held_in != fold)
        taught = [example for example, is_seen in zip(examples, seen, strict=True) if is_seen]
        if len({example.label for example in taught} - {NOVEL}) < 2:
            continue
        learner = train(taught, vectors[seen], penalty=0.5)
        known = vectors[seen & ~strange]
        held = held_in == fold
        asked = [
            (example, vector)
            for example, vector, ask in zip(examples, vectors, held, strict=True)
            if ask
        ]
        for example, vector in asked:
            scores = learner.scores(example.text, {}, vector)
            signs.append(signs_of(learner.labels, scores, known @ vector))
            right.append(learner.labels[best_of(learner.labels, scores)] == example.label)
    return np.array(signs), np.array(right, bool)


def _weighed(
    signs: NDArray[np.float64], right: NDArray[np.bool_], may_lose: float
) -> tuple[NDArray[np.float64], float]:
    """The curve, and the confidence below which at most ``may_lose`` of the right answers lie."""
    if len(signs) == 0 or right.all() or not right.any():
        # Nothing to tell right from wrong by: abstain from everything.
        return np.zeros(4), 1.1
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=100.0, max_iter=1000).fit(signs, right)
    curve = np.concatenate([fitted.coef_[0], fitted.intercept_])
    confident = 1 / (1 + np.exp(-(signs[right] @ curve[:-1] + curve[-1])))
    return curve, float(np.quantile(confident, may_lose))
