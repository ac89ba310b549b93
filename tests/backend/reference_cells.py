"""The recurrent cells of the specification in NumPy, float64, one step at a time: what the layers are checked against.

Weights are laid out as the layers have them: kernel `(F, G)`, recurrent_kernel `(H, G)`, bias, gates side by side.
Each function takes x `(B, T, F)` and returns what it computed at every step, name -> `(B, T, H)`.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _run(step, x, states):
    steps = []
    for t in range(x.shape[1]):
        seen = step(x[:, t], *states)
        states = [seen[name] for name in ("h", "c") if name in seen]
        steps.append(seen)
    return {name: np.stack([seen[name] for seen in steps], axis=1) for name in steps[0]}


def lstm(x, h, c, kernel, recurrent_kernel, bias):
    """Gates i, f, g, o."""

    def step(x, h, c):
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    return _run(step, x, [h, c])


def peephole(x, h, c, kernel, recurrent_kernel, bias, p):
    """Gates i, f, g, o; p `(3, H)` for i, f, o."""

    def step(x, h, c):
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        i, f, g = sigmoid(i + p[0] * c), sigmoid(f + p[1] * c), np.tanh(g)
        c = f * c + i * g
        o = sigmoid(o + p[2] * c)
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    return _run(step, x, [h, c])


def coupled(x, h, c, kernel, recurrent_kernel, bias):
    """Gates f, g, o; i = 1 - f."""

    def step(x, h, c):
        f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 3, axis=1)
        f, g, o = sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + (1 - f) * g
        return {"f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}

    return _run(step, x, [h, c])


def gru(x, h, kernel, recurrent_kernel, bias):
    """SPEC.md B with Keras' sign of z: h' = z h + (1 - z) n. Gates z, r, n; bias `(3H,)`: reset before the product."""
    units = h.shape[1]

    def step(x, h):
        of_x = np.split(x @ kernel + bias, 3, axis=1)
        of_h = [recurrent_kernel[:, k * units : (k + 1) * units] for k in range(3)]
        z, r = sigmoid(of_x[0] + h @ of_h[0]), sigmoid(of_x[1] + h @ of_h[1])
        n = np.tanh(of_x[2] + (r * h) @ of_h[2])
        return {"z": z, "r": r, "n": n, "h": z * h + (1 - z) * n}

    return _run(step, x, [h])


def gru_reset_after(x, h, kernel, recurrent_kernel, bias):
    """As `gru`, with bias `(2, 3H)` and the reset after the recurrent product."""

    def step(x, h):
        of_x = np.split(x @ kernel + bias[0], 3, axis=1)
        of_h = np.split(h @ recurrent_kernel + bias[1], 3, axis=1)
        z, r = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
        n = np.tanh(of_x[2] + r * of_h[2])
        return {"z": z, "r": r, "n": n, "h": z * h + (1 - z) * n}

    return _run(step, x, [h])


def simple_rnn(x, h, kernel, recurrent_kernel, bias):
    """h' = tanh(W x + U h + b)."""
    return _run(lambda x, h: {"h": np.tanh(x @ kernel + h @ recurrent_kernel + bias)}, x, [h])
