"""The two voices of plan models: an even say, unless later answers speak against it."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_training import train_plan_model
from knowledge.learning.plan_voices import average_models, train_words_model
from tests.knowledge.learning.examples import make_stream

WORDS = {"refund": "money back", "explain": "why how"}


def make_examples(count):
    """Make examples, and vectors that say the opposite of the words."""
    labels = [list(WORDS)[number % 2] for number in range(count)]
    examples = [
        TrainingExample(f"{WORDS[label]} {number}", label, {})
        for number, label in enumerate(labels)
    ]
    return examples, np.eye(2, 4, dtype=np.float32)[np.arange(count) % 2]


def test_the_average_of_both_scores_as_the_mean_of_their_scores():
    examples, vectors = make_examples(40)
    joint = train_linear_model(examples, vectors, penalty=0.3)
    words = train_words_model(examples, vectors, penalty=0.3)
    both = average_models(joint, words)
    for vector in (vectors[0], vectors[1]):
        means = (joint.score("why how", {}, vector) + words.score("why how", {}, vector)) / 2
        assert both.score("why how", {}, vector) == pytest.approx(means, abs=1e-5)


def test_words_alone_do_not_hear_the_vector():
    examples, vectors = make_examples(40)
    words = train_words_model(examples, vectors, penalty=0.3)
    scores = [words.score("why how", {}, vector).tolist() for vector in vectors[:2]]
    assert scores[0] == scores[1]
    assert words.labels[int(np.argmax(scores[0]))] == "explain"


def test_a_kind_without_stories_has_one_voice():
    past, vectors = make_stream(np.random.default_rng(1), 200)
    plan = train_plan_model("low_stock", past, np.zeros_like(vectors), embedder="e")
    assert plan.words_model is None


def test_meaning_speaks_alone_where_later_answers_are_right_more_often_by_it():
    """The words of these stories and their facts say nothing."""
    dice = np.random.default_rng(1)
    past, vectors = make_stream(dice, 400)
    topics = ["refund", "explain", "correct"]
    silent = [
        replace(
            one,
            signal_text=f"case {number}",
            facts={"number": str(number)},
            decision=replace(one.decision, action=topics[int(vectors[number].argmax())]),
        )
        for number, one in enumerate(past)
    ]
    # With a weak vector words outvote it.
    plan = train_plan_model("low_stock", silent, vectors * 0.2, embedder="e")
    joint = plan.linear_model.weights[-8:]
    assert plan.words_model is not None
    assert not plan.words_model.weights[-8:].any()
    assert np.abs(joint).max() > 0
