"""What a manifest and `metrics.json` say of whole paths."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[dict[Annotated[str, StringConstraints(max_length=10)], Share], Field(max_length=10)]
_FIXED = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PathScore(BaseModel):
    """The scores of one contestant's paths; `kerasforecast.metrics.paths` has the formulas.

    Attributes:
        crps: Mean over steps and windows.
        energy: Energy score.
        variogram: Variogram score.
        coverage: Share of values inside, by central interval of single steps.
        path_coverage: Share of paths that lie wholly inside, by band of whole paths.
    """

    model_config = _FIXED

    crps: float
    energy: float
    variogram: float
    coverage: Shares
    path_coverage: Shares


class PathTest(BaseModel):
    """A Diebold-Mariano test of the model against one rival; figures are `None` where there is too little to test."""

    model_config = _FIXED

    rival: Name
    loss: Literal["crps", "energy"]
    statistic: float | None
    p_value: Share | None


class PathScores(BaseModel):
    """Whole paths on the test part, the model's beside those of its rivals.

    Attributes:
        windows: How many were scored.
        paths: Of each.
        unit: What scores are in: the unit of the values, or of several series standard moves of each window.
        each: By contestant, `model` first.
        tests: Of the model against each rival.
        ranks: Shares of what happened in tenths of the model's sampled values.
        departed: The share that validation keeps of what training changed of the paths that it began with.
    """

    model_config = _FIXED

    windows: int = Field(ge=1, le=10**9)
    paths: int = Field(ge=2, le=10**6)
    unit: Literal["values", "moves"]
    each: dict[Name, PathScore] = Field(min_length=1, max_length=50)
    tests: tuple[PathTest, ...] = Field(max_length=100)
    ranks: tuple[Share, ...] = Field(min_length=2, max_length=100)
    departed: Share | None = None
