"""What a manifest and `metrics.json` say of the covariates that earn their place."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(max_length=1_000)]
_FIXED = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CovariateWorth(BaseModel):
    """Whether forecasts of the test part are worse without the link of one covariate with what happened.

    Attributes:
        name: Of the column, or of what several say together: `hour` of its sine and cosine.
        increase: By which share the error rises where its rows are shuffled; `None` where there is no error.
        p_value: One-sided, corrected for the number of covariates; `None` where there is too little to test on.
        over: What was tested over: the loss of each date, or that of each series.
    """

    model_config = _FIXED

    name: Name
    role: Literal["past", "known", "static"]
    columns: tuple[Name, ...] = Field(min_length=1, max_length=1_000)
    increase: float | None
    p_value: Annotated[float, Field(ge=0, le=1)] | None
    over: Literal["dates", "series"] | None = None


class Importance(BaseModel):
    """Which covariates earn their place, by `shuffles` of each on so many `windows` of the test part."""

    model_config = _FIXED

    windows: Annotated[int, Field(ge=0, le=10**12)]
    shuffles: Annotated[int, Field(ge=1, le=1_000)]
    steps: Annotated[int, Field(ge=1, le=1_000)]
    covariates: tuple[CovariateWorth, ...] = Field(min_length=1, max_length=3_000)
