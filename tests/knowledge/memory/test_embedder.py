"""Embedders: the one that is opened, and a vector for every text."""

import json

import numpy as np
import pytest

from bot.cases.errors import SettingsIncomplete
from knowledge.memory import minilm as built_in
from knowledge.memory.embedder import CachingEmbedder, HashedWordsEmbedder, open_embedder
from tests.conftest import SHARED


def test_without_the_package_hashed_words_stand_in(monkeypatch):
    monkeypatch.setattr(built_in.importlib.util, "find_spec", lambda name: None)
    embedder = open_embedder()
    merlot, low, parrot = embedder.embed(["low on Merlot", "Merlot is low", "a parrot escaped"])
    assert (embedder.is_semantic, merlot @ low > merlot @ parrot) == (False, True)


def test_an_unknown_embedder_is_a_line_on_the_to_do_list():
    with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_EMBEDDINGS=nobody:knows"):
        open_embedder("nobody:knows")


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "a" * 200_000, "\u202e\u2066", "🦜" * 500, "\n\n\t"]
)
def test_no_text_is_too_odd(minilm, text):
    for embedder in (minilm, HashedWordsEmbedder()):
        assert np.isfinite(embedder.embed([text])).all()


def test_the_naughty_strings_are_only_text(minilm):
    path = SHARED / "data/hostile_text/naughty_strings.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    assert np.isfinite(minilm.embed(json.loads(path.read_text()))).all()


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
