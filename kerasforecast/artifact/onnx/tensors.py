"""Values of an ONNX graph, and the nodes that make one of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Size: TypeAlias = int | None  # None for the batch


@dataclass(frozen=True)
class Tensor:
    """A value of the graph: its name, and its shape as Keras gives it, the batch as `None`."""

    name: str
    shape: tuple[Size, ...] = ()


class Nodes:
    """Collects the nodes and constants of one graph; equal constants are kept once.

    Attributes:
        nodes: `onnx.NodeProto`, in the order in which they compute.
        constants: Arrays by name.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self._kept: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def add(self, operation: str, *inputs: Tensor | str, **attributes: Any) -> Tensor:
        """Add a node and return the one tensor that it gives.

        Args:
            operation: Of ONNX, e.g. `"MatMul"`.
            *inputs: Tensors; `""` where an optional one is left out.
            **attributes: Of the node.
        """
        return self.add_several(operation, *inputs, outputs=1, **attributes)[0]

    def add_several(self, operation: str, *inputs: Tensor | str, outputs: int, **attributes: Any) -> tuple[Tensor, ...]:
        """The same of a node that gives so many tensors."""
        import onnx

        self._count += 1
        names = [f"{operation}_{self._count}" + (f"_{place}" if place else "") for place in range(outputs)]
        given = [part if isinstance(part, str) else part.name for part in inputs]
        self.nodes.append(onnx.helper.make_node(operation, given, names, name=names[0], **attributes))
        return tuple(Tensor(name) for name in names)

    def constant(self, values: Any, dtype: Any = np.float32) -> Tensor:
        """A constant; float32 where nothing else is asked for."""
        array = np.ascontiguousarray(np.asarray(values, dtype))
        array = array.reshape(np.shape(values))  # of a scalar the line above makes a vector
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._kept:
            self._kept[key] = f"constant_{len(self._kept)}"
            self.constants[self._kept[key]] = array
        return Tensor(self._kept[key], array.shape)

    def sizes(self, *values: int) -> Tensor:
        """A constant vector of whole numbers: axes, shapes, places."""
        return self.constant(list(values), np.int64)

    def reshape(self, value: Tensor, shape: Sequence[int]) -> Tensor:
        """`value` in another shape, 0 for a size that stays."""
        return self.add("Reshape", value, self.sizes(*shape))

    def transpose(self, value: Tensor, *order: int) -> Tensor:
        """`value` with its axes in another order."""
        return self.add("Transpose", value, perm=list(order))
