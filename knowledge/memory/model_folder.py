"""A folder with a sentence model, as such models are published.

It holds ``config.json``, ``tokenizer.json`` and ``model.safetensors``. Models of the architectures
BERT and MPNet are read. Nothing in the folder is ever run.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
POOLING = "1_Pooling/config.json"
MODULES = "modules.json"
#: By the name in ``config.json``: the number of the first position.
FIRST_POSITIONS: Mapping[str, int] = MappingProxyType({"bert": 0, "mpnet": 2})
#: The parts of a sentence model that are computed here.
PARTS = frozenset({"Transformer", "Pooling", "Normalize"})
# Sizes are multiples of it: numbers that share a scale.
BLOCK_SIZE = 64
#: In MPNet: what the distance of two tokens adds to their attention.
DISTANCES = "encoder.relative_attention_bias.weight"
MAX_HEADER_BYTES = 100_000_000
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNames:
    """The names of the matrices of a layer, and of one normalization."""

    query: str
    key: str
    value: str
    mixing: str
    mixing_norm: str

    def matrices(self) -> tuple[str, ...]:
        """Return the names of all matrices."""
        own = (self.query, self.key, self.value, self.mixing)
        return (*own, "intermediate.dense", "output.dense")


LAYER_NAMES: Mapping[str, LayerNames] = MappingProxyType(
    {
        "bert": LayerNames(
            query="attention.self.query",
            key="attention.self.key",
            value="attention.self.value",
            mixing="attention.output.dense",
            mixing_norm="attention.output.LayerNorm",
        ),
        "mpnet": LayerNames(
            query="attention.attn.q",
            key="attention.attn.k",
            value="attention.attn.v",
            mixing="attention.attn.o",
            mixing_norm="attention.LayerNorm",
        ),
    }
)


class StoredTensor(NamedTuple):
    """The shape of a tensor of 32-bit floats, and its bytes."""

    shape: tuple[int, ...]
    span: range


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A folder whose model can be run, before it is loaded.

    Raises:
        OSError: a file is missing.
        ValueError: the model is none that can be run here.
    """

    path: Path
    #: One of ``FIRST_POSITIONS``.
    architecture: str
    #: Numbers of a vector.
    size: int
    layers: int
    heads: int
    #: Of the normalization of layers.
    epsilon: float
    tensors: Mapping[str, StoredTensor]
    #: SHA-256 of configuration, tokenizer and weights.
    checksum: str

    @classmethod
    def read(cls, path: Path) -> ModelFolder:
        """Read a folder, and check that its model can be run."""
        config = _read_object(path / CONFIG)
        architecture = str(config.get("model_type"))
        _check_config(architecture, config)
        _check_parts(path)
        tensors = {
            name.removeprefix(f"{architecture}."): tensor
            for name, tensor in _read_header(path / WEIGHTS).items()
        }
        _check_tensors(architecture, config, tensors)
        return cls(
            path=path.resolve(),
            architecture=architecture,
            size=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            epsilon=config["layer_norm_eps"],
            tensors=tensors,
            checksum=hash_files(path),
        )


def hash_files(path: Path) -> str:
    """Return the SHA-256 over all that decides about a vector."""
    checksums = []
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        with (path / name).open("rb") as file:
            checksums.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashlib.sha256(" ".join(checksums).encode()).hexdigest()


def _check_config(architecture: str, config: Mapping[str, Any]) -> None:
    if architecture not in FIRST_POSITIONS:
        readable = " and ".join(FIRST_POSITIONS)
        raise ValueError(f"{CONFIG} says model_type {architecture}; {readable} can be run")
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        raise ValueError(f"{CONFIG} says hidden_act {activation}; gelu can be run")
    for name in ("hidden_size", "intermediate_size"):
        size = config.get(name)
        if not isinstance(size, int) or size <= 0 or size % BLOCK_SIZE:
            raise ValueError(f"{CONFIG}: {name} must be a multiple of {BLOCK_SIZE}, not {size}")
    for name in ("num_hidden_layers", "num_attention_heads", "layer_norm_eps"):
        if name not in config:
            raise ValueError(f"{CONFIG} has no {name}")


def _check_tensors(
    architecture: str, config: Mapping[str, Any], tensors: Mapping[str, StoredTensor]
) -> None:
    """Refuse weights that are not those of the architecture and its sizes."""
    size, inner_size = config["hidden_size"], config["intermediate_size"]
    shapes = dict.fromkeys(LAYER_NAMES[architecture].matrices(), (size, size))
    shapes |= {"intermediate.dense": (inner_size, size), "output.dense": (size, inner_size)}
    required: dict[str, tuple[int, ...]] = {"embeddings.LayerNorm.weight": (size,)}
    for number in range(config["num_hidden_layers"]):
        for name, shape in shapes.items():
            required[f"encoder.layer.{number}.{name}.weight"] = shape
            required[f"encoder.layer.{number}.{name}.bias"] = shape[:1]
    for name, required_shape in required.items():
        if name not in tensors or tensors[name].shape != required_shape:
            raise ValueError(f"{WEIGHTS} has no {name} of 32-bit floats, {required_shape}")
    for name in _tables(architecture):
        if name not in tensors:
            raise ValueError(f"{WEIGHTS} has no {name} of 32-bit floats")


def _tables(architecture: str) -> tuple[str, ...]:
    """Return the names of the tables of tokens and places."""
    prefix = "embeddings"
    common = (f"{prefix}.word_embeddings.weight", f"{prefix}.position_embeddings.weight")
    own = DISTANCES if architecture == "mpnet" else f"{prefix}.token_type_embeddings.weight"
    return (*common, own)


def _check_parts(path: Path) -> None:
    """Refuse what is not an average over the states of tokens."""
    if (path / MODULES).is_file():
        types = {str(part.get("type")).rpartition(".")[2] for part in _read_json(path / MODULES)}
        if types - PARTS:
            raise ValueError(f"{MODULES} has parts that cannot be run: {', '.join(types - PARTS)}")
    if (path / POOLING).is_file():
        modes = _read_object(path / POOLING)
        names = {name for name, value in modes.items() if value is True and "pooling" in name}
        if names != {"pooling_mode_mean_tokens"}:
            raise ValueError(f"{POOLING} says {', '.join(sorted(names))}; only averages can be run")


def _read_header(path: Path) -> dict[str, StoredTensor]:
    """Read where the tensors of a file are, without the tensors."""
    with path.open("rb") as file:
        content = file.read(_LENGTH.size)
        length = _LENGTH.unpack(content)[0] if len(content) == _LENGTH.size else 0
        if not 0 < length <= MAX_HEADER_BYTES:
            raise ValueError(f"{path} is no file of safetensors")
        header = _parse(file.read(length), path)
    start = _LENGTH.size + length
    tensors = {}
    for name, entry in header.items():
        # Numbers of positions, for example, are integers and not needed.
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            tensors[name] = StoredTensor(tuple(entry["shape"]), range(start + first, start + last))
    if not tensors:
        raise ValueError(f"{path} has no 32-bit floats; other numbers cannot be read")
    if max(tensor.span.stop for tensor in tensors.values()) > path.stat().st_size:
        raise ValueError(f"{path} is cut off")
    return tensors


def _read_object(path: Path) -> dict[str, Any]:
    content = _read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no object of JSON")
    return content


def _read_json(path: Path) -> Any:
    return _parse(path.read_bytes(), path)


def _parse(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise ValueError(f"{path} is no JSON") from None
