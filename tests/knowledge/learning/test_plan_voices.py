"""The two voices of plan models: an even say, unless later answers speak against it."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_training import PENALTY, train_plan_model
from knowledge.learning.plan_voices import average_models, train_words_model
from tests.knowledge.learning.examples import STREAM_ACTIONS, make_stream

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


@pytest.mark.parametrize(("loudness", "is_joint"), [(0.1, True), (1.0, False)])
def test_meaning_speaks_alone_only_where_later_answers_are_right_more_often_by_it(
    loudness, is_joint
):
    """Words and facts say nothing here, and outvote a vector that is hardly heard."""
    past, vectors = make_stream(np.random.default_rng(1), 400)
    past = [
        replace(
            one,
            signal_text=f"case {number}",
            facts={"number": str(number)},
            decision=replace(one.decision, action=STREAM_ACTIONS[int(vectors[number].argmax())]),
        )
        for number, one in enumerate(past)
    ]
    vectors *= np.float32(loudness)
    examples = [TrainingExample(one.signal_text, one.decision.action, one.facts) for one in past]
    joint = train_linear_model(examples, vectors, penalty=PENALTY)
    plan = train_plan_model("low_stock", past, vectors, embedder="e")
    assert np.array_equal(plan.linear_model.weights, joint.weights) is is_joint
    assert not plan.words_model.weights[len(joint.buckets) :].any()
