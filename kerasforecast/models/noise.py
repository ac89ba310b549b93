"""Diffusion in NumPy: how paths are drowned in noise, and the steps back (Ho et al. 2020; Song et al. 2021).

With betas b_t the forward process `q(z_t | z_{t-1}) = N(sqrt(1 - b_t) z_{t-1}, b_t I)` has the marginal
`z_t = cos(a_t) z_0 + sin(a_t) e`, e standard normal, with `cos(a_t)^2 = prod (1 - b_s)`: an angle says how far it is.
A network that predicts the noise e predicts, as well, the speed `v = cos(a) e - sin(a) z_0` at which z turns from path
to noise (Salimans & Ho 2022): `e = sin(a) z + cos(a) v`.

Backwards, the deterministic process of Song et al. (their eq. 14) is `dz = v da`. Its steps here are of second order
(Adams & Bashforth, on an uneven grid), since their own, of first order, lose spread: of normal paths 16 of them keep
93 % of the standard deviation, these all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Schedule = Literal["cosine", "linear"]
Objective = Literal["noise", "flow"]

_WAVES = (1, 2, 4, 8)  # of the angle, by which a network knows where it is
FEATURES = 2 * len(_WAVES)
KNOTS = np.linspace(-2.75, 2.75, 12)  # of the margins of `kerasforecast.models.frame`, in standard deviations
FARTHEST = 3.0  # of a step of a path, there: three draws in a thousand lie beyond, and a network may end anywhere
_DENSER = 1.5  # power by which steps back lie closer where paths take shape


def betas(schedule: Schedule, steps: int) -> np.ndarray:
    """`(T,)` share of the variance that each step replaces by noise.

    `linear`: as Ho et al. (2020) have it for 1,000 steps, as much for others; `cosine`: Nichol & Dhariwal (2021).
    """
    if schedule == "linear":
        return np.minimum(np.linspace(1e-4, 0.02, steps) * 1_000 / steps, 0.999)
    offset = 0.008
    left = np.cos((np.arange(steps + 1) / steps + offset) / (1 + offset) * np.pi / 2) ** 2
    return np.minimum(1 - left[1:] / left[:-1], 0.999)


def angles(schedule: Schedule, steps: int) -> np.ndarray:
    """`(T,)` ascending within 0..pi/2: after step t so much of a path has become noise."""
    return np.arccos(np.sqrt(np.cumprod(1 - betas(schedule, steps))))


def noised(paths: np.ndarray, noise: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Paths `(..., H)` as the forward process leaves them at an `angle` `(...)`."""
    return np.cos(angle)[..., None] * paths + np.sin(angle)[..., None] * noise


def features(angle: np.ndarray) -> np.ndarray:
    """What tells a network the `angle` `(...)`, `(..., FEATURES)` float32: its cosine, its sine, and faster waves."""
    waves = angle[..., None] * np.array(_WAVES)
    return np.concatenate([np.cos(waves)[..., :1], np.sin(waves), np.cos(waves)[..., 1:]], axis=-1).astype(np.float32)


@dataclass(frozen=True)
class StepBack:
    """One step of the way back, `z - turn (now v + before v')`, v' being the v of the step before.

    Attributes:
        angle: Where it begins.
        turn: How far it goes.
        now: Weight of the speed here.
        before: Weight of the speed at the step before.
    """

    angle: float
    turn: float
    now: float
    before: float


def steps_back(schedule: Schedule, steps: int, count: int) -> list[StepBack]:
    """`count` steps from noise to path, at some of the `steps` angles that the network was trained at."""
    known = angles(schedule, steps)
    wanted = known[-1] * (np.arange(count, 0, -1) / count) ** _DENSER
    places = np.minimum(np.searchsorted(known, wanted - 1e-9), steps - 1)
    places = np.minimum(places, steps - 1 - np.arange(count))  # no angle twice
    places = np.maximum(places, np.arange(count - 1, -1, -1))
    grid = np.append(known[places], 0.0)
    turns = grid[:-1] - grid[1:]
    share = np.append(0.0, turns[1:] / (2 * turns[:-1]))
    each = zip(grid, turns, share, strict=False)
    return [StepBack(float(angle), float(turn), 1 + float(part), -float(part)) for angle, turn, part in each]


def bank(paths: int, horizon: int, random: np.random.Generator) -> np.ndarray:
    """`(S, H)` float32 standard normal noise: every path with its mirror image, and where there are many, uncorrelated.

    So a few paths have the mean and the variance of all of them.
    """
    half = random.normal(size=(-(-paths // 2), horizon))
    if len(half) > 2 * horizon:
        half = half @ np.linalg.inv(np.linalg.cholesky(half.T @ half / len(half))).T
    return np.stack([half, -half], axis=1).reshape(-1, horizon)[:paths].astype(np.float32)


@dataclass(frozen=True, eq=False)
class Noising:
    """Draws, for every step of training, the noise and its angle, from the step's own seed: the same on every backend.

    Attributes:
        angles: `(T,)` of the forward process.
        draws: Noised copies M of each path.
        objective: What is to be predicted: the noise, or the speed, which the loss of flow matching is of.
    """

    angles: np.ndarray
    draws: int
    objective: Objective = "noise"

    def __call__(self, targets: np.ndarray, key: tuple[int, ...]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs `noised` `(B, M, H)` and `angle` `(B, M, FEATURES)`, and what is to be predicted `(B, M, H)`.

        Args:
            targets: Paths `(B, H)`.
            key: Of the step.
        """
        random = np.random.default_rng(key)
        count, horizon = targets.shape
        noise = random.normal(size=(count, self.draws, horizon)).astype(np.float32)
        # One of each M-th part of the steps, so that no draw of a few has only the easy ones.
        shares = (np.arange(self.draws) + random.random((count, self.draws))) / self.draws
        angle = self.angles[(shares * len(self.angles)).astype(int)]  # (B, M)
        given = noised(targets[:, None], noise, angle).astype(np.float32)
        wanted = noise if self.objective == "noise" else noised(noise, -targets[:, None], angle).astype(np.float32)
        return {"noised": given, "angle": features(angle)}, wanted
