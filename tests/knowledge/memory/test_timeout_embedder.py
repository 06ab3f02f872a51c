"""The embedder of cards: it never keeps them waiting longer than its bound."""

import threading
import time

import numpy as np
import pytest

from bot.cases.errors import MemoryUnavailable
from knowledge.memory import timeout_embedder as subject
from knowledge.memory.embedder import CachingEmbedder, HashedWordsEmbedder
from knowledge.memory.timeout_embedder import TimeoutEmbedder
from tests.waiting import wait_until

WORDS = HashedWordsEmbedder()


class SlowEmbedder:
    """Answers when it is told to."""

    identity = WORDS.identity
    is_semantic = False

    def __init__(self):
        self.may_answer = threading.Event()
        self.count = 0

    def embed(self, texts):
        self.count += 1
        self.may_answer.wait(30)
        return WORDS.embed(texts)


@pytest.fixture
def slow_embedder():
    embedder = SlowEmbedder()
    yield embedder
    embedder.may_answer.set()


def test_in_time_it_answers_as_the_other_would():
    embedder = TimeoutEmbedder(WORDS, timeout=30)
    assert np.array_equal(embedder.embed(["Barolo is low"]), WORDS.embed(["Barolo is low"]))
    assert (embedder.identity, embedder.is_semantic) == (WORDS.identity, False)


def test_after_the_bound_there_is_none_and_the_next_do_not_wait(slow_embedder):
    embedder = TimeoutEmbedder(slow_embedder, timeout=0.05)
    start = time.monotonic()
    with pytest.raises(MemoryUnavailable, match="in time"):
        embedder.embed(["Barolo is low"])
    for _ in range(100):
        with pytest.raises(MemoryUnavailable, match="a moment ago"):
            embedder.embed(["Barolo is low"])
    assert time.monotonic() - start < 5
    # It may have begun only after that.
    wait_until(lambda: slow_embedder.count, "the one call")
    assert slow_embedder.count == 1


def test_a_late_answer_serves_the_next_card(slow_embedder, monkeypatch):
    monkeypatch.setattr(subject, "SLOW_BACKOFF_SECONDS", 0.0)
    cache = CachingEmbedder(slow_embedder)
    embedder = TimeoutEmbedder(cache, timeout=0.05)
    with pytest.raises(MemoryUnavailable):
        embedder.embed(["Barolo is low"])
    slow_embedder.may_answer.set()
    wait_until(lambda: "Barolo is low" in cache._cache, "the late answer")
    # However busy this machine is when it is asked for.
    embedder._timeout = 30.0
    assert len(embedder.embed(["Barolo is low"])) == 1
    assert slow_embedder.count == 1


def test_a_failure_is_the_same_as_no_answer_and_is_logged(caplog):
    class Broken:
        identity = "broken"
        is_semantic = True

        def embed(self, texts):
            raise ValueError("the weights are not the released ones")

    with pytest.raises(MemoryUnavailable, match="the model fails"):
        TimeoutEmbedder(Broken(), timeout=30).embed(["x"])
    assert "the weights are not the released ones" in caplog.text
