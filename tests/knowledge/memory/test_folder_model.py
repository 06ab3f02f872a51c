"""The model of a folder computes as published, or is refused."""

import json

import numpy as np
import pytest

from bot.cases.errors import SettingsIncomplete
from knowledge.memory.embedder import open_embedder, open_embedders
from knowledge.memory.folder_model import FolderModel
from tests.knowledge.memory.tiny_models import (
    WORDS,
    embed_exactly,
    make_weights,
    write_model,
    write_weights,
)

TEXTS = ["the merlot is low", "late invoice of acme", "a", "the bin of wine is low on wine " * 30]
ARCHITECTURES = ("bert", "mpnet")
MAX_TOKENS = 128


def token_ids(text):
    words = text.split()[: MAX_TOKENS - 2]
    return [WORDS.index(word) for word in ("<s>", *words, "</s>")]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_computes_what_its_architecture_says(architecture, tmp_path):
    weights = write_model(tmp_path, architecture)
    model = FolderModel(tmp_path)
    exact_vectors = [embed_exactly(architecture, weights, token_ids(text)) for text in TEXTS]
    together = model.embed(TEXTS)
    assert ((together * exact_vectors).sum(axis=1) > 0.999).all()
    alone = np.concatenate([model.embed([text]) for text in TEXTS])
    assert ((together * alone).sum(axis=1) > 0.9999).all()
    assert together.shape == (len(TEXTS), 64)
    assert model.is_semantic


def test_weights_under_the_name_of_their_architecture_are_the_same(tmp_path):
    weights = write_model(tmp_path, "bert")
    vectors = FolderModel(tmp_path).embed(TEXTS)
    write_weights(tmp_path, {f"bert.{name}": tensor for name, tensor in weights.items()})
    assert np.array_equal(FolderModel(tmp_path).embed(TEXTS), vectors)


def test_the_identity_is_that_of_the_weights_and_every_other_file_that_counts(tmp_path):
    weights = write_model(tmp_path, "mpnet")
    identities = [FolderModel(tmp_path).identity, FolderModel(tmp_path).identity]
    weights["embeddings.LayerNorm.bias"][0] += 1
    write_weights(tmp_path, weights)
    identities.append(FolderModel(tmp_path).identity)
    write_model(tmp_path, "mpnet", layer_norm_eps=1e-6)
    identities.append(FolderModel(tmp_path).identity)
    assert len(set(identities)) == 3


def test_weights_that_change_after_the_start_are_not_used(tmp_path):
    weights = write_model(tmp_path, "bert")
    model = FolderModel(tmp_path)
    weights["embeddings.LayerNorm.bias"][0] += 1
    write_weights(tmp_path, weights)
    with pytest.raises(ValueError, match="has changed since the start"):
        model.embed(TEXTS)


def test_it_recognises_while_cards_find_precedents_as_ever(tmp_path, token_table):
    write_model(tmp_path, "mpnet")
    embedders = open_embedders(f"folder:{tmp_path}")
    assert embedders.recognition.identity == FolderModel(tmp_path).identity
    assert embedders.precedents.identity == token_table.identity


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "roberta"}, "config.json says model_type roberta; bert and mpnet can be"),
        ({"hidden_act": "relu"}, "config.json says hidden_act relu; gelu can be run"),
        ({"hidden_size": 100}, "config.json: hidden_size must be a multiple of 64, not 100"),
        ({"num_hidden_layers": 3}, r"model.safetensors has no encoder.layer.2.attention.\S+ of 32"),
        ({"intermediate_size": 64}, r"has no encoder.layer.0.intermediate.dense.weight of 32-bit"),
    ],
)
def test_a_model_that_cannot_be_run_is_a_line_on_the_to_do_list(
    architecture, changes, reason, tmp_path
):
    write_model(tmp_path, architecture, **changes)
    with pytest.raises(SettingsIncomplete, match=f"COUNTERSIGN_EMBEDDINGS=folder:.*{reason}"):
        open_embedder(f"folder:{tmp_path}")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named(name, tmp_path):
    write_model(tmp_path, "bert")
    (tmp_path / name).unlink()
    with pytest.raises(SettingsIncomplete, match=f"{name}: No such file"):
        open_embedder(f"folder:{tmp_path}")


def test_a_folder_that_is_missing_and_a_package_that_is_are_said(tmp_path, monkeypatch):
    with pytest.raises(SettingsIncomplete, match="there is no such folder"):
        open_embedder(f"folder:{tmp_path / 'none'}")
    write_model(tmp_path, "bert")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsIncomplete, match=r"not installed; countersign\[embedder\] has it"):
        open_embedder(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "only averages can be run"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "cannot be run: Dense"),
        ("config.json", [], "is no object of JSON"),
    ],
)
def test_what_is_no_average_of_tokens_is_refused(name, content, reason, tmp_path):
    write_model(tmp_path, "bert")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(SettingsIncomplete, match=reason):
        open_embedder(f"folder:{tmp_path}")


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0{}", b"cut"])
def test_weights_in_another_format_are_refused(content, tmp_path):
    write_model(tmp_path, "bert")
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(SettingsIncomplete, match=r"model\.safetensors"):
        open_embedder(f"folder:{tmp_path}")


def test_half_floats_and_a_file_that_is_cut_off_are_refused(tmp_path):
    write_model(tmp_path, "bert")
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"F32"', b'"F16"'))
    with pytest.raises(SettingsIncomplete, match="has no 32-bit floats"):
        open_embedder(f"folder:{tmp_path}")
    path.write_bytes(content[:-4])
    with pytest.raises(SettingsIncomplete, match="is cut off"):
        open_embedder(f"folder:{tmp_path}")


def test_weights_of_the_other_architecture_are_refused(tmp_path):
    write_model(tmp_path, "bert")
    write_weights(tmp_path, make_weights("mpnet"))
    with pytest.raises(SettingsIncomplete, match="has no encoder"):
        open_embedder(f"folder:{tmp_path}")
