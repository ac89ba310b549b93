"""How the weights are found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kerasforecast.sections.section import Section


class TrainingConfig(Section):
    """How the weights are found."""

    epochs: int = Field(
        100, ge=1, le=100_000, description="Most passes over the training windows; early stopping may end before."
    )
    batch_size: int = Field(32, ge=1, le=65_536, description="Windows in one step of the optimizer.")
    sample: Literal["windows", "series"] = Field(
        "windows",
        description="What counts alike in training: every window, or every series, however many windows it has.",
    )
    steps_per_epoch: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Optimizer steps of an epoch, over other windows each time, or all again where they are few; "
        "when not given, all windows pass once.",
    )
    optimizer: Literal["adam", "sgd", "rmsprop"] = Field("adam", description="Optimizer that changes the weights.")
    learning_rate: float = Field(0.001, gt=0, le=10, description="Learning rate of the optimizer at the start.")
    loss: Literal["mse", "mae", "huber"] = Field("mse", description="Loss that training lowers, in scaled units.")
    clipnorm: float | None = Field(
        None, gt=0, le=1e9, description="Largest global norm of a step's gradient; not clipped when not given."
    )
    patience: int = Field(10, ge=1, le=100_000, description="Epochs without better validation loss before stopping.")
    lr_patience: int = Field(
        5, ge=1, le=100_000, description="Epochs without better validation loss before a lower rate."
    )
    lr_factor: float = Field(0.5, gt=0, lt=1, description="What the learning rate is multiplied by when it is lowered.")
    final: Literal["all", "none"] | None = Field(
        None,
        description="Rows that the weights which leave are trained on once more, after scoring: all of them, or none "
        "anew. When not given: all for several series, none for one of a recurrent network.",
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="Seed of the starting weights, of dropout, and of the order of windows."
    )
