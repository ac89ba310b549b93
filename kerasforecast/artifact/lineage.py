"""What a manifest says of the weights that leave: the model they came from, and their training on all rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from kerasforecast.artifact.records import LONGEST_HISTORY, Count, DataRecord, Record, Sha256, Share, Text
from kerasforecast.errors import SkillError

MOST_ANCESTORS = 32  # whose data a file tells of


class FinalRecord(Record):
    """The training of the weights that leave, on all rows, after the scored ones had told for how many steps.

    Attributes:
        rows: They were trained on, of all series together.
        windows: The same.
        steps: Of the optimizer, as many as the scored weights took.
        rates: The learning rates in force, each with the number of its steps, in turn.
        loss: Mean training loss of the last steps, scaled units.
        seconds: It took.
        scored: Hash of the weights that were scored, `weights_digest`.
    """

    rows: Count
    windows: Count
    steps: Count
    rates: tuple[tuple[Count, float], ...] = Field((), max_length=LONGEST_HISTORY)
    loss: float
    seconds: float = Field(ge=0)
    scored: Sha256

    @property
    def line(self) -> str:
        """What there is to say, in one line."""
        steps = f" for {self.steps:,} steps" if self.steps else ""
        return f"Refitted on all {self.rows:,} rows{steps}; scores are those of the model before."


class ParentTest(Record):
    """A model beside the one whose weights it started from, on rows that neither has learned from.

    Attributes:
        n: Forecasts compared; 0 where the parent has learned from all of them.
        rmse: Of the child, price units; of several series in units of each one's usual moves.
        parent_rmse: Of the parent.
        p_value: Of the Diebold-Mariano test by squared errors; `None` where there are too few forecasts.
        better: Whether the child has the smaller errors, and the test says it is not luck.
        text: All that in one line without a full stop.
    """

    n: Count
    rmse: float | None = None
    parent_rmse: float | None = None
    p_value: Share | None = None
    better: bool = False
    text: Text


class Lineage(Record):
    """The model that training started from.

    Attributes:
        how: By which option.
        parent: The parent's name.
        file: Where it was read; `None` where it was at hand.
        sha256: Of that file.
        weights: Hash of its weights, `weights_digest`.
        steps: Of the optimizer since.
        frozen: Layers that kept the parent's weights.
        learned: The data that the parent, and its own, have learned from.
        test: Whether the child is better than the parent.
        kept: Whose weights these are.
    """

    how: Literal["init-from", "update"]
    parent: Text
    file: Text | None = None
    sha256: Sha256 | None = None
    weights: Sha256
    steps: Count = 0
    frozen: tuple[Text, ...] = Field((), max_length=1_000)
    learned: tuple[DataRecord, ...] = Field((), max_length=MOST_ANCESTORS)
    test: ParentTest | None = None
    kept: Literal["child", "parent"] = "child"

    def require_better(self) -> None:
        """Hold the child to `--require-better`.

        Raises:
            SkillError: The parent was kept in its place.
        """
        if self.kept == "parent" and self.test:
            remedy = (
                "Train otherwise, or leave --require-better out."
                if self.test.n
                else "Give rows after those that it has learned from, or a parent fitted with --final none."
            )
            raise SkillError(
                f"--require-better: training must make the model better than {self.parent}. "
                f"Received: {self.test.text}. Its weights were kept. {remedy}"
            )


class StudyLineage(Record):
    """The study that chose a model's options on validation.

    Attributes:
        study: Its name.
        kind: How it chose them.
        trial: The winner's number; `options` are those by which it differs from what the study began with.
        trials: That were made.
        tried: What was tried of each option, in words, e.g. `32|50|100`.
        measure: The error on validation that decided.
        error: The winner's there.
    """

    study: Text
    kind: Literal["staged", "search"]
    trial: Count
    trials: Count
    options: dict[Text, str | int | float | bool] = Field(max_length=1_000)
    tried: dict[Text, Text] = Field(max_length=1_000)
    measure: Literal["rmsse", "mase"]
    error: float

    @property
    def line(self) -> str:
        """What there is to say, in one line."""
        chosen = ", ".join(f"{name} {value}" for name, value in self.options.items()) or "the options it began with"
        return (
            f"trial {self.trial} of {self.trials}, {self.kind}, by {self.measure.upper()} on validation "
            f"({self.error:.4g}): {chosen}"
        )


def weights_digest(weights: Sequence[np.ndarray]) -> str:
    """SHA-256 of weights: of their shapes and, in the same order, of their numbers as float32 (little-endian)."""
    digest = hashlib.sha256(repr([array.shape for array in weights]).encode())
    for array in weights:
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()
