"""The token table: distilled from the built-in model, and good for finding precedents."""

import numpy as np
import pytest

from knowledge.memory import token_table as subject
from knowledge.memory.embedder import open_embedders
from knowledge.memory.minilm import MiniLM
from knowledge.memory.token_distillation import make_table, token_weights
from knowledge.memory.token_rows import MAX_TOKENS, MAX_VALUE, ROW_TYPE, pack, unpack
from knowledge.memory.token_table import TABLE, TABLE_VECTOR_SIZE, TokenTable, replaces
from tests.knowledge.memory.stories import STORIES, recall, recall_ids, stories

VOCABULARY_SIZE = 30_522
# Every fifteenth token: five times as many as the model's vectors have numbers.
SAMPLE = range(0, VOCABULARY_SIZE, 15)


def test_its_rows_come_from_the_packaged_model():
    """Derive a sample of rows again.

    How the whole vocabulary was moved and turned follows from two thirds of the sample; the rows of
    the last third must follow from that.
    """
    table = np.load(TABLE)
    assert len(table) == VOCABULARY_SIZE
    scales = table["scale"][SAMPLE] / token_weights(VOCABULARY_SIZE)[SAMPLE]
    rows = unpack(table["packed"][SAMPLE]) * scales[:, None]
    vectors = MiniLM(is_exact=True).embed_tokens(SAMPLE)
    inputs = np.column_stack([vectors - vectors.mean(axis=0), np.ones(len(SAMPLE))])
    is_fitted = np.arange(len(SAMPLE)) % 3 > 0
    move, *_ = np.linalg.lstsq(inputs[is_fitted], rows[is_fitted], rcond=1e-4)
    expected_rows = inputs[~is_fitted] @ move
    similarities, length_ratios = compare(expected_rows, rows[~is_fitted])
    assert (similarities.min() > 0.85, np.median(similarities) > 0.97) == (True, True)
    assert np.median(length_ratios) == pytest.approx(1, abs=0.05)


def compare(rows, other_rows):
    """Return for each pair the cosine similarity and the ratio of lengths."""
    lengths = np.linalg.norm(rows, axis=1)
    other_lengths = np.linalg.norm(other_rows, axis=1)
    products = (rows * other_rows).sum(axis=1)
    return products / (lengths * other_lengths), lengths / other_lengths


def test_the_distillation_keeps_the_angles_between_tokens():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(3_000, 300)).astype(np.float32) * np.linspace(2, 0.1, 300)
    table = make_table(vectors.astype(np.float32))
    rows = unpack(table["packed"]) * table["scale"][:, None]
    assert (table.dtype, rows.shape) == (ROW_TYPE, (3_000, TABLE_VECTOR_SIZE))
    words = slice(2_000, 2_400)
    similarities, _ = compare(rows[words] @ rows[words].T, vectors[words] @ vectors[words].T)
    assert np.median(similarities) > 0.95


def test_numbers_survive_packing():
    values = np.random.default_rng(0).integers(-MAX_VALUE, MAX_VALUE + 1, (5, TABLE_VECTOR_SIZE))
    assert (unpack(pack(values)) == values).all()


def test_what_means_the_same_is_nearer_than_what_sounds_alike(token_table):
    gin, spirits, parrot = token_table.embed(
        ["no more gin", "the bottles of gin are empty", "no more parrots"]
    )
    assert gin @ spirits > gin @ parrot


def test_alone_or_together_is_the_same(token_table):
    texts = list(STORIES.values())
    alone = np.concatenate([token_table.embed([text]) for text in texts])
    assert np.allclose(token_table.embed(texts), alone)
    assert np.allclose(np.linalg.norm(alone, axis=1), 1)


def test_a_text_without_tokens_is_like_nothing(token_table):
    assert not token_table.embed(["", "\n\t"]).any()
    assert token_table.embed([]).shape == (0, TABLE_VECTOR_SIZE)


def test_what_a_text_begins_with_counts_more(token_table):
    filler = "and so on " * 40
    wine, early, late = token_table.embed(
        ["red wine is low", f"red wine is low {filler}", f"{filler} red wine is low"]
    )
    assert wine @ early > wine @ late
    endless = "wine " * MAX_TOKENS
    assert np.allclose(*token_table.embed([endless, f"{endless} gin gin gin"]))


def test_a_table_that_is_not_the_released_one_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setattr(subject, "TABLE", tmp_path / "token_table.npy")
    assert open_embedders().precedents.identity == "words/1/384"
    (tmp_path / "token_table.npy").write_bytes(TABLE.read_bytes()[:-1] + b"\0")
    with pytest.raises(ValueError, match="not the file that was released"):
        TokenTable()
    assert open_embedders().precedents.identity == "words/1/384"


def test_precedents_are_found_by_it_as_by_the_model(open_memory, token_table):
    memory = open_memory(*stories(), embedder=token_table)
    assert recall_ids(memory, "Merlot runs low this weekend") == ["EX-wine"]
    assert recall_ids(memory, "hardly any gin left")[0] == "EX-gin"
    assert recall_ids(memory, "something about INV-X0053")[0] == "EX-invoice"
    assert recall_ids(memory, "the lift is stuck between two floors") == []


def test_what_the_release_before_embedded_is_embedded_again_at_the_start(
    open_memory, minilm, token_table, shelf
):
    open_memory(*stories()).close()
    memory = open_memory(embedder=token_table)
    assert recall_ids(memory, "Merlot runs low this weekend") == ["EX-wine"]
    assert memory.index.vectors.count() == shelf.count() == 4
    memory.close()
    open_memory(embedder=token_table).close()
    # The other way needs the command: the model may take minutes.
    assert "countersign memory rebuild" in recall(open_memory(embedder=minilm), "x").failure


def test_only_an_embedder_of_an_earlier_release_is_replaced():
    table = TokenTable.identity
    assert replaces(table, "minilm-l6-v2-int8/8199be6f699a/384")
    assert replaces(table, "token-table/another/256")
    assert not replaces(table, table)
    assert not replaces(table, "langchain/openai:text-embedding-3-small")
    assert not replaces("words/1/384", "minilm-l6-v2-int8/8199be6f699a/384")
