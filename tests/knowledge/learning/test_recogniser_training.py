"""Training of recognition: too few examples, and texts that are new."""

import numpy as np

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import (
    PENALTY,
    WORDS_SHARE,
    train_kinds,
    train_recogniser,
)
from tests.knowledge.learning.examples import playbook_examples


def test_one_kind_or_one_example_each_is_nothing_to_learn_from(minilm):
    one_kind = [TrainingExample("a", "x", {}), TrainingExample("b", "x", {})]
    one_example_each = [TrainingExample("a", "x", {}), TrainingExample("b", "y", {})]
    for examples in (one_kind, one_example_each):
        model = train_recogniser(examples, novel_texts=(), embedder=minilm, version="v")
        assert model is None


def test_what_people_called_new_is_not_taken_for_something_else_again(library, minilm):
    novel = [f"The parrot in the lobby bit guest number {n}" for n in range(12)]
    model = train_recogniser(
        playbook_examples(library), novel_texts=novel, embedder=minilm, version="v"
    )
    recogniser = TrainedRecogniser(lambda: model, minilm, dict(library.titles()))
    assert recogniser.recognise("The parrot bit another guest").abstains


def test_words_have_a_voice_of_their_own_in_the_scores(library, minilm):
    examples = playbook_examples(library)
    vectors = minilm.embed([example.text for example in examples])
    text = "hardly any merlot left"
    vector = minilm.embed([text])[0]
    joint = train_linear_model(examples, vectors, penalty=PENALTY).score(text, {}, vector)
    words = train_linear_model(examples, vectors[:, :0], penalty=PENALTY).score(
        text, {}, vector[:0]
    )
    both = train_kinds(examples, vectors).score(text, {}, vector)
    np.testing.assert_allclose(
        both, (1 - WORDS_SHARE) * joint + WORDS_SHARE * words, rtol=1e-4, atol=1e-5
    )
    assert np.abs(both - joint).max() > 0.01


def test_texts_without_words_are_learned_from_as_well(minilm):
    examples = [
        TrainingExample(text, kind, {})
        for kind, texts in (("calm", ("...", "--")), ("loud", ("!!!", "?!")))
        for text in texts
    ]
    model = train_recogniser(examples, novel_texts=(), embedder=minilm, version="v")
    assert model.kind_count == 2


def test_more_strangers_make_it_name_less(library, minilm):
    named = []
    for share in (0.02, 0.5):
        model = train_recogniser(
            playbook_examples(library),
            novel_texts=(),
            embedder=minilm,
            version="v",
            stranger_share=share,
        )
        assert model.trade.stranger_share == share
        named.append(model.trade.own_shares[1])
    assert named[0] > named[1]
