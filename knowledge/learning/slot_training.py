"""Training of the slots of questions, within about a second.

Each label is a support vector machine against all other examples. Questions that a model of the
others did not see say how sure a score is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from knowledge.learning.question_examples import SlotQuestion
from knowledge.learning.question_features import hash_question
from knowledge.learning.question_head import QuestionHead
from knowledge.learning.question_matrix import design_matrix, rarity
from knowledge.learning.slot_model import SlotModel

PENALTY = 1.0
TOLERANCE = 0.1
#: Of so many blocks of examples one is kept aside to fit the probabilities on.
HOLDOUT_DIVISOR = 3
#: Examples beside each other are often alike: so many are kept aside together.
BLOCK_LENGTH = 6
#: Every so many examples there is one with small talk around it.
TALK_INTERVAL = 4
MAX_TALK_WORDS = 8
#: A prime number: neighbours get small talk of all sorts.
TALK_STRIDE = 53
#: A label with fewer examples is not learned.
MIN_EXAMPLES = 3
#: With fewer of a label kept aside, the curve of all labels serves it.
MIN_CURVE_EXAMPLES = 15
DEFAULT_CURVE = (4.0, 0.0)


def train_slot_model(examples: Sequence[SlotQuestion]) -> SlotModel | None:
    """Train on the examples; return None when they have no two labels."""
    labels = _list_labels(examples)
    if len(labels) < 2:
        return None
    places, longer_questions = _add_small_talk(examples)
    questions = (*examples, *longer_questions)
    features = [hash_question(question.text) for question in questions]
    buckets, columns = np.unique(np.concatenate([row for row, _ in features]), return_inverse=True)
    scale = rarity(columns, row_count=len(features))
    matrix = design_matrix(features, columns, scale)
    answers = np.array([[label in question.labels for label in labels] for question in questions])
    weights, bias = _fit(matrix, answers)
    head = QuestionHead(
        labels=labels,
        buckets=buckets,
        scale=scale.astype(np.float32),
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
        sharpness=1.0,
    )
    is_unseen = _keep_aside([*range(len(examples)), *places])
    scores = _score_unseen(matrix, answers, is_unseen)
    curves = _fit_curves(scores, answers[is_unseen])
    return SlotModel(
        head=head,
        slopes=np.array([slope for slope, _ in curves], np.float32),
        offsets=np.array([offset for _, offset in curves], np.float32),
    )


def _add_small_talk(
    examples: Sequence[SlotQuestion],
) -> tuple[list[int], list[SlotQuestion]]:
    """Return some examples with words around them that say nothing of cases, and their places.

    Without them the model would be too shy of long questions.
    """
    talk = [
        example.text.split()
        for example in examples
        if not example.labels and "{" not in example.text and " " in example.text
    ]
    slot_places = [place for place, example in enumerate(examples) if example.labels]
    places = slot_places[::TALK_INTERVAL] if talk else []
    questions = []
    for number, place in enumerate(places):
        words = talk[number * TALK_STRIDE % len(talk)][:MAX_TALK_WORDS]
        pieces = [" ".join(words), examples[place].text]
        if number % 3 == 0:
            pieces.reverse()
        questions.append(SlotQuestion(" ".join(pieces), examples[place].labels))
    return places, questions


def _list_labels(questions: Sequence[SlotQuestion]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for question in questions:
        for label in question.labels:
            counts[label] = counts.get(label, 0) + 1
    return tuple(sorted(label for label, count in counts.items() if count >= MIN_EXAMPLES))


def _fit(matrix: Any, answers: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the weights and the bias of each label, one a column."""
    weights = np.zeros((matrix.shape[1], answers.shape[1]))
    bias = np.zeros(answers.shape[1])
    for place in range(answers.shape[1]):
        if answers[:, place].any():
            machine = LinearSVC(C=PENALTY, tol=TOLERANCE, random_state=0)
            machine.fit(matrix, answers[:, place])
            weights[:, place] = machine.coef_[0]
            bias[place] = machine.intercept_[0]
    return weights, bias


def _keep_aside(places: Sequence[int]) -> NDArray[np.bool_]:
    """Choose blocks of examples by their places; the same place is always chosen together."""
    blocks = np.array(places) // BLOCK_LENGTH
    is_chosen: NDArray[np.bool_] = blocks % HOLDOUT_DIVISOR == 1
    return is_chosen if is_chosen.any() else np.arange(len(blocks)) % HOLDOUT_DIVISOR == 1


def _score_unseen(
    matrix: Any, answers: NDArray[np.bool_], is_unseen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Score the questions that were kept aside by a model of the others."""
    weights, bias = _fit(matrix[~is_unseen], answers[~is_unseen])
    scores: NDArray[np.float64] = matrix[is_unseen] @ weights + bias
    return scores


def _fit_curves(
    scores: NDArray[np.float64], answers: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """Return slope and offset of the logistic curve from scores to probabilities, by label."""
    common = _fit_curve(scores.ravel(), answers.ravel())
    curves = []
    for place in range(answers.shape[1]):
        if answers[:, place].sum() < MIN_CURVE_EXAMPLES:
            curves.append(common)
        else:
            curves.append(_fit_curve(scores[:, place], answers[:, place]))
    return curves


def _fit_curve(scores: NDArray[np.float64], answers: NDArray[np.bool_]) -> tuple[float, float]:
    if answers.all() or not answers.any():
        return DEFAULT_CURVE
    curve = LogisticRegression(C=1e3).fit(scores[:, None], answers)
    return float(curve.coef_[0, 0]), float(curve.intercept_[0])
