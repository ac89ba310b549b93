"""What a stranger's file may cost whoever opens it: 5 seconds and 1 GiB beyond the backend's own.

`tests/reliability/RESULTS.md` has what networks at these limits take. All of it follows from the arithmetic of
`kerasforecast.models.families`, before any array is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerasforecast.errors import InputError
from kerasforecast.models.member import Member

PARAMETER_LIMIT = 2**25  # 128 MiB of float32
STEP_LIMIT = 2**32  # multiplications for one window
LOOP_LIMIT = 16  # loops over time, a bidirectional layer has two: each is a graph to trace
ROW_LIMIT = 2**15  # steps of loops for one window
LAYER_LIMIT = 300  # layers with arrays: each is a piece of a graph, 25 ms of a compiler
PAIR_LIMIT = 2**22  # weights of one attention: 16 MiB of float32, times the windows of a golden batch
WINDOW_LIMIT = 200_000  # values of one window, which a model file holds as text


def check_size(members: Sequence[Member]) -> None:
    """Refuse networks that no loader could open in a bounded time and memory.

    Args:
        members: Those of one model.

    Raises:
        InputError: Too many parameters, layers, rows times either, or too large a window.
    """
    layers = [layer for member in members for layer in member.layers]
    window = max(
        member.network.window * len(member.scaling.transforms)
        + (member.network.window + member.network.horizon) * len(member.covariates.known)
        for member in members
    )
    steps = sum(layer.loops * layer.rows for layer in layers)
    smaller = " or ".join(
        f"--{name}" for name in dict.fromkeys(name for member in members for name in member.network.family.smaller)
    )
    for what, received, limit, remedy in (
        ("parameters", sum(layer.parameters for layer in layers), PARAMETER_LIMIT, smaller),
        (
            "parameters times rows of its window",
            sum(layer.parameters * layer.rows for layer in layers),
            STEP_LIMIT,
            _either("--window", smaller),
        ),
        ("layers, bidirectional ones counted twice", sum(layer.loops for layer in layers), LOOP_LIMIT, smaller),
        ("rows times layers", steps, ROW_LIMIT, _either("--window", smaller)),
        (
            "weights in an attention, pairs of patches times heads",
            max((layer.pairs for layer in layers), default=0),
            PAIR_LIMIT,
            "--window or --heads, or a longer --patch",
        ),
        ("layers with weights", len(layers), LAYER_LIMIT, smaller),
        ("values in a window", window, WINDOW_LIMIT, "--window, --past or --known"),
    ):
        if received > limit:
            raise InputError(
                f"A network must have at most {limit:,} {what}. Received: {received:,}. Use a smaller {remedy}."
            )


def _either(*options: str) -> str:
    return " or ".join(filter(None, options))
