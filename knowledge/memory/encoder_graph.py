"""The graph that runs the built-in model: ``make encoder-graph``.

It computes what the packaged graph computes, in a third of its nodes and with 8 bits. The packaged
one turns all weights into floats, and is bound by reading them. It holds no weights: each is
named by its place in the packaged file. Activations become 8 bits as well, in blocks of a token, so
that the vector of a text does not depend on the texts beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from knowledge.memory.minilm import GRAPH, WEIGHTS, find_weights

MICROSOFT = "com.microsoft"
HEADS = 12
LAYERS = 6
SIZE = 384
MATRICES_PER_LAYER = 6
EPSILON = 1e-12
BITS = 8
# The zero point of unsigned bytes.
ZERO_POINT = 128
# Numbers with a scale of their own. Smaller blocks are more exact and slower; the widest matrices
# are a third of the work and bear larger ones.
BLOCK_SIZE = 64
WIDE_BLOCK_SIZE = 128
# Level 4 multiplies integers.
INTEGERS = 4
OPERATORS_VERSION = 17
#: Of the file format; older runtimes refuse newer numbers.
FORMAT_VERSION = 9
PREFIX = "inner."


class EncoderGraph:
    """Grows node by node; refers to the weights of a packaged model."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        original = onnx.load_model_from_string(content).graph
        self._sources = {tensor.name: tensor for tensor in original.initializer}
        self._matrices = []
        for node in original.node:
            if node.op_type == "MatMul" and f"{node.input[1]}_q" in self._sources:
                self._matrices.append(node.input[1])

    def build(self) -> bytes:
        """Return the graph as a file."""
        self._constant("zero_point", np.array(ZERO_POINT, np.int32))
        states = self._embed()
        self._node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        for number in range(LAYERS):
            states = self._add_layer(states, number)
        self._node("Identity", [states], "last_hidden_state")
        return self._finish()

    def _embed(self) -> str:
        """Add up the rows of tokens, their positions and the only type of text."""
        prefix = f"{PREFIX}embeddings."
        words, word_scales, positions, position_scales = (
            self._weight(f"{prefix}{table}_embeddings.weight_{part}")
            for table in ("word", "position")
            for part in ("q", "scale")
        )
        self._node("Gather", [words, "input_ids"], "words.integers")
        self._node("Gather", [word_scales, "input_ids"], "words.scales")
        self._node("Cast", ["words.integers"], "words.numbers", to=TensorProto.FLOAT)
        self._node("Mul", ["words.numbers", "words.scales"], "words")
        self._node("Cast", [positions], "places.numbers", to=TensorProto.FLOAT)
        self._node("Mul", ["places.numbers", position_scales], "places.all")
        self._constant("start", np.array([0], np.int64))
        self._constant("one", np.array([1], np.int64))
        self._node("Shape", ["input_ids"], "length", start=1, end=2)
        self._node("Slice", ["places.all", "start", "length", "start"], "places")
        types = self._weight(f"{prefix}token_type_embeddings.weight")
        self._node("Slice", [types, "start", "one"], "type")
        self._node("Add", ["words", "places"], "placed")
        self._node("Add", ["placed", "type"], "sum")
        norm = [self._weight(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
        return self._node("LayerNormalization", ["sum", *norm], "embedded", epsilon=EPSILON)

    def _add_layer(self, states: str, number: int) -> str:
        prefix = f"{PREFIX}encoder.layer.{number}."
        start = number * MATRICES_PER_LAYER
        query, key, value, mixing, inner, outer = self._matrices[start : start + MATRICES_PER_LAYER]
        projections = []
        for name, matrix in (("query", query), ("key", key), ("value", value)):
            bias = self._weight(f"{prefix}attention.self.{name}.bias")
            projections.append(self._multiply(states, matrix, bias))
        context = self._node(
            "MultiHeadAttention",
            [*projections, "", "mask"],
            f"context.{number}",
            domain=MICROSOFT,
            num_heads=HEADS,
        )
        output = self._multiply(context, mixing)
        middle = self._add_and_normalize(output, states, f"{prefix}attention.output.")
        bent = self._node(
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
        if bias:
            inputs += ["", "", bias]
        return self._node(
            "MatMulNBits",
            inputs,
            f"{matrix}.product",
            domain=MICROSOFT,
            K=rows,
            N=columns,
            bits=BITS,
            block_size=block_size,
            accuracy_level=INTEGERS,
        )

    def _pack(self, matrix: str, columns: int, blocks: int, *, block_size: int) -> tuple[str, str]:
        """Pack a matrix and its scales in blocks of its columns.

        The nodes have constant inputs alone: the runtime computes them when it loads the graph.
        """
        self._node("Transpose", [self._weight(f"{matrix}_q")], f"{matrix}.turned", perm=[1, 0])
        self._node("Cast", [f"{matrix}.turned"], f"{matrix}.whole", to=TensorProto.INT32)
        self._node("Add", [f"{matrix}.whole", "zero_point"], f"{matrix}.moved")
        self._node("Cast", [f"{matrix}.moved"], f"{matrix}.bytes", to=TensorProto.UINT8)
        shape = np.array([columns, blocks, block_size], np.int64)
        self._constant(f"{matrix}.shape", shape)
        self._constant(f"{matrix}.size", shape[:2])
        self._constant("column", np.array([-1, 1], np.int64))
        self._node("Reshape", [self._weight(f"{matrix}_scale"), "column"], f"{matrix}.scale")
        return (
            self._node("Reshape", [f"{matrix}.bytes", f"{matrix}.shape"], f"{matrix}.packed"),
            self._node("Expand", [f"{matrix}.scale", f"{matrix}.size"], f"{matrix}.scales"),
        )

    def _add_and_normalize(self, states: str, earlier_states: str, prefix: str) -> str:
        norm = [self._weight(f"{prefix}LayerNorm.{part}") for part in ("weight", "bias")]
        return self._node(
            "SkipLayerNormalization",
            [states, earlier_states, *norm, self._weight(f"{prefix}dense.bias")],
            f"{prefix}states",
            domain=MICROSOFT,
            epsilon=EPSILON,
        )

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, value: Any) -> str:
        """Add a small constant, and return its name."""
        self._initializers[name] = numpy_helper.from_array(value, name)
        return name

    def _weight(self, name: str) -> str:
        """Refer to a weight by its place in the packaged file, and return its name."""
        if name not in self._initializers:
            source = self._sources[name]
            tensor = TensorProto(name=name, data_type=source.data_type, dims=source.dims)
            tensor.data_location = TensorProto.EXTERNAL
            place = {
                "location": WEIGHTS,
                "offset": str(self._content.index(source.raw_data)),
                "length": str(len(source.raw_data)),
            }
            for key, value in place.items():
                tensor.external_data.add(key=key, value=value)
            self._initializers[name] = tensor
        return name

    def _finish(self) -> bytes:
        shape = ["texts", "tokens"]
        inputs = []
        for name in ("input_ids", "attention_mask"):
            inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, shape))
        output = helper.make_tensor_value_info(
            "last_hidden_state", TensorProto.FLOAT, [*shape, SIZE]
        )
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            inputs,
            [output],
            list(self._initializers.values()),
        )
        imports = [
            helper.make_opsetid("", OPERATORS_VERSION),
            helper.make_opsetid(MICROSOFT, 1),
        ]
        model = helper.make_model(graph, opset_imports=imports)
        model.ir_version = FORMAT_VERSION
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def main() -> None:
    """Write the graph, and print the hash that belongs into minilm.py."""
    content = EncoderGraph(find_weights().read_bytes()).build()
    GRAPH.write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    print(f"{GRAPH}: SHA-256 {checksum}")  # noqa: T201 (its result)


if __name__ == "__main__":
    main()
