"""Training of the slots of questions, within a second or two.

Each label is a support vector machine against all other examples. One curve, measured on examples
that training did not see, says how sure a score is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from knowledge.learning.question_examples import SlotQuestion
from knowledge.learning.question_features import FeatureCache
from knowledge.learning.question_head import QuestionHead
from knowledge.learning.question_matrix import design_matrix, rarity
from knowledge.learning.slot_model import SlotModel

PENALTY = 1.0
TOLERANCE = 0.1
#: The logistic curve from scores to probabilities, fitted on examples that training did not see.
SLOPE = 5.5
OFFSET = -0.07
#: Every so many examples there is one with small talk around it.
TALK_INTERVAL = 6
MAX_TALK_WORDS = 8
#: A prime number: neighbours get small talk of all sorts.
TALK_STRIDE = 53
#: A label with fewer examples is not learned.
MIN_EXAMPLES = 3


def train_slot_model(
    examples: Sequence[SlotQuestion], cache: FeatureCache | None = None
) -> SlotModel | None:
    """Train on the examples; return None when they have no two labels."""
    labels = _list_labels(examples)
    if len(labels) < 2:
        return None
    questions = (*examples, *_add_small_talk(examples))
    cache = FeatureCache() if cache is None else cache
    features = [cache[question.text] for question in questions]
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
    return SlotModel(
        head=head,
        slopes=np.full(len(labels), SLOPE, np.float32),
        offsets=np.full(len(labels), OFFSET, np.float32),
    )


def _add_small_talk(examples: Sequence[SlotQuestion]) -> Iterator[SlotQuestion]:
    """Yield some examples with irrelevant words before or after them.

    Without them the model would be too shy of long questions.
    """
    talk = [
        example.text.split()
        for example in examples
        if not example.labels and "{" not in example.text and " " in example.text
    ]
    slot_examples = [example for example in examples if example.labels]
    for place, example in enumerate(slot_examples[::TALK_INTERVAL]):
        if talk:
            words = talk[place * TALK_STRIDE % len(talk)][:MAX_TALK_WORDS]
            pieces = [" ".join(words), example.text]
            if place % 3 == 0:
                pieces.reverse()
            yield SlotQuestion(" ".join(pieces), example.labels)


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
