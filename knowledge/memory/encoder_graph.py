"""The graph that runs the built-in model: ``make encoder-graph``.

It computes what the packaged graph computes, in a third of its nodes and with 8 bits. The packaged
one turns all weights into floats, and is bound by reading them. It holds no weights: each is
named by its place in the packaged file. Activations become 8 bits as well, in blocks of a token, so
that the vector of a text does not depend on the texts beside it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import TensorProto

from knowledge.memory.graph_nodes import MICROSOFT, GraphNodes
from knowledge.memory.minilm import GRAPH, WEIGHTS, find_weights

HEADS = 12
LAYERS = 6
SIZE = 384
MATRICES_PER_LAYER = 6
EPSILON = 1e-12
# The zero point of unsigned bytes.
ZERO_POINT = 128
# Numbers with a scale of their own. Smaller blocks are more exact and slower; the widest matrices
# are a third of the work and bear larger ones.
BLOCK_SIZE = 64
WIDE_BLOCK_SIZE = 128
PREFIX = "inner."


class EncoderGraph:
    """Writes the graph over the weights of the packaged model."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._graph = GraphNodes()
        original = onnx.load_model_from_string(content).graph
        self._sources = {tensor.name: tensor for tensor in original.initializer}
        self._matrices = []
        for node in original.node:
            if node.op_type == "MatMul" and f"{node.input[1]}_q" in self._sources:
                self._matrices.append(node.input[1])

    def build(self) -> bytes:
        """Return the graph as a file."""
        self._graph.add_constant("zero_point", np.array(ZERO_POINT, np.int32))
        states = self._embed()
        self._graph.add_node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        for number in range(LAYERS):
            states = self._add_layer(states, number)
        self._graph.add_node("Identity", [states], "last_hidden_state")
        return self._graph.finish(SIZE)

    def _embed(self) -> str:
        """Add up the rows of tokens, positions and the only type."""
        prefix = f"{PREFIX}embeddings."
        words, word_scales, positions, position_scales = (
            self._weight(f"{prefix}{table}_embeddings.weight_{part}")
            for table in ("word", "position")
            for part in ("q", "scale")
        )
        self._graph.add_node("Gather", [words, "input_ids"], "words.integers")
        self._graph.add_node("Gather", [word_scales, "input_ids"], "words.scales")
        self._graph.add_node("Cast", ["words.integers"], "words.numbers", to=TensorProto.FLOAT)
        self._graph.add_node("Mul", ["words.numbers", "words.scales"], "words")
        self._graph.add_node("Cast", [positions], "places.numbers", to=TensorProto.FLOAT)
        self._graph.add_node("Mul", ["places.numbers", position_scales], "places.all")
        self._graph.add_constant("start", np.array([0], np.int64))
        self._graph.add_constant("one", np.array([1], np.int64))
        self._graph.add_node("Shape", ["input_ids"], "length", start=1, end=2)
        self._graph.add_node("Slice", ["places.all", "start", "length", "start"], "places")
        types = self._weight(f"{prefix}token_type_embeddings.weight")
        self._graph.add_node("Slice", [types, "start", "one"], "type")
        self._graph.add_node("Add", ["words", "places"], "placed")
        self._graph.add_node("Add", ["placed", "type"], "sum")
        norm = [self._weight(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
        return self._graph.add_node(
            "LayerNormalization", ["sum", *norm], "embedded", epsilon=EPSILON
        )

    def _add_layer(self, states: str, number: int) -> str:
        prefix = f"{PREFIX}encoder.layer.{number}."
        start = number * MATRICES_PER_LAYER
        query, key, value, mixing, inner, outer = self._matrices[start : start + MATRICES_PER_LAYER]
        projections = []
        for name, matrix in (("query", query), ("key", key), ("value", value)):
            bias = self._weight(f"{prefix}attention.self.{name}.bias")
            projections.append(self._multiply(states, matrix, bias))
        context = self._graph.add_node(
            "MultiHeadAttention",
            [*projections, "", "mask"],
            f"context.{number}",
            domain=MICROSOFT,
            num_heads=HEADS,
        )
        output = self._multiply(context, mixing)
        middle = self._add_and_normalize(output, states, f"{prefix}attention.output.")
        bent = self._graph.add_node(
            "BiasGelu",
            [self._multiply(middle, inner), self._weight(f"{prefix}intermediate.dense.bias")],
            f"bent.{number}",
            domain=MICROSOFT,
        )
        return self._add_and_normalize(self._multiply(bent, outer), middle, f"{prefix}output.")

    def _multiply(self, states: str, matrix: str, bias: str = "") -> str:
        """Multiply states by a matrix."""
        rows, columns = self._sources[f"{matrix}_q"].dims
        block_size = WIDE_BLOCK_SIZE if rows > SIZE else BLOCK_SIZE
        inputs = [states, *self._pack(matrix, columns, rows // block_size, block_size=block_size)]
        return self._graph.add_product(
            inputs, f"{matrix}.product", shape=(rows, columns), block_size=block_size, bias=bias
        )

    def _pack(self, matrix: str, columns: int, blocks: int, *, block_size: int) -> tuple[str, str]:
        """Pack a matrix and its scales in blocks of its columns.

        The nodes have constant inputs alone: the runtime computes them when it loads the graph.
        """
        self._graph.add_node(
            "Transpose", [self._weight(f"{matrix}_q")], f"{matrix}.turned", perm=[1, 0]
        )
        self._graph.add_node("Cast", [f"{matrix}.turned"], f"{matrix}.whole", to=TensorProto.INT32)
        self._graph.add_node("Add", [f"{matrix}.whole", "zero_point"], f"{matrix}.moved")
        self._graph.add_node("Cast", [f"{matrix}.moved"], f"{matrix}.bytes", to=TensorProto.UINT8)
        shape = np.array([columns, blocks, block_size], np.int64)
        self._graph.add_constant(f"{matrix}.shape", shape)
        self._graph.add_constant(f"{matrix}.size", shape[:2])
        self._graph.add_constant("column", np.array([-1, 1], np.int64))
        self._graph.add_node(
            "Reshape", [self._weight(f"{matrix}_scale"), "column"], f"{matrix}.scale"
        )
        return (
            self._graph.add_node(
                "Reshape", [f"{matrix}.bytes", f"{matrix}.shape"], f"{matrix}.packed"
            ),
            self._graph.add_node(
                "Expand", [f"{matrix}.scale", f"{matrix}.size"], f"{matrix}.scales"
            ),
        )

    def _add_and_normalize(self, states: str, earlier_states: str, prefix: str) -> str:
        norm = [self._weight(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
        return self._graph.add_node(
            "SkipLayerNormalization",
            [states, earlier_states, *norm, self._weight(f"{prefix}dense.bias")],
            f"{prefix}states",
            domain=MICROSOFT,
            epsilon=EPSILON,
        )

    def _weight(self, name: str) -> str:
        """Refer to a weight in the packaged file; return its name."""
        source = self._sources[name]
        start = self._content.index(source.raw_data)
        return self._graph.add_weight(
            name,
            data_type=source.data_type,
            shape=source.dims,
            location=WEIGHTS,
            span=range(start, start + len(source.raw_data)),
        )


def main() -> None:
    """Write the graph, and print the hash that belongs into minilm.py."""
    content = EncoderGraph(find_weights().read_bytes()).build()
    GRAPH.write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    print(f"{GRAPH}: SHA-256 {checksum}")  # noqa: T201 (its result)


if __name__ == "__main__":
    main()
