"""The graph that runs the model of a folder with 8 bits.

It refers to the folder's floats. The runtime turns the matrices into bytes when it loads the graph,
in blocks with a scale of their own; words and positions stay floats in the mapped file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from knowledge.memory.graph_nodes import MICROSOFT, GraphNodes
from knowledge.memory.model_folder import (
    BLOCK_SIZE,
    DISTANCES,
    FIRST_POSITIONS,
    LAYER_NAMES,
    WEIGHTS,
    ModelFolder,
)

# The zero point of unsigned bytes, and the largest number on both sides of it.
ZERO_POINT = 128
MAX_STEPS = 127
# A block of zeros has a scale as well.
MIN_SCALE = 1e-12
# Distances of tokens from each other are counted in so many groups in MPNet, and are all the same
# beyond the largest one.
MAX_DISTANCE = 128


class SentenceGraph:
    """Writes the graph for the model of a folder."""

    def __init__(self, folder: ModelFolder, max_tokens: int) -> None:
        self._folder = folder
        self._max_tokens = max_tokens
        self._graph = GraphNodes()

    def build(self) -> bytes:
        """Return the graph as a file."""
        graph = self._graph
        graph.add_constant("start", np.array([0], np.int64))
        graph.add_constant("steps", np.array(MAX_STEPS, np.float32))
        graph.add_constant("zero_point", np.array(ZERO_POINT, np.float32))
        graph.add_constant("min_scale", np.array(MIN_SCALE, np.float32))
        graph.add_node("Shape", ["input_ids"], "length", start=1, end=2)
        graph.add_node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        states = self._embed()
        attention_inputs = ["", "mask"]
        if self._folder.architecture == "mpnet":
            attention_inputs.append(self._compare_positions())
        for number in range(self._folder.layers):
            states = self._add_layer(states, f"encoder.layer.{number}.", attention_inputs)
        graph.add_node("Identity", [states], "last_hidden_state")
        return graph.finish(self._folder.size)

    def _embed(self) -> str:
        """Add up the rows of tokens, positions and the first type."""
        graph = self._graph
        first = FIRST_POSITIONS[self._folder.architecture]
        graph.add_constant("first", np.array([first], np.int64))
        graph.add_node("Add", ["length", "first"], "end")
        words = self._weight("embeddings.word_embeddings.weight")
        positions = self._weight("embeddings.position_embeddings.weight")
        graph.add_node("Gather", [words, "input_ids"], "words")
        graph.add_node("Slice", [positions, "first", "end", "start"], "places")
        total = graph.add_node("Add", ["words", "places"], "placed")
        if self._folder.architecture == "bert":
            types = self._weight("embeddings.token_type_embeddings.weight")
            graph.add_constant("one", np.array([1], np.int64))
            graph.add_node("Slice", [types, "start", "one"], "type")
            total = graph.add_node("Add", [total, "type"], "typed")
        inputs = [total, *self._norm("embeddings.LayerNorm")]
        return graph.add_node(
            "LayerNormalization", inputs, "embedded", epsilon=self._folder.epsilon
        )

    def _compare_positions(self) -> str:
        """Add to the attention of two tokens by their distance."""
        graph = self._graph
        groups = self._folder.tensors[DISTANCES].shape[0]
        graph.add_constant("groups", group_distances(self._max_tokens, groups))
        graph.add_constant("plane", np.array([0, 1], np.int64))
        graph.add_constant("corner", np.array([0, 0], np.int64))
        graph.add_node("Concat", ["length", "length"], "square", axis=0)
        graph.add_node("Slice", ["groups", "corner", "square", "plane"], "own_groups")
        graph.add_node("Gather", [self._weight(DISTANCES), "own_groups"], "distances")
        graph.add_node("Transpose", ["distances"], "distances_by_head", perm=[2, 0, 1])
        return graph.add_node("Unsqueeze", ["distances_by_head", "start"], "attention_bias")

    def _add_layer(self, states: str, prefix: str, attention_inputs: list[str]) -> str:
        graph = self._graph
        names = LAYER_NAMES[self._folder.architecture]
        projections = []
        for name in (names.query, names.key, names.value):
            bias = self._weight(f"{prefix}{name}.bias")
            projections.append(self._multiply(states, f"{prefix}{name}", bias))
        context = graph.add_node(
            "MultiHeadAttention",
            [*projections, *attention_inputs],
            f"{prefix}context",
            domain=MICROSOFT,
            num_heads=self._folder.heads,
        )
        mixing, norm = f"{prefix}{names.mixing}", f"{prefix}{names.mixing_norm}"
        middle = self._add_up(context, states, matrix=mixing, norm=norm)
        inner = f"{prefix}intermediate.dense"
        bent = graph.add_node(
            "BiasGelu",
            [self._multiply(middle, inner), self._weight(f"{inner}.bias")],
            f"{prefix}bent",
            domain=MICROSOFT,
        )
        output, norm = f"{prefix}output.dense", f"{prefix}output.LayerNorm"
        return self._add_up(bent, middle, matrix=output, norm=norm)

    def _add_up(self, states: str, earlier_states: str, *, matrix: str, norm: str) -> str:
        """Multiply, add earlier states, and normalize."""
        product = self._multiply(states, matrix)
        return self._graph.add_node(
            "SkipLayerNormalization",
            [product, earlier_states, *self._norm(norm), self._weight(f"{matrix}.bias")],
            f"{matrix}.states",
            domain=MICROSOFT,
            epsilon=self._folder.epsilon,
        )

    def _multiply(self, states: str, matrix: str, bias: str = "") -> str:
        """Multiply states by a matrix."""
        columns, rows = self._folder.tensors[f"{matrix}.weight"].shape
        inputs = [states, *self._pack(matrix, columns, rows // BLOCK_SIZE)]
        return self._graph.add_product(
            inputs, f"{matrix}.product", shape=(rows, columns), block_size=BLOCK_SIZE, bias=bias
        )

    def _pack(self, matrix: str, columns: int, blocks: int) -> tuple[str, str]:
        """Round a matrix to bytes, in blocks of its columns.

        The nodes have constant inputs alone: the runtime computes them when it loads the graph.
        """
        graph = self._graph
        shape = np.array([columns, blocks, BLOCK_SIZE], np.int64)
        graph.add_constant(f"{matrix}.shape", shape)
        graph.add_constant(f"{matrix}.size", shape[:2])
        weight = self._weight(f"{matrix}.weight")
        graph.add_node("Reshape", [weight, f"{matrix}.shape"], f"{matrix}.blocks")
        graph.add_node("Abs", [f"{matrix}.blocks"], f"{matrix}.sizes")
        graph.add_node("ReduceMax", [f"{matrix}.sizes"], f"{matrix}.largest", axes=[2], keepdims=1)
        graph.add_node("Div", [f"{matrix}.largest", "steps"], f"{matrix}.exact_scale")
        graph.add_node("Max", [f"{matrix}.exact_scale", "min_scale"], f"{matrix}.scale")
        graph.add_node("Div", [f"{matrix}.blocks", f"{matrix}.scale"], f"{matrix}.scaled")
        graph.add_node("Round", [f"{matrix}.scaled"], f"{matrix}.whole")
        graph.add_node("Add", [f"{matrix}.whole", "zero_point"], f"{matrix}.moved")
        return (
            graph.add_node("Cast", [f"{matrix}.moved"], f"{matrix}.packed", to=TensorProto.UINT8),
            graph.add_node("Reshape", [f"{matrix}.scale", f"{matrix}.size"], f"{matrix}.scales"),
        )

    def _norm(self, name: str) -> list[str]:
        return [self._weight(f"{name}.{part}") for part in ("weight", "bias")]

    def _weight(self, name: str) -> str:
        """Refer to a tensor of the folder, and return its name."""
        tensor = self._folder.tensors[name]
        return self._graph.add_weight(
            name,
            data_type=TensorProto.FLOAT,
            shape=tensor.shape,
            location=WEIGHTS,
            span=tensor.span,
        )


def group_distances(max_tokens: int, groups: int) -> NDArray[np.int64]:
    """Return the group of each distance, as in MPNet.

    Half of the groups are for what comes after; half of these are for one distance each, and the
    others grow with it.
    """
    positions = np.arange(max_tokens)
    offsets = positions[None, :] - positions[:, None]
    half = groups // 2
    exact = half // 2
    distances = np.abs(offsets)
    growth = np.log(np.maximum(distances, 1).astype(np.float32) / np.float32(exact))
    growth /= np.float32(np.log(MAX_DISTANCE / exact))
    far_groups = exact + (growth * np.float32(half - exact)).astype(np.int64)
    near_or_far = np.where(distances < exact, distances, np.minimum(far_groups, half - 1))
    numbers: NDArray[np.int64] = (near_or_far + half * (offsets > 0)).astype(np.int64)
    return numbers
