"""Recurrent layers as the nodes that ONNX has for them: LSTM, GRU and RNN, either way or both.

Keras keeps gates side by side in the columns of its kernels, ONNX in rows, in another order:

    LSTM    i f g o  ->  i o f g        GRU    z r h  ->  z r h        SimpleRNN    one

Peepholes are ONNX's own, in the order i o f. Coupled gates are written as a plain LSTM whose input gate has the forget
gate's weights with the other sign, since 1 - sigmoid(z) = sigmoid(-z): ONNX leaves open which of the two
`input_forget` keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasforecast.artifact.onnx.tensors import Nodes, Tensor
from kerasforecast.errors import ArtifactError, shown

Arrays = Mapping[str, np.ndarray]  # of a layer, by place: `cell/vars/0`, or `forward_layer/cell/vars/0`
_GATES = {"LSTM": 4, "PeepholeLSTM": 4, "CoupledLSTM": 3, "GRU": 3, "SimpleRNN": 1}
_ONNX = {"GRU": "GRU", "SimpleRNN": "RNN"}
RECURRENT = tuple(_GATES)


def recurrent(nodes: Nodes, kind: str, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> tuple[Tensor, ...]:
    """One layer over `x` `(B, L, C)`: what it gives, and its last inner states where Keras returns these."""
    return _looped(nodes, kind, config, [_cell(kind, config, arrays, "cell/")], x)


def bidirectional(nodes: Nodes, config: Mapping[str, Any], arrays: Arrays, x: Tensor) -> tuple[Tensor, ...]:
    """A layer that reads `x` `(B, L, C)` both ways."""
    kind, inner = config["layer"]["class_name"], config["layer"]["config"]
    cells = [_cell(kind, inner, arrays, f"{side}_layer/cell/") for side in ("forward", "backward")]
    return _looped(nodes, kind, inner, cells, x)


def _looped(
    nodes: Nodes, kind: str, config: Mapping[str, Any], cells: Sequence[list[np.ndarray]], x: Tensor
) -> tuple[Tensor, ...]:
    _check_plain(kind, config)
    weights = [nodes.constant(np.stack(parts)) for parts in zip(*cells, strict=True)]  # W, R, B and P, each (D, ...)
    operation, both = _ONNX.get(kind, "LSTM"), len(cells) > 1
    attributes: dict[str, Any] = {"hidden_size": config["units"]}
    if both:
        attributes["direction"] = "bidirectional"
    if operation == "GRU":
        attributes["linear_before_reset"] = int(config["reset_after"])
    inputs: list[Tensor | str] = [nodes.transpose(x, 1, 0, 2), *weights[:3]]
    if len(weights) > 3:
        inputs += ["", "", "", weights[3]]
    states = 3 if operation == "LSTM" else 2
    rows, *finals = nodes.add_several(operation, *inputs, outputs=states, **attributes)  # (L, D, B, U), (D, B, U) each
    if config["return_sequences"]:
        found = nodes.transpose(rows, 2, 0, 1, 3)  # (B, L, D, U)
        found = nodes.reshape(found, [0, 0, -1]) if both else nodes.add("Squeeze", found, nodes.sizes(2))
    elif both:
        found = nodes.reshape(nodes.transpose(finals[0], 1, 0, 2), [0, -1])
    else:
        found = nodes.add("Squeeze", finals[0], nodes.sizes(0))
    return (found,)


def _check_plain(kind: str, config: Mapping[str, Any]) -> None:
    """Refuse what the nodes would compute otherwise."""
    wanted = {"activation": "tanh", "use_bias": True, "go_backwards": False, "stateful": False}
    wanted |= {} if kind == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    other = {name: config.get(name) for name, value in wanted.items() if config.get(name) != value}
    if other:
        raise ArtifactError(f"ONNX is written of recurrent layers as Keras makes them. Received: {shown(other)}.")


def _cell(kind: str, config: Mapping[str, Any], arrays: Arrays, folder: str) -> list[np.ndarray]:
    """W `(G U, C)`, R `(G U, U)`, B `(2 G U,)` of one direction, and P `(3 U,)` of a peephole LSTM."""
    kernel, recurrent_kernel, bias, *more = (
        arrays[f"{folder}vars/{place}"] for place in range(sum(name.startswith(folder) for name in arrays))
    )
    biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])  # of the input, of the state
    of_x, of_h, of_one = (_gates(kind, array) for array in (kernel, recurrent_kernel, biases))
    found = [of_x.T, of_h.T, np.ravel(of_one)]
    if more:
        inward, forget, outward = more[0]
        found.append(np.concatenate([inward, outward, forget]))
    return found


def _gates(kind: str, columns: np.ndarray) -> np.ndarray:
    """`(n, G U)` in Keras' order of gates, in that of ONNX."""
    parts = np.split(columns, _GATES[kind], axis=-1)
    if kind in ("LSTM", "PeepholeLSTM"):
        parts = [parts[place] for place in (0, 3, 1, 2)]
    elif kind == "CoupledLSTM":
        forget, new, outward = parts
        parts = [-forget, outward, forget, new]
    return np.concatenate(parts, axis=-1)
