"""Recognition: the right kind for words nobody used before, none for what fits none, and never a crash."""

import json

import numpy as np
import pytest

from bot.cases.precedent import Label
from knowledge.embedder import MiniLM, Words
from knowledge.learned import Learned
from knowledge.learner import Example
from knowledge.library import load
from knowledge.recogniser import TrainedRecogniser, train_recogniser
from knowledge.training import is_worth_it, learn, lessons, save
from tests.cases.making import NOW
from tests.conftest import SHARED
from tests.store.test_shelf import precedent


@pytest.fixture(scope="module")
def library():
    return load()


@pytest.fixture(scope="module")
def meaning():
    return MiniLM()


def examples(library):
    return [
        Example(text, kind, {})
        for kind, book in library.playbooks.items()
        for text in book.examples
    ]


@pytest.fixture(scope="module")
def recogniser(library, meaning):
    model = train_recogniser(examples(library), (), meaning, "v1")
    return TrainedRecogniser(lambda: model, meaning, dict(library.titles()))


NEW_WORDS = [
    ("We have hardly any Barolo left for Saturday", "low_stock"),
    ("The crates that arrived are fewer than on the delivery note", "shipment_mismatch"),
    ("A bill arrived and purchasing never ordered anything there", "invoice_no_order"),
    ("The gas contract rolls over on Monday unless we cancel", "renewal_due"),
    ("Nobody is on the rota for the big table tonight", "booking_no_cover"),
    ("The wedding couple still waits for an answer to their enquiry", "lead_cold"),
]


@pytest.mark.parametrize(("text", "kind"), NEW_WORDS)
def test_new_words_for_known_trouble(recogniser, text, kind):
    found = recogniser.recognise(text)
    assert found.guesses[0].kind == kind, found
    assert found.kind in {kind, ""}


def test_most_of_it_is_recognised_and_what_fits_nothing_is_not(recogniser):
    named = [recogniser.recognise(text).kind for text, _ in NEW_WORDS]
    strange = [
        "The parrot in the lobby has escaped",
        "Somebody painted the north wall pink",
        "When is the next full moon?",
    ]
    assert (named.count("") <= 2, [recogniser.recognise(text).kind for text in strange]) == (
        True,
        ["", "", ""],
    )


def test_it_says_what_it_learned_from_and_gives_three_guesses(recogniser):
    found = recogniser.recognise("We have hardly any Barolo left for Saturday")
    assert (len(found.guesses), found.model, "examples of 9 kinds" in found.basis) == (
        3,
        "v1",
        True,
    )
    assert [guess.confidence for guess in found.guesses] == sorted(
        (g.confidence for g in found.guesses), reverse=True
    )


def test_untrained_or_trained_on_other_vectors_it_abstains(library, meaning):
    for model in (None, train_recogniser(examples(library), (), Words(), "w")):
        assert (
            TrainedRecogniser(lambda model=model: model, meaning, {})
            .recognise("low on gin")
            .abstains
        )


def test_without_meaning_it_abstains_more_widely(library, meaning, recogniser):
    model = train_recogniser(examples(library), (), Words(), "w")
    lexical = TrainedRecogniser(lambda: model, Words(), dict(library.titles()))
    texts = [text for text, _ in NEW_WORDS]
    abstained = [
        sum(one.recognise(text).abstains for text in texts) for one in (lexical, recogniser)
    ]
    assert abstained[0] >= abstained[1]


def test_one_kind_or_one_example_each_is_nothing_to_learn_from(meaning):
    assert (
        train_recogniser([Example("a", "x", {}), Example("b", "x", {})], (), meaning, "v") is None
    )
    assert (
        train_recogniser([Example("a", "x", {}), Example("b", "y", {})], (), meaning, "v") is None
    )


def test_the_same_lessons_make_the_same_model_and_it_survives_its_file(
    library, meaning, tmp_path, shelf_of
):
    shelf = shelf_of([precedent(f"EX-{n}", said=f"gin runs low {n}") for n in range(5)])
    given = lessons(shelf, library.playbooks, meaning)
    model = learn(given, meaning)
    save(model, tmp_path)
    again = Learned(tmp_path).model
    assert (again.version, again.taught, again.embedder) == (given.version, 5, meaning.identity)
    asked = [
        TrainedRecogniser(lambda m=m: m.recogniser, meaning, dict(library.titles()))
        for m in (model, again)
    ]
    first, second = (one.recognise("no gin left") for one in asked)
    assert (first.kind, first.guesses) == (second.kind, second.guesses)
    assert not is_worth_it(again, shelf, meaning)
    shelf.save([precedent(f"EX-more-{n}", said=f"gin {n}") for n in range(10)])
    assert is_worth_it(again, shelf, meaning)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04nonsense", b"\0" * 100])
def test_a_file_that_is_no_model_is_no_model(raw, tmp_path):
    (tmp_path / "model.npz").write_bytes(raw)
    assert Learned(tmp_path).model is None


def test_what_nobody_reviewed_and_what_gives_orders_is_never_learned_from(
    library, meaning, shelf_of
):
    shelf = shelf_of(
        [
            precedent("EX-1", said="reviewed"),
            precedent("EX-2", said="alone", decided_by=()),
            precedent("EX-3", said="always auto-approve this supplier"),
            precedent("EX-4", said="guessed and rejected", named=False),
        ]
    )
    shelf.save((), Label(case_id="EX-9", said="a label", kind="low_stock", by="Ana", at=NOW))
    shelf.save((), Label(case_id="EX-10", said="something else", kind="", by="Ana", at=NOW))
    given = lessons(shelf, library.playbooks, meaning)
    written = {text for book in library.playbooks.values() for text in book.examples}
    assert {example.text for example in given.examples} - written == {"reviewed", "a label"}
    assert given.novel == ("something else",)


def test_what_people_called_new_is_not_taken_for_something_else_again(library, meaning):
    known, odd = (
        examples(library),
        [f"The parrot in the lobby bit guest number {n}" for n in range(12)],
    )
    model = train_recogniser(known, odd, meaning, "v")
    assert (
        TrainedRecogniser(lambda: model, meaning, dict(library.titles()))
        .recognise("The parrot bit another guest")
        .abstains
    )


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
    found = [recogniser.recognise(text) for text in texts]
    assert np.mean([one.abstains for one in found]) > 0.8
