"""How forecasts are judged, and the intervals they carry."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from kerasforecast.sections.section import Section, ascending

Classical = Literal["trees", "linear", "auto_ets", "auto_arima", "theta"]


class EvaluationConfig(Section):
    """How forecasts are judged, and the intervals they carry."""

    levels: tuple[float, ...] = Field(
        (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975),
        min_length=1,
        max_length=99,
        description="Quantile levels of the prediction intervals, where --quantiles does not give them.",
    )
    mc_dropout: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Forecasts made with dropout on, whose spread the prediction intervals start from; 0 for none.",
    )
    period: int | None = Field(
        None, ge=1, le=10_000, description="Rows of one season of the series, 1 for none; found when not given."
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="Rows ahead to score, beyond --horizon with forecasts as inputs; the horizon when not given.",
    )
    baselines: tuple[Classical, ...] = Field(
        (),
        max_length=5,
        description="Models that stand beside the simple baselines: trees, linear; and auto_ets, auto_arima, theta, "
        "which need the extra `baselines`, and time.",
    )

    @field_validator("baselines")
    @classmethod
    def _once(cls, baselines: tuple[Classical, ...]) -> tuple[Classical, ...]:
        return tuple(dict.fromkeys(baselines))

    @field_validator("levels")
    @classmethod
    def _ascending(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return ascending(levels)
