"""The training of plan models: the past chooses whose vectors they score."""

import random

import numpy as np
import pytest

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.plan_training import (
    MIN_COMPARED_TEXTS,
    choose_plan_model,
    is_right_more_often,
)
from knowledge.learning.training import train_models
from knowledge.learning.training_set import TrainingSet
from knowledge.memory.embedder import Embedders
from tests.store.test_precedents import decision, precedent

ACTIONS = ("house.order_stock", "house.open_claim")


class FakeEmbedder:
    """Sees what a text means, or nothing; remembers what it was asked for."""

    def __init__(self, identity, sees_meaning, *, size=4, is_semantic=True):
        self.identity = identity
        self.is_semantic = is_semantic
        self.texts = []
        self._sees_meaning = sees_meaning
        self._size = size

    def embed(self, texts):
        self.texts += texts
        vectors = np.zeros((len(texts), self._size), np.float32)
        for row, text in enumerate(texts):
            position = 1 + meaning_of(text) if self._sees_meaning else 0
            vectors[row, position] = 1
        return vectors


def meaning_of(text):
    """Return what no word says: each is in one text alone."""
    return int(text.removeprefix("note")) % 2


def make_past(count, share=1.0):
    """Make precedents whose action follows from the meaning of the text, in this share of them."""
    dice = random.Random(5)
    past = []
    for number in dice.sample(range(10_000), count):
        text = f"note{number}"
        follows = dice.random() < share
        action = ACTIONS[meaning_of(text) if follows else dice.randrange(2)]
        past.append(precedent(f"EX-{number}", signal_text=text, decision=decision(action)))
    return past


def make_embedders(*, table_sees, model_sees, **options):
    return Embedders(
        precedents=FakeEmbedder("table", table_sees),
        recognition=FakeEmbedder("model", model_sees, size=6, **options),
    )


def test_a_kind_that_hangs_on_meaning_only_the_model_sees_gets_its_vectors():
    embedders = make_embedders(table_sees=False, model_sees=True)
    plan = choose_plan_model("low_stock", make_past(150, share=0.9), embedders)
    assert (plan.embedder, plan.linear_model.vector_size) == ("model", 6)
    # What is promised rests on the backtest of the same vectors.
    assert plan.correct > 0.85 * plan.total
    vector = embedders.recognition.embed(["note20001"])[0]
    margins = plan.margins("note20001", {}, vector)
    assert max(margins, key=margins.__getitem__) == ACTIONS[1]


@pytest.mark.parametrize("share", [0.6, 0.9, 1.0])
@pytest.mark.parametrize("both_see", [True, False])
def test_a_kind_that_both_see_alike_keeps_the_table(both_see, share):
    embedders = make_embedders(table_sees=both_see, model_sees=both_see)
    plan = choose_plan_model("low_stock", make_past(150, share), embedders)
    assert (plan.embedder, plan.linear_model.vector_size) == ("table", 4)


def test_a_model_that_sees_less_never_gets_in():
    embedders = make_embedders(table_sees=True, model_sees=False)
    plan = choose_plan_model("low_stock", make_past(150, share=0.9), embedders)
    assert plan.embedder == "table"


@pytest.mark.parametrize(
    ("count", "embedders"),
    [
        (MIN_COMPARED_TEXTS - 1, make_embedders(table_sees=False, model_sees=True)),
        (150, make_embedders(table_sees=True, model_sees=True)),
        (150, make_embedders(table_sees=False, model_sees=True, is_semantic=False)),
    ],
    ids=["few texts", "the table is never wrong", "hashed words in the place of the model"],
)
def test_the_model_is_not_asked_where_it_could_not_win(count, embedders):
    plan = choose_plan_model("low_stock", make_past(count), embedders)
    assert plan.embedder == "table"
    assert embedders.recognition.texts == []


def test_with_one_embedder_for_everything_nothing_is_compared():
    embedder = FakeEmbedder("one", sees_meaning=False)
    past = make_past(150)
    plan = choose_plan_model("low_stock", past, Embedders(embedder, embedder))
    assert (plan.embedder, len(embedder.texts)) == ("one", len(past))


def test_with_too_few_precedents_there_is_no_model():
    embedders = make_embedders(table_sees=False, model_sees=True)
    assert choose_plan_model("low_stock", make_past(29), embedders) is None
    assert embedders.precedents.texts == []


@pytest.mark.parametrize(
    ("wins", "losses", "is_evidence"),
    [
        (0, 0, False),
        (3, 0, False),
        (4, 0, True),
        (0, 4, False),
        (12, 8, False),
        (20, 11, True),
        (19, 12, False),
    ],
)
def test_a_lead_counts_only_when_chance_does_not_explain_it(wins, losses, is_evidence):
    results = [(True, False)] * wins + [(False, True)] * losses
    results += [(True, True), (False, False)] * 50
    first, second = zip(*results, strict=True)
    assert is_right_more_often(first, second) is is_evidence


def test_a_training_embeds_each_text_once_by_the_model():
    past = make_past(150)
    examples = [TrainingExample(one.signal_text, "low_stock", {}) for one in past[:100]]
    examples += [TrainingExample(f"note{number}", "late", {}) for number in range(20_000, 20_030)]
    embedders = make_embedders(table_sees=False, model_sees=True)
    training_set = TrainingSet(
        examples=tuple(examples),
        novel_texts=(),
        precedents={"low_stock": past},
        plan_embedder="table",
        recognition_embedder="model",
        memory_size=150,
        memory_place=150,
    )
    model = train_models(training_set, embedders)
    assert (model.embedder, model.plans["low_stock"].embedder) == ("table", "model")
    asked = embedders.recognition.texts
    assert len(asked) == len(set(asked)) == 180
