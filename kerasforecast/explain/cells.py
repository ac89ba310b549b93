"""The recurrent cells of the specification in NumPy: what every gate and state is at every row of a window.

A network hands out its last states alone; what goes on before is computed here from its weights, laid out as the layers
have them: kernel `(F, G U)`, recurrent kernel `(U, G U)`, bias, gates side by side. No backend is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kerasforecast.models.families.recurrent import Recurrent, RecurrentOptions
from kerasforecast.models.member import Member

Row = dict[str, np.ndarray]
Step = Callable[[np.ndarray, Row], Row]

GATES = {
    "forget gate": "f",
    "input gate": "i",
    "output gate": "o",
    "keep gate": "z",
    "reset gate": "r",
    "candidate": "g",
    "cell state": "c",
    "hidden state": "h",
}
_EPSILON = 1e-3  # of Keras' normalisations


@dataclass(frozen=True, eq=False)
class Layer:
    """What a recurrent layer computed, row by row, the first row first.

    Attributes:
        name: E.g. `"layer 1"`, `"layer 1 backward"`.
        rows: `(T, U)` by the letter in `GATES`; those that the cell has, `h` always.
        backward: Whether it read the window from its end.
    """

    name: str
    rows: dict[str, np.ndarray]
    backward: bool = False

    @property
    def half_lives(self) -> np.ndarray | None:
        """`(U,)` after how many rows half of what a unit holds is left, by the mean of its gate's logarithm.

        That gate is the forget gate, in a GRU the one that keeps; a plain RNN has neither, hence `None`.
        """
        gate = self.rows.get("f", self.rows.get("z"))
        if gate is None:
            return None
        kept = np.log(np.clip(gate, 1e-12, 1 - 1e-7)).mean(axis=0)
        return np.asarray(np.log(0.5) / kept)


def layers_of(member: Member, weights: Sequence[np.ndarray], inputs: np.ndarray) -> list[Layer]:
    """Everything that the layers of a recurrent network compute of one window.

    Args:
        member: Of a recurrent family.
        weights: Its own, in the order of `kerasforecast.models.network.merged_weights`.
        inputs: `(L, C)` scaled, the columns known ahead beside the past.
    """
    family, options = member.network.family, member.network.options
    if not isinstance(family, Recurrent) or not isinstance(options, RecurrentOptions):
        raise ValueError("Gates are those of a recurrent network.")
    left = [np.asarray(each, np.float64) for each in weights[len(member.sizes.embeddings) :]]
    step_of = _STEPS[family.cell.layer]
    each = 3 + bool(family.cell.peepholes)
    found, hidden = [], np.asarray(inputs, np.float64)
    for number in range(1, options.layers + 1):
        directions = []
        for backward in (False, True)[: 1 + options.bidirectional]:
            own, left = left[:each], left[each:]
            rows = _run(step_of(*own), hidden[::-1] if backward else hidden, options.units)
            rows = {name: part[::-1] if backward else part for name, part in rows.items()}
            name = f"layer {number}{' backward' if backward else ''}"
            directions.append(Layer(name, rows, backward))
        found += directions
        hidden = np.concatenate([layer.rows["h"] for layer in directions], axis=1)
        if options.norm != "none" and number < options.layers:
            count = 2 if options.norm == "layer" else 4
            hidden, left = _normalised(hidden, *left[:count]), left[count:]
    return found


def _run(step: Step, inputs: np.ndarray, units: int) -> dict[str, np.ndarray]:
    rows: Row = {"h": np.zeros(units), "c": np.zeros(units)}
    seen = []
    for x in inputs:
        rows = step(x, rows)
        seen.append(rows)
    return {name: np.stack([each[name] for each in seen]) for name in seen[0]}


def _lstm(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, peepholes: np.ndarray | None = None) -> Step:
    """Gates i, f, g, o; with peepholes `(3, U)` of i, f, o the gates see the cell state too."""
    p = np.zeros((3, recurrent.shape[0])) if peepholes is None else peepholes

    def step(x: np.ndarray, before: Row) -> Row:
        i, f, g, o = np.split(x @ kernel + before["h"] @ recurrent + bias, 4)
        i, f, g = _sigmoid(i + p[0] * before["c"]), _sigmoid(f + p[1] * before["c"]), np.tanh(g)
        c = f * before["c"] + i * g
        o = _sigmoid(o + p[2] * c)
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    return step


def _coupled(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Step:
    """Gates f, g, o; i = 1 - f."""

    def step(x: np.ndarray, before: Row) -> Row:
        f, g, o = np.split(x @ kernel + before["h"] @ recurrent + bias, 3)
        f, g, o = _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = f * before["c"] + (1 - f) * g
        return {"f": f, "i": 1 - f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    return step


def _gru(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Step:
    """Gates z, r, g, as Keras has them: z keeps, h' = z h + (1 - z) g; the reset comes after the recurrent product."""

    def step(x: np.ndarray, before: Row) -> Row:
        of_x = np.split(x @ kernel + bias[0], 3)
        of_h = np.split(before["h"] @ recurrent + bias[1], 3)
        z, r = _sigmoid(of_x[0] + of_h[0]), _sigmoid(of_x[1] + of_h[1])
        g = np.tanh(of_x[2] + r * of_h[2])
        return {"z": z, "r": r, "g": g, "h": z * before["h"] + (1 - z) * g}

    return step


def _rnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Step:
    """h' = tanh(W x + U h + b)."""
    return lambda x, before: {"h": np.tanh(x @ kernel + before["h"] @ recurrent + bias)}


_STEPS: dict[str, Callable[..., Step]] = {
    "LSTM": _lstm,
    "PeepholeLSTM": _lstm,
    "CoupledLSTM": _coupled,
    "GRU": _gru,
    "SimpleRNN": _rnn,
}


def _normalised(
    hidden: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray | None = None,
    var: np.ndarray | None = None,
) -> np.ndarray:
    """`(T, U)` normalised as Keras does in inference: by each row, or by the statistics that training left."""
    middle = hidden.mean(axis=1, keepdims=True) if mean is None else mean
    spread = hidden.var(axis=1, keepdims=True) if var is None else var
    return np.asarray((hidden - middle) / np.sqrt(spread + _EPSILON) * gamma + beta)


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * a))
