"""Diffusion (Ho et al. 2020): whole future paths, drawn from noise in the light of the window.

the window, of columns known ahead the last rows, and attributes, flat -> two dense layers, relu (B, U): the context
noised path z (B, S, H) beside the context and the angle (how much of z is noise) -> residual dense blocks (B, S, U)
-> the speed v (B, S, H), by which z turns into a path in some steps (`kerasforecast.models.noise`)
-> mean (`kerasforecast.models.mean`) and width of the window, mean + width M(L z) (`kerasforecast.models.frame`):
samples (B, S, H)

The network predicts the noise, `e = sin z + cos v`, and its loss is `||e - e'||^2`; with `objective="flow"` it is
`||v - v'||^2`, that of flow matching (Lipman et al. 2023) along the arc from path to noise. v begins at zero: the first
paths are those of the frame, whose mean is a regression and what a small dense network finds beyond it, and training
departs from it as far as it pays: which share of v is kept, say paths of validation windows
(`kerasforecast.forecasting.departure`). Beside the dense layers a factor for each step, read from context and angle,
makes v wider or narrower: windows differ in spread first.

The saved network draws from a bank of noise that lies within it, so that it gives the same paths on every backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kerasforecast.models.families.arithmetic import dense, flat_inputs, known_rows
from kerasforecast.models.families.base import (
    KERAS,
    Family,
    FamilyOptions,
    Graph,
    Inputs,
    Role,
    SavedLayer,
    Shape,
    Sizes,
)

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting

_DRAWS = 8  # noised copies of a path in a step of training
_KNOTS = 12  # of the margins
_FEATURES = 8  # of an angle
_PASSES = 2  # of training beyond the frame, where it is proposed as one network among many
_FADES = 5  # of what a window's recent moves are averaged with
_OPS = "keras.src.ops.numpy"


class DiffusionOptions(FamilyOptions):
    """Options of diffusion."""

    units: int = Field(64, ge=1, le=4_096, description="Hidden units of each layer.")
    blocks: int = Field(2, ge=1, le=64, description="Residual blocks that read a noised path.")
    noise_steps: int = Field(200, ge=10, le=1_000, description="Steps in which a path becomes noise in training.")
    schedule: Literal["cosine", "linear"] = Field("cosine", description="How the noise grows over these steps.")
    objective: Literal["noise", "flow"] = Field("noise", description="What training predicts: the noise, or the speed.")
    sampling_steps: int = Field(16, ge=1, le=1_000, description="Steps in which noise becomes a path in a forecast.")
    paths: int = Field(100, ge=10, le=2_000, description="Paths of a forecast.")


class Diffusion(Family):
    """Paths from noise."""

    name = "diffusion"
    options: ClassVar[type[FamilyOptions]] = DiffusionOptions
    solved = True
    sampled = True
    departing = ("speed", "factor")
    smaller = ("units", "blocks", "paths", "sampling_steps")
    recipe: ClassVar = {"batch_size": 64, "steps_per_epoch": 200, "patience": 15, "clipnorm": 1.0}
    vocabulary = frozenset(
        {(KERAS, "Flatten"), (KERAS, "EinsumDense"), (_OPS, "Transpose"), ("keras.src.ops.math", "TopK")}
    )

    def paths(self, options: DiffusionOptions) -> int:
        """As the option says."""
        return options.paths

    def layers(self, options: DiffusionOptions, sizes: Sizes) -> list[SavedLayer]:
        """The frame, the context, the bank and the blocks; those within a step back are run once a path and step."""
        units, horizon = options.units, sizes.horizon
        often = options.paths * options.sampling_steps
        mean = dense(flat_inputs(sizes, sizes.window + horizon), horizon)
        movement = SavedLayer("Dense", (("vars/0", (sizes.channels + 1, 1)),), rows=sizes.window)
        beyond = dense(flat_inputs(sizes, known_rows(sizes)), units)
        added = SavedLayer("Dense", (("vars/0", (units, horizon)),))
        recent = SavedLayer("Dense", (("vars/0", (sizes.window, _FADES)),), rows=3)
        wide = dense(3 * _FADES + sizes.channels + horizon * (1 + sizes.known) + sizes.static, horizon)
        context = [dense(flat_inputs(sizes, known_rows(sizes)) + 2 * horizon, units), dense(units, units)]
        noise = SavedLayer("Embedding", (("vars/0", (options.paths, horizon)),))
        angle, path = dense(_FEATURES, units), dense(horizon, units)
        factor = replace(dense(units, horizon), rows=options.sampling_steps)
        one = dense(units, units)
        blocks = [replace(one, rows=options.sampling_steps), replace(one, rows=often), replace(one, rows=often)]
        speed = replace(dense(units, horizon), rows=often)
        correlation = SavedLayer("Dense", (("vars/0", (horizon, horizon)),), rows=options.paths)
        margins = SavedLayer(
            "EinsumDense", (("vars/0", (horizon, _KNOTS + 1)), ("vars/1", (horizon,))), rows=options.paths
        )
        shared = [replace(path, rows=often), *blocks * options.blocks, factor, speed]
        return [
            movement,
            recent,
            beyond,
            mean,
            added,
            wide,
            *context,
            noise,
            replace(angle, rows=options.sampling_steps),
            *shared,
            correlation,
            margins,
        ]

    def drawn(self, options: DiffusionOptions, sizes: Sizes) -> dict[str, Shape]:
        """Noised paths, and how much of them is noise."""
        return {"noised": (_DRAWS, sizes.horizon), "angle": (_DRAWS, _FEATURES)}

    def build(self, options: DiffusionOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """In training the noise that was added `(B, M, H)`; else samples `(B, S, H)`."""
        from kerasforecast.models.denoising import Denoiser

        denoiser = Denoiser(options.units, options.blocks, options.paths, sizes)
        place, context = denoiser.read(inputs)
        z = denoiser.noise(inputs, options.paths if role not in ("training", "paths", "stages") else None)
        if role == "training":
            angle = inputs.drawn["angle"]
            speed = denoiser.speed(z, angle, context)
            found = speed if options.objective == "flow" else denoiser.predicted(z, speed, angle)
            return Graph(denoiser.standing(found, place))
        steps = self.steps_back(options)
        found = denoiser.back(z, context, steps, inputs)
        stages = [denoiser.path(each, place) for each in (z, *found)] if role == "stages" else ()
        return Graph(denoiser.path(found[-1], place), stages=stages)

    def steps_back(self, options: DiffusionOptions) -> list[Any]:
        """The steps of the saved network from noise to path, `kerasforecast.models.noise.StepBack` each."""
        from kerasforecast.models.noise import steps_back

        return steps_back(options.schedule, options.noise_steps, options.sampling_steps)

    def start(self, layer: Any, options: DiffusionOptions, random: np.random.Generator) -> list[np.ndarray]:
        """He's draws (2015) before a relu; no speed, no factor; weights that fade; the rest is solved."""
        from kerasforecast.models.initializers import draw
        from kerasforecast.models.width import fading

        if layer.name == "recent":
            return [fading(layer.kernel.shape[0])]
        if layer.name in ("speed", "factor", "bank", "mean", "mean_out", "movement", "width", "correlation", "margins"):
            return list(layer.get_weights())
        return draw(layer, "he" if layer.name.endswith("_in") else "keras", random)

    def solve(
        self, options: DiffusionOptions, sizes: Sizes, training: Any, validation: Any
    ) -> dict[str, list[np.ndarray]]:
        """The frame, and a bank of noise for it."""
        from kerasforecast.models.frame import fit_frame

        return fit_frame(training, validation, sizes, options.units).layers(options.paths)

    def drawing(
        self,
        options: DiffusionOptions,
        sizes: Sizes,
        weights: Mapping[str, list[np.ndarray]],
        windows: Any,
    ) -> tuple[np.ndarray, Any]:
        """Paths in the coordinates of the frame, and what drowns them in noise."""
        from kerasforecast.models.frame import Frame
        from kerasforecast.models.noise import Noising, angles

        frame = Frame.of_layers(dict(weights))
        drawing = Noising(angles(options.schedule, options.noise_steps), _DRAWS, options.objective)
        return frame.coordinates(windows, sizes), drawing

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Two units of window, of logs or their like; few passes, for a median needs little beyond the frame."""
        seen = {"window": setting.window(2), "scaling": "level", "centre": "last"}
        return [seen | setting.bent | {"epochs": 1 + _PASSES}]

    def describe(self, options: DiffusionOptions) -> str:
        """E.g. `"diffusion of 2 blocks, 64 units, 16 steps"`."""
        blocks = f"{options.blocks} block{'s' if options.blocks > 1 else ''}"
        return f"diffusion of {blocks}, {options.units} units, {options.sampling_steps} steps"


DIFFUSION = Diffusion()
