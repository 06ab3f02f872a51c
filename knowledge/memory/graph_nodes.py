"""A graph of ONNX that grows node by node.

Its weights stay in the file that they came in, and are named by their places there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"
#: Of the numbers of matrices.
BITS = 8
# Level 4 multiplies integers.
INTEGERS = 4
OPERATORS_VERSION = 17
#: Of the file format; older runtimes refuse newer numbers.
FORMAT_VERSION = 9


class GraphNodes:
    """The nodes and the weights of one graph."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def add_node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def add_product(
        self,
        inputs: Sequence[str],
        output: str,
        *,
        shape: tuple[int, int],
        block_size: int,
        bias: str = "",
    ) -> str:
        """Multiply by an 8-bit matrix, and return the name of the product.

        ``inputs`` are the states, the packed matrix and its scales; ``shape`` is that of the
        matrix, by rows and columns.
        """
        rows, columns = shape
        names = [*inputs, "", "", bias] if bias else inputs
        return self.add_node(
            "MatMulNBits",
            names,
            output,
            domain=MICROSOFT,
            K=rows,
            N=columns,
            bits=BITS,
            block_size=block_size,
            accuracy_level=INTEGERS,
        )

    def add_constant(self, name: str, value: Any) -> str:
        """Add a small constant, and return its name."""
        self._initializers[name] = numpy_helper.from_array(value, name)
        return name

    def add_weight(
        self, name: str, *, data_type: int, shape: Sequence[int], location: str, span: range
    ) -> str:
        """Refer to a weight by its bytes in a file.

        Returns its name."""
        if name not in self._initializers:
            tensor = TensorProto(name=name, data_type=data_type, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            place = {
                "location": location,
                "offset": str(span.start),
                "length": str(len(span)),
            }
            for key, value in place.items():
                tensor.external_data.add(key=key, value=value)
            self._initializers[name] = tensor
        return name

    def finish(self, size: int) -> bytes:
        """Return the graph as a file.

        The state of a token has ``size`` numbers."""
        shape = ["texts", "tokens"]
        inputs = []
        for name in ("input_ids", "attention_mask"):
            inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, shape))
        output = helper.make_tensor_value_info(
            "last_hidden_state", TensorProto.FLOAT, [*shape, size]
        )
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            inputs,
            outputs=[output],
            initializer=list(self._initializers.values()),
        )
        imports = [
            helper.make_opsetid("", OPERATORS_VERSION),
            helper.make_opsetid(MICROSOFT, 1),
        ]
        model = helper.make_model(graph, opset_imports=imports)
        model.ir_version = FORMAT_VERSION
        content: bytes = model.SerializeToString(deterministic=True)
        return content
