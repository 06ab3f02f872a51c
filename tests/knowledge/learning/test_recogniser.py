"""Recognition: the right kind for new words, and none for unknown trouble."""

import json
from dataclasses import replace

import numpy as np
import pytest

from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.memory.embedder import HashedWordsEmbedder
from tests.conftest import SHARED
from tests.knowledge.learning.examples import playbook_examples, small_examples


def train_on_playbooks(library, embedder):
    examples = playbook_examples(library)
    return train_recogniser(examples, novel_texts=(), embedder=embedder, version="v1")


@pytest.fixture(scope="module")
def recogniser(library, minilm):
    model = train_on_playbooks(library, minilm)
    return TrainedRecogniser(lambda: model, minilm, dict(library.titles()))


NEW_WORDS = [
    ("We have hardly any Barolo left for Saturday", "low_stock"),
    ("The crates that arrived are fewer than on the delivery note", "shipment_mismatch"),
    ("A bill arrived and purchasing never ordered anything there", "invoice_no_order"),
    ("The gas contract rolls over on Monday unless we cancel", "renewal_due"),
    ("Nobody is on the rota for the big table tonight", "booking_no_cover"),
    ("The wedding couple still waits for an answer to their enquiry", "lead_cold"),
]
UNKNOWN = [
    "The parrot in the lobby has escaped",
    "Somebody painted the north wall pink",
    "When is the next full moon?",
]


@pytest.mark.parametrize(("text", "kind"), NEW_WORDS)
def test_new_words_for_known_trouble(recogniser, text, kind):
    recognition = recogniser.recognise(text)
    assert recognition.guesses[0].kind == kind, recognition
    assert recognition.kind in {kind, ""}


def test_most_of_it_is_recognised_and_what_fits_nothing_is_not(recogniser):
    kinds = [recogniser.recognise(text).kind for text, _ in NEW_WORDS]
    assert kinds.count("") <= 2
    assert [recogniser.recognise(text).kind for text in UNKNOWN] == ["", "", ""]


def test_it_says_what_it_learned_from_and_gives_three_guesses(recogniser):
    recognition = recogniser.recognise("We have hardly any Barolo left for Saturday")
    assert len(recognition.guesses) == 3
    assert recognition.model == "v1"
    assert "examples of 10 kinds" in recognition.basis
    confidences = [guess.confidence for guess in recognition.guesses]
    assert confidences == sorted(confidences, reverse=True)


def test_untrained_or_trained_on_other_vectors_it_abstains(library, minilm):
    other = train_on_playbooks(library, HashedWordsEmbedder())
    for model in (None, other):
        recogniser = TrainedRecogniser(lambda model=model: model, minilm, {})
        assert recogniser.recognise("low on gin").abstains


@pytest.mark.threat("D5")
def test_a_model_over_other_vectors_or_for_other_kinds_names_nothing():
    class NarrowEmbedder(HashedWordsEmbedder):
        def embed(self, texts):
            return super().embed(texts)[:, :100]

    words = HashedWordsEmbedder()
    titles = {"low_stock": "Low", "late": "Late"}
    model = train_recogniser(small_examples(), novel_texts=(), embedder=words, version="v1")
    narrow = TrainedRecogniser(lambda: model, NarrowEmbedder(), titles)
    assert "other vectors" in narrow.recognise("merlot").basis
    other_kinds = TrainedRecogniser(lambda: model, words, {"fraud": "Fraud"})
    recognition = other_kinds.recognise("the merlot is low")
    assert (recognition.kind, recognition.guesses) == ("", ())


def test_without_meaning_it_abstains_more_often(library, recogniser):
    words = HashedWordsEmbedder()
    model = train_on_playbooks(library, words)
    lexical = TrainedRecogniser(lambda: model, words, dict(library.titles()))
    assert count_abstentions(lexical) >= count_abstentions(recogniser)


def count_abstentions(recogniser):
    return sum(recogniser.recognise(text).abstains for text, _ in NEW_WORDS)


@pytest.mark.threat("D5")
def test_of_texts_unlike_the_past_nothing_certain_is_said(library, minilm):
    model = train_on_playbooks(library, minilm)
    text = "We have hardly any Barolo left for Saturday"
    titles = dict(library.titles())
    usual = TrainedRecogniser(lambda: model, minilm, titles).recognise(text)
    # The same text, were the examples nearer to each other.
    limits = replace(model.limits, usual_nearness=1.0, unlike_confidence=0.2)
    strange = replace(model, limits=limits)
    unlike = TrainedRecogniser(lambda: strange, minilm, titles).recognise(text)
    assert (usual.confidence > 20, unlike.confidence) == (True, 20)
    assert unlike.basis == f"{usual.basis}, which it is unlike"
    limits = replace(limits, min_nearness=1.0)
    far = replace(model, limits=limits)
    assert usual.kind
    assert TrainedRecogniser(lambda: far, minilm, titles).recognise(text).abstains


def test_what_is_unlike_every_example_is_said_to_be(recogniser):
    for text in UNKNOWN:
        assert recogniser.recognise(text).basis.endswith("which it is unlike")


HOSTILE = [
    "",
    " ",
    "\0",
    "\ud800",
    "\u202e" * 50,
    "🦜" * 3000,
    "a" * 500_000,
    "<@U1> <!channel> *bold*",
    "'; DROP TABLE cases; --",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_it(recogniser, text):
    assert 0 <= recogniser.recognise(text).confidence <= 100


def test_the_hostile_texts_break_nothing_either(recogniser):
    folder = SHARED / "data/hostile_text"
    if not folder.exists():
        pytest.skip("the shared data is not here")
    texts = json.loads((folder / "naughty_strings.json").read_text())
    texts += [
        json.loads(line)["text"]
        for line in (folder / "prompt_injections.jsonl").read_text().splitlines()
    ]
    recognitions = [recogniser.recognise(text) for text in texts]
    assert np.mean([recognition.abstains for recognition in recognitions]) > 0.8
