"""What a family of networks has to say of itself; everything else in the package asks this and knows no family by name.

A family is one file beside this one: its options, the layers of its saved network by arithmetic, how to build it, how
to say what it is in a few words, and, where it has some, its inner states. `registry` lists it in one line. Nothing
here or at the head of a family's file imports Keras: options, limits, help texts and the loader need none.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.hidden import Hidden
    from kerasforecast.models.families.setting import Setting

Shape = tuple[int, ...]
Role = Literal["training", "inference", "sampling", "export", "paths", "stages"]
KERAS = "keras.layers"
# A recipe in steps: validated as often whether the rows are many or few, and over after 5,000 steps at the latest.
STEPS: Mapping[str, Any] = MappingProxyType({"batch_size": 128, "steps_per_epoch": 50, "patience": 15})


class FamilyOptions(BaseModel):
    """The options that a family has beyond those of every network; subclasses add fields with bounds and help."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Sizes:
    """What any network takes and gives, whatever its family.

    Attributes:
        window: Rows of context L.
        channels: Channels C of the scaled past.
        horizon: Rows ahead H.
        levels: The K quantile levels of its head; none for a point forecast.
        known: Channels of the scaled columns known ahead, 0 for none.
        static: Numbers that a network sees of a series' attributes, vectors of categories included, 0 for none.
        numeric: Places of the attributes that are numbers, among all attributes.
        categories: `(categories, width)` of each attribute that has categories.
        near: Channels of the past that say how far columns lie in each row from one of them, as highs from closes.
    """

    window: int
    channels: int
    horizon: int
    levels: tuple[float, ...] = ()
    known: int = 0
    static: int = 0
    categories: tuple[tuple[int, int], ...] = ()
    numeric: tuple[int, ...] = ()
    near: tuple[int, ...] = ()

    @property
    def outputs(self) -> int:
        """Numbers of one forecast: one a step, or one a step and level."""
        return self.horizon * self.outputs_of_a_step

    @property
    def outputs_of_a_step(self) -> int:
        """Numbers of one step of a forecast: one, or one a level."""
        return max(1, len(self.levels))

    @property
    def embeddings(self) -> list[SavedLayer]:
        """The layers that look up the vectors of categories: every network with such attributes has them."""
        return [SavedLayer("Embedding", (("vars/0", shape),)) for shape in self.categories]


@dataclass(frozen=True)
class Inputs:
    """The scaled inputs of a network as symbols of Keras.

    Attributes:
        past: `(B, L, C)`.
        known: `(B, L + H, K)` covariates known ahead, or `None`.
        static: `(B, S)` attributes of the series, categories as their vectors, or `None`.
        drawn: What is drawn at random, by name: in training as `Family.drawn` says, else paths' `noise` `(B, S, H)`.
    """

    past: Any
    known: Any = None
    static: Any = None
    drawn: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network as symbols of Keras.

    Attributes:
        outputs: Scaled `(B, H)`, quantiles `(B, H, K)`, or paths `(B, S, H)`; of these in training see `drawing`.
        states: Inner states at the window's end, in the order that `Family.states` gives back.
        stages: In the role `"stages"` the paths `(B, S, H)` before the first step back and after each.
        parts: Parts `(B, H)` that the forecast is the sum of, by name, where they mean something.
    """

    outputs: Any
    states: Sequence[Any] = ()
    stages: Sequence[Any] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedLayer:
    """A layer of a saved network that holds arrays, by arithmetic.

    Attributes:
        name: Class, e.g. `"LSTM"`; Keras puts the arrays of the n-th of a class in `layers/<in snake case>[_<n>]`.
        arrays: `(place, shape)` of each array in the order of `get_weights`, e.g. `("cell/vars/0", (1, 200))`.
        module: Where the class is from.
        wraps: `(module, class)` of a layer inside it, as a bidirectional one has.
        rows: How often its arrays are multiplied with for one window: the rows of a loop over time, else 1.
        loops: Loops over time it runs, 0 for a layer without one; each is a graph to trace.
        pairs: Weights of an attention over what it gives, for one window: a number for each head and pair of places.
    """

    name: str
    arrays: tuple[tuple[str, Shape], ...]
    module: str = KERAS
    wraps: tuple[str, str] | None = None
    rows: int = 1
    loops: int = 0
    pairs: int = 0

    @property
    def parameters(self) -> int:
        """Numbers in its arrays."""
        return sum(math.prod(shape) for _, shape in self.arrays)

    @property
    def classes(self) -> Iterator[tuple[str, str]]:
        """The `(module, class)` pairs that a file with this layer names."""
        yield self.module, self.name
        if self.wraps:
            yield self.wraps


class Family(ABC):
    """A family of networks. Its methods take its own options, an instance of `options`.

    Attributes:
        name: What `--model` calls it.
        options: Its own options, a subclass of `FamilyOptions`.
        recipe: Options of network and training that it takes where they are not given and not the reference model's.
        smaller: Options that make a network smaller, for the message of one that is too large.
        stages: What `kerasforecast tune` tries: values by option, those options first that matter most.
        chooses: Whether it is a choice among the networks of others, which no file has as a member.
        in_graph: Whether it is a network; else its file has none, and each forecast fits it anew to a history.
        sampled: Whether it answers with equally likely paths; it then has `paths`, and may have `drawn` and `drawing`.
        solved: Whether what `solve` finds is a forecast by itself; else it is no more than where steps begin.
        started: Whether steps begin at what `solve` finds, on all rows at what `solve_again` does.
        trained: Whether steps find weights of it; else `solve` finds all that there are, and nothing is left to train.
        alone: Whether it forecasts from the target's own past, whatever else it is given.
        scalings: Those that it can take; all, where empty.
        refitted: Whether the weights of one series' model are trained on all rows after scoring, where nobody says.
        seasonal: Whether it sees two seasons at once where no window is given, as `evaluation.context` chooses it.
        changeable: Options that may be others where training goes on from weights: those that change no meaning.
        departing: Layers in proportion to whose weights it departs from where training began, if validation agrees.
        vocabulary: `(module, class)` without arrays that its graph may name beyond those of `artifact.format.graph`.
    """

    name: str
    options: ClassVar[type[FamilyOptions]]
    recipe: ClassVar[Mapping[str, Any]] = {}
    smaller: ClassVar[tuple[str, ...]] = ()
    stages: ClassVar[Mapping[str, tuple[str | int | float, ...]]] = MappingProxyType(
        {"learning_rate": (0.01, 0.001, 0.0001), "batch_size": (32, 128)}
    )
    refitted: ClassVar[bool] = True
    solved: ClassVar[bool] = False
    started: ClassVar[bool] = False
    trained: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    scalings: ClassVar[tuple[str, ...]] = ()
    seasonal: ClassVar[bool] = True
    chooses: ClassVar[bool] = False
    in_graph: ClassVar[bool] = True
    sampled: ClassVar[bool] = False
    changeable: ClassVar[tuple[str, ...]] = ()
    departing: ClassVar[tuple[str, ...]] = ()
    vocabulary: ClassVar[frozenset[tuple[str, str]]] = frozenset()

    @abstractmethod
    def layers(self, options: Any, sizes: Sizes) -> list[SavedLayer]:
        """The layers of the saved network that hold arrays, as Keras lists them after `sizes.embeddings`."""

    @abstractmethod
    def build(self, options: Any, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """The network on scaled inputs.

        Args:
            options: The family's own.
            sizes: What it takes and gives.
            inputs: Scaled.
            role: What it is built for; see `kerasforecast.models`. For `"export"` of plain Keras layers alone.
            seed: Of the dropout masks.
        """

    @abstractmethod
    def describe(self, options: Any) -> str:
        """What the network is in a few words, e.g. `"2 x lstm of 50 units"`."""

    def least_window(self, options: Any, horizon: int) -> int:
        """The fewest rows of window that it can work with, to forecast so many rows."""
        return 1

    def widest(self, options: Any, sizes: Sizes) -> int:
        """The largest size of a tensor in its graph, where that is beyond its arrays, window and horizon; else 0."""
        return 0

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Networks worth trying where nobody says which (`--model auto`), those that promise most first.

        Args:
            setting: What is known of the data.

        Returns:
            Options by name of each, flat: of networks, of the family's own, and of training where its recipe is not
            meant. A window of every one must be given.
        """
        return []

    def start(self, layer: Any, options: Any, random: np.random.Generator) -> list[np.ndarray]:
        """Starting weights of one layer, in the order of `layer.get_weights()`, drawn by NumPy."""
        from kerasforecast.models.initializers import draw

        return draw(layer, "keras", random)

    def solve(self, options: Any, sizes: Sizes, training: Any, validation: Any) -> dict[str, list[np.ndarray]] | None:
        """Weights found without steps, where training is to begin: of each layer by its name; `None` for none.

        Args:
            options: The family's own.
            sizes: What the network takes and gives.
            training: Scaled windows and targets to learn from, a `kerasforecast.preprocessing.batch.TrainingSet`.
            validation: The same to choose by.
        """
        return self.solve_again(options, sizes, training, validation, None)

    def solve_again(
        self, options: Any, sizes: Sizes, training: Any, validation: Any, whole: Any
    ) -> dict[str, list[np.ndarray]] | None:
        """The same on the `whole` of the data, by what `training` and `validation` choose; `None` for `training`.

        Returns:
            `None` where those of `solve` are to stay.
        """
        return None

    def in_parts(self, options: Any) -> bool:
        """Whether `Graph.parts` are what its forecast is the sum of."""
        return False

    def hidden(self, options: Any, sizes: Sizes) -> Sequence[Hidden]:
        """Where its hidden units lie, as many in each group as its option `units` says, for whoever takes some out."""
        return ()

    def paths(self, options: Any) -> int:
        """How many paths S its saved network draws of each window; 0 where it is not `sampled`."""
        return 0

    def drawn(self, options: Any, sizes: Sizes) -> Mapping[str, Shape]:
        """Further inputs of the network in training, drawn anew in every step: shapes by name, without the batch."""
        return {}

    def drawing(
        self, options: Any, sizes: Sizes, weights: Mapping[str, list[np.ndarray]], windows: Any
    ) -> tuple[np.ndarray, Any] | None:
        """What is learned in place of the scaled targets, and how a step of training draws from it.

        Args:
            options: The family's own.
            sizes: What the network takes and gives.
            weights: With which training begins, by the names of layers.
            windows: A `kerasforecast.preprocessing.batch.TrainingSet`, scaled.

        Returns:
            Targets `(N, H)` and a `kerasforecast.preprocessing.batch.Drawing`; `None` where targets are learned.
        """
        return None

    def states(self, options: Any, finals: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The values of `Graph.states` as a user gets them; a family without states has none to give."""
        return tuple(finals)

    def computation(self, backend: str, device: str) -> str:
        """What computes it, in a few words, e.g. for `kerasforecast doctor`."""
        return "Keras' own computation"
