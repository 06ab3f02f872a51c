"""Small sentence models of random weights, and their exact vectors.

They are computed here by plain arithmetic with floats.
"""

import json
import struct
from types import SimpleNamespace

import numpy as np
from scipy.special import erf
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "[UNK]",
    "the",
    "merlot",
    "is",
    "low",
    "bin",
    "of",
    "wine",
    "late",
    "invoice",
    "acme",
    "on",
    "a",
]
SIZE, INNER_SIZE, LAYERS, HEADS, POSITIONS, GROUPS = 64, 128, 2, 4, 140, 32
EPSILON = 1e-5
ATTENTION = {
    "bert": ("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"),
    "mpnet": ("attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm"),
}


def write_model(folder, architecture, **changes):
    """Write a folder as such models are published; return its weights."""
    config = {
        "model_type": architecture,
        "hidden_act": "gelu",
        "hidden_size": SIZE,
        "intermediate_size": INNER_SIZE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "layer_norm_eps": EPSILON,
    }
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    tokenizer = Tokenizer(WordLevel({word: id for id, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    ends = [("<s>", WORDS.index("<s>")), ("</s>", WORDS.index("</s>"))]
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    # As published ones do; both are taken off.
    tokenizer.enable_padding(length=POSITIONS)
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = make_weights(architecture)
    write_weights(folder, weights)
    return weights


def make_weights(architecture):
    random = np.random.default_rng(7)

    def table(*shape):
        return random.normal(0, 0.3, shape).astype(np.float32)

    def norm(name):
        return {f"{name}.weight": 1 + table(SIZE), f"{name}.bias": table(SIZE)}

    weights = {
        "embeddings.word_embeddings.weight": table(len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": table(POSITIONS, SIZE),
        **norm("embeddings.LayerNorm"),
    }
    if architecture == "bert":
        weights["embeddings.token_type_embeddings.weight"] = table(2, SIZE)
    else:
        weights["encoder.relative_attention_bias.weight"] = 4 * table(GROUPS, HEADS)
    *matrices, attention_norm = ATTENTION[architecture]
    sizes = {f"attention.{name}": (SIZE, SIZE) for name in matrices}
    sizes |= {"intermediate.dense": (INNER_SIZE, SIZE), "output.dense": (SIZE, INNER_SIZE)}
    for number in range(LAYERS):
        prefix = f"encoder.layer.{number}."
        for name, size in sizes.items():
            weights[f"{prefix}{name}.weight"] = table(*size)
            weights[f"{prefix}{name}.bias"] = table(size[0])
        weights |= norm(f"{prefix}attention.{attention_norm}") | norm(f"{prefix}output.LayerNorm")
    return weights


def write_weights(folder, weights):
    """Write them as safetensors, with one that no model needs."""
    tensors = {"embeddings.position_ids": np.arange(POSITIONS), **weights}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        kind = "F32" if tensor.dtype == np.float32 else "I64"
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    content = json.dumps(header).encode()
    body = b"".join(tensor.tobytes() for tensor in tensors.values())
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + body)


def embed_exactly(architecture, weights, token_ids):
    """Embed one text with floats: the definition of both architectures."""
    model = SimpleNamespace(architecture=architecture, weights=weights)
    length = len(token_ids)
    first = 2 if architecture == "mpnet" else 0
    states = weights["embeddings.word_embeddings.weight"][token_ids]
    states = states + weights["embeddings.position_embeddings.weight"][first : first + length]
    if architecture == "bert":
        states = states + weights["embeddings.token_type_embeddings.weight"][0]
    states = normalize(model, states, "embeddings.LayerNorm")
    for number in range(LAYERS):
        states = add_layer(model, states, f"encoder.layer.{number}.")
    mean = states.mean(0)
    return mean / np.linalg.norm(mean)


def add_layer(model, states, prefix):
    query, key, value, mixing, norm = (
        f"{prefix}attention.{name}" for name in ATTENTION[model.architecture]
    )
    heads = [split(multiply(model, states, name)) for name in (query, key, value)]
    scores = heads[0] @ heads[1].transpose(0, 2, 1) / np.sqrt(SIZE / HEADS)
    if model.architecture == "mpnet":
        scores = scores + distances(model, len(states))
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    context = (shares @ heads[2]).transpose(1, 0, 2).reshape(len(states), SIZE)
    states = normalize(model, multiply(model, context, mixing) + states, norm)
    inner = multiply(model, states, f"{prefix}intermediate.dense")
    bent = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
    output = multiply(model, bent, f"{prefix}output.dense")
    return normalize(model, output + states, f"{prefix}output.LayerNorm")


def distances(model, length):
    """Add for the distance of two tokens, by the published rule."""
    table = model.weights["encoder.relative_attention_bias.weight"]
    added = np.zeros((HEADS, length, length))
    for row in range(length):
        for column in range(length):
            added[:, row, column] = table[group_of(column - row)]
    return added


def group_of(offset):
    group = 16 if offset > 0 else 0
    distance = abs(offset)
    if distance < 8:
        return group + distance
    return group + min(15, 8 + int(np.log(distance / 8) / np.log(16) * 8))


def split(states):
    return states.reshape(len(states), HEADS, SIZE // HEADS).transpose(1, 0, 2)


def multiply(model, states, name):
    return states @ model.weights[f"{name}.weight"].T + model.weights[f"{name}.bias"]


def normalize(model, states, name):
    centred = states - states.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return scaled * model.weights[f"{name}.weight"] + model.weights[f"{name}.bias"]
