"""How rows divide into parts, and how a walk goes over the last."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from kerasforecast.sections.section import Section


class SplitConfig(Section):
    """How the rows divide, in time order, into training, validation and test."""

    train_fraction: float = Field(
        0.70, gt=0, lt=1, description="Share of the rows, the first ones, that the weights are learned from."
    )
    validation_fraction: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="Share of the rows, those after training, that stop it and calibrate the intervals.",
    )
    validation_start: dt.date | None = Field(
        None, description="First date of the validation part, instead of the shares."
    )
    test_start: dt.date | None = Field(None, description="First date of the test part, instead of the shares.")
    validation_rows: int | None = Field(
        None, ge=1, le=10**9, description="Rows of validation of each series, instead of the shares."
    )
    test_rows: int | None = Field(
        None, ge=1, le=10**9, description="Rows of test of each series, its last ones, instead of the shares."
    )
    min_rows: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Rows of its own that a series needs before a forecast; they are mirrored up to --window. "
        "When not given: the window for one series, few for several.",
    )
    holdout_series: float = Field(
        0.0, ge=0, lt=1, description="Share of the series that training never sees, scored as new ones."
    )

    @model_validator(mode="after")
    def _room_for_test(self) -> SplitConfig:
        if self.train_fraction + self.validation_fraction >= 1:
            raise ValueError("--train-fraction and --validation-fraction must leave a share for test (sum below 1)")
        if (self.validation_start is None) != (self.test_start is None):
            raise ValueError("--validation-start and --test-start go together")
        if self.validation_start and self.test_start and self.validation_start >= self.test_start:
            raise ValueError("--validation-start must lie before --test-start")
        if (self.validation_rows is None) != (self.test_rows is None):
            raise ValueError("--validation-rows and --test-rows go together")
        if self.test_rows is not None and self.test_start is not None:
            raise ValueError("give --test-rows or --test-start, not both")
        return self


class BacktestConfig(Section):
    """How a walk-forward backtest goes over the test part; no option of a fit, and in no manifest."""

    folds: int = Field(5, ge=1, le=10_000, description="Number of folds that the test part is walked in.")
    scheme: Literal["expanding", "sliding"] = Field(
        "expanding", description="Whether a fold learns from all earlier rows, or from as many as the first fold has."
    )
    refit: bool = Field(
        True, description="Whether each fold trains a model anew, or one model is trained before the first."
    )
    gap: int = Field(
        0, ge=0, le=1_000_000, description="Rows left out between what a fold learns from and what it forecasts."
    )
