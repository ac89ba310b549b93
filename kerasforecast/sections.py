"""Every option of the package by section: its default, its bounds and its help, once.

The options of a family of networks stand in its own file, `kerasforecast.models.families`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from kerasforecast.errors import OptionError, flag, shown
from kerasforecast.models.families import registry
from kerasforecast.models.families.base import Family, FamilyOptions, Sizes

Scaling = Literal["anchor", "difference", "minmax", "standard", "none"]
Classical = Literal["auto_ets", "auto_arima", "theta"]
LOGARITHMIC = ("anchor",)  # scalings that take logs of columns with positive values


def ascending(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Quantile levels in order.

    Raises:
        ValueError: One is outside 0..1 or stands twice.
    """
    if any(not 0.001 <= level <= 0.999 for level in levels) or len(set(levels)) < len(levels):
        shares = ",".join(f"{level / 100:g}" for level in levels if 1 <= level < 100)
        raise ValueError("levels must differ and lie in 0.001 to 0.999" + (f"; write {shares}" if shares else ""))
    return tuple(sorted(levels))


class Section(BaseModel):
    """Frozen, and with nothing in it that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=4_096)

    @model_validator(mode="before")
    @classmethod
    def _one_makes_a_list(cls, values: Any) -> Any:
        """Take a text or number for a list of one: `features="Volume"` is a name, not six letters."""
        lists = {name for name, field in cls.model_fields.items() if get_origin(field.annotation) is tuple}
        alone = {key: (one,) for key, one in values.items() if key in lists and isinstance(one, str | int | float)}
        return values | alone


class DataConfig(Section):
    """Which rows and columns make the series."""

    file: str | None = Field(None, description="Table to read: CSV or TSV, packed or not, or Parquet; '-' is stdin.")
    ticker: str | None = Field(None, description="Yahoo Finance symbol to download, e.g. AAPL.")
    start: dt.date | None = Field(None, description="First date of the rows to use.")
    end: dt.date | None = Field(None, description="Last date of the rows to use.")
    interval: str = Field("1d", description="Bar length of downloaded prices, e.g. 1d, 1wk, 1h.")
    offline: bool = Field(False, description="Use the kept snapshot of a ticker; never touch the network.")
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds a download may take altogether.")
    snapshot: str | None = Field(
        None, min_length=8, description="First digits of the SHA-256 of a kept snapshot: use exactly those prices."
    )
    max_age: float = Field(
        12.0, ge=0, le=1_000_000, description="Hours a kept snapshot of a ticker serves without asking again."
    )
    target: str | None = Field(None, description="Column to forecast; found by its name when not given.")
    date_column: str | None = Field(
        None, description="Column of dates, or Date,Time for two columns; found when not given."
    )
    id: str | None = Field(None, description="Column that names the series of a row, or A,B for several columns.")
    series: str | int | None = Field(None, description="Which series of --id to take.")
    features: tuple[str, ...] = Field((), max_length=1_000, description="Further columns that the network sees.")
    missing: Literal["error", "drop", "ffill", "interpolate"] = Field(
        "error", description="What to do with rows that lack a value."
    )
    duplicates: Literal["error", "last", "first", "mean"] = Field(
        "error", description="What to do with several rows of one date."
    )
    calendar: str | None = Field(None, description="Trading calendar of the dates, e.g. XNYS, BVMF, 24/7.")
    separator: str | None = Field(
        None, min_length=1, max_length=1, description="Character between columns; detected when not given."
    )
    encoding: str | None = Field(None, description="Text encoding of the table; detected when not given.")
    decimal: Literal[".", ","] | None = Field(None, description="Decimal mark of numbers; detected when not given.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        None, description="Mark between the thousands of numbers; taken to be absent when not given."
    )
    date_format: str | None = Field(
        None, description="Format of dates as strptime takes it, e.g. %d/%m/%Y; detected when not given."
    )

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if self.file is not None and self.ticker is not None:
            raise ValueError("give a FILE or --ticker, not both")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("--start must lie before --end")
        return self


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

    @model_validator(mode="after")
    def _room_for_test(self) -> SplitConfig:
        if self.train_fraction + self.validation_fraction >= 1:
            raise ValueError("--train-fraction and --validation-fraction must leave a share for test (sum below 1)")
        if (self.validation_start is None) != (self.test_start is None):
            raise ValueError("--validation-start and --test-start go together")
        if self.validation_start and self.test_start and self.validation_start >= self.test_start:
            raise ValueError("--validation-start must lie before --test-start")
        return self


class NetworkConfig(Section):
    """A network: raw values `(B, window, F)` in, raw values `(B, horizon)` out.

    The options of its family stand in `options`; to construct one they may be given beside the others, by name.
    """

    model: str = Field("lstm", description="Family of the network.")
    window: int = Field(60, ge=2, le=10_000, description="Rows of history that the network sees for a forecast.")
    horizon: int = Field(1, ge=1, le=1_000, description="Rows ahead that the network forecasts at once.")
    scaling: Scaling = Field("anchor", description="How raw values become what the network sees, and back.")
    quantiles: tuple[float, ...] = Field(
        (),
        max_length=99,
        description="Levels of a quantile head, e.g. 0.1,0.5,0.9; 0.5 is always among them, and none means points.",
    )
    options: SerializeAsAny[FamilyOptions] = FamilyOptions()

    @model_validator(mode="before")
    @classmethod
    def _of_its_family(cls, values: Any) -> Any:
        """Hand the options that are not every network's to the family, which knows their bounds."""
        if not isinstance(values, dict):
            return values
        common = {name: value for name, value in values.items() if name in cls.model_fields and name != "options"}
        own = {name: value for name, value in values.items() if name not in cls.model_fields}
        family = registry.family(common.get("model", cls.model_fields["model"].default))
        given = values.get("options", {})
        own |= given.model_dump() if isinstance(given, FamilyOptions) else given
        for name, value in own.items():
            if name not in family.options.model_fields:
                raise OptionError(not_of(family, name, value))
        return {"scaling": family.scaling} | common | {"options": checked(family.options, own)}

    @field_validator("quantiles")
    @classmethod
    def _with_median(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return ascending((*levels, 0.5) if levels and 0.5 not in levels else levels)

    @property
    def family(self) -> Family:
        """What knows its options, layers and words."""
        return registry.family(self.model)

    @property
    def wants_logs(self) -> bool:
        """Whether prices must be positive to be learned from, since the scaling is to take logs of them."""
        return self.scaling in LOGARITHMIC

    def sizes(
        self, channels: int, known: int = 0, static: int = 0, categories: tuple[tuple[int, int], ...] = ()
    ) -> Sizes:
        """What it takes and gives, where scaled inputs have so many channels; arguments as fields of `Sizes`."""
        return Sizes(self.window, channels, self.horizon, self.quantiles, known, static, categories)

    def describe(self) -> str:
        """What it is in a few words, e.g. `"2 x lstm of 50 units"`."""
        return self.family.describe(self.options)


class TrainingConfig(Section):
    """How the weights are found."""

    epochs: int = Field(
        100, ge=1, le=100_000, description="Most passes over the training windows; early stopping may end before."
    )
    batch_size: int = Field(32, ge=1, le=65_536, description="Windows in one step of the optimizer.")
    steps_per_epoch: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Optimizer steps of an epoch, over other windows each time; when not given, all windows pass.",
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
    seed: int = Field(
        0, ge=0, lt=2**31, description="Seed of the starting weights, of dropout, and of the order of windows."
    )


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
        max_length=3,
        description="Classical models that stand beside the simple baselines: auto_ets, auto_arima, theta. They need "
        "the extra `baselines`, and time.",
    )

    @field_validator("baselines")
    @classmethod
    def _once(cls, baselines: tuple[Classical, ...]) -> tuple[Classical, ...]:
        return tuple(dict.fromkeys(baselines))

    @field_validator("levels")
    @classmethod
    def _ascending(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return ascending(levels)


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


def checked(section: type[BaseModel], values: dict[str, Any]) -> Any:
    """`section(**values)`, its first fault turned into one line.

    Raises:
        OptionError: A value is outside its field's bounds or type.
    """
    try:
        return section(**values)
    except ValidationError as error:
        fault = error.errors()[0]
        if isinstance(cause := fault.get("ctx", {}).get("error"), OptionError):
            raise cause from None
        field = str(fault["loc"][0]) if fault["loc"] else None
        rule = fault["msg"].removeprefix("Value error, ")
        if field is None:
            raise OptionError(f"{rule[:1].upper()}{rule[1:]}.") from None
        rule = rule[:1].lower() + rule[1:]
        raise OptionError(f"{flag(field)}: {rule}. Received: {shown(fault['input'])}.") from None


def not_of(family: Family, option: str, value: Any) -> str:
    """That `family` has no such option, and which families do."""
    having = registry.options().get(option, {})
    if not having:
        return f"Options must be known by name. Received: {shown(option)}."
    few = f"only {', '.join(having)} {'has' if len(having) == 1 else 'have'} it"
    return f"{flag(option)} is no option of {family.name}; {few}. Received: {shown(value)}. Leave it out."
