"""Embedders: the one that is opened, and a vector for every text."""

import json

import numpy as np
import pytest

from bot.cases.errors import SettingsIncomplete
from knowledge.memory import minilm as built_in
from knowledge.memory.embedder import CachingEmbedder, HashedWordsEmbedder, open_embedders
from tests.conftest import SHARED


def test_without_the_package_hashed_words_stand_in(monkeypatch):
    monkeypatch.setattr(built_in.importlib.util, "find_spec", lambda name: None)
    embedders = open_embedders()
    for embedder in (embedders.precedents, embedders.recognition):
        merlot, low, parrot = embedder.embed(["low on Merlot", "Merlot is low", "a parrot escaped"])
        assert (embedder.is_semantic, merlot @ low > merlot @ parrot) == (False, True)


def test_an_unknown_embedder_is_a_line_on_the_to_do_list():
    with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_EMBEDDINGS=nobody:knows"):
        open_embedders("nobody:knows")


def test_the_table_serves_cards_and_the_model_recognition(embedders):
    opened = open_embedders()
    identities = (opened.precedents.identity, opened.recognition.identity)
    assert identities == (embedders.precedents.identity, embedders.recognition.identity)


@pytest.mark.parametrize(("name", "identity"), [("words", "words"), ("model", "minilm")])
def test_an_embedder_that_is_named_serves_everything(name, identity):
    embedders = open_embedders(name)
    assert embedders.precedents is embedders.recognition
    assert embedders.precedents.identity.startswith(identity)


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "a" * 200_000, "\u202e\u2066", "🦜" * 500, "\n\n\t"]
)
def test_no_text_is_too_odd(minilm, token_table, text):
    for embedder in (minilm, token_table, HashedWordsEmbedder()):
        assert np.isfinite(embedder.embed([text])).all()


def test_the_naughty_strings_are_only_text(minilm, token_table):
    path = SHARED / "data/hostile_text/naughty_strings.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    texts = json.loads(path.read_text())
    for embedder in (minilm, token_table):
        assert np.isfinite(embedder.embed(texts)).all()


class CountingEmbedder:
    identity = "x"
    is_semantic = True
    count = 0

    def embed(self, texts):
        self.count += len(texts)
        return np.ones((len(texts), 2), np.float32)


def test_the_same_text_is_embedded_once():
    inner = CountingEmbedder()
    embedder = CachingEmbedder(inner)
    for text in ["a", "b", "a", "a"]:
        embedder.embed([text])
    assert inner.count == 2
