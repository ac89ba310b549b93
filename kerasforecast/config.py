"""The options of one fit, sorted into sections and checked against one another.

The command line builds its flags from the sections' fields, the Python API checks keyword arguments against them, and
the manifest of a model stores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from kerasforecast.errors import OptionError, callers_words, flag, shown
from kerasforecast.models.families import registry
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.evaluation import EvaluationConfig
from kerasforecast.sections.keeping import KEPT, chooses, keeping
from kerasforecast.sections.network import NetworkConfig, not_of
from kerasforecast.sections.section import Section, checked
from kerasforecast.sections.split import SplitConfig
from kerasforecast.sections.training import TrainingConfig

OLDER = {"features": "past"}  # earlier names of options, which still serve
UNTRAINED = tuple(name for name in TrainingConfig.model_fields if name not in ("final", "seed"))  # no effect there
OF_LEVEL = ("centre", "unit", "target_transform")
LARGEST_INTERVALS = 10_000  # steps x levels: each is a distribution of errors in the model file


class Config(Section):
    """All options of one fit, in sections, checked and unchangeable.

    Example:
        >>> import kerasforecast as kf
        >>> config = kf.Config.from_options(epochs=20, window=30)
        >>> config.training.epochs, config.network.window, config.network.horizon
        (20, 30, 1)
    """

    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    network: NetworkConfig = Field(default_factory=NetworkConfig)
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        network, evaluation = self.network, self.evaluation
        dropout = getattr(network.options, "dropout", 0)
        if evaluation.mc_dropout and (network.quantiles or not dropout):
            raise ValueError("--mc-dropout needs --dropout above 0 and no --quantiles")
        if self.training.final == "all" and network.family.solved:
            why = "chooses its penalty on validation" if network.family.trained else "has no weights to train"
            raise ValueError(f"--final all is no option of {network.model}, which {why}")
        if evaluation.steps is not None and evaluation.steps < network.horizon:
            raise ValueError(f"--steps must be at least the horizon of {network.horizon}")
        if self.steps * len(self.levels) > LARGEST_INTERVALS:
            raise ValueError(
                f"steps times levels must be at most {LARGEST_INTERVALS}, since a model file holds them all"
            )
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the intervals: the quantile head's, where there is one."""
        return self.network.quantiles or self.evaluation.levels

    @property
    def steps(self) -> int:
        """Rows ahead that are scored."""
        return self.evaluation.steps or self.network.horizon

    @classmethod
    @callers_words()
    def from_options(cls, **options: Any) -> Config:
        """Sort flat `options` (as the command line and `kerasforecast.fit` take them) into sections and check them.

        Raises:
            OptionError: An option is unknown, outside its bounds, excludes another, or would have no effect.
        """
        config = cls._sorted(options)
        check_effect(options, config)
        return config

    @classmethod
    @callers_words()
    def of_families(cls, models: Sequence[str], **options: Any) -> dict[str, Config]:
        """A configuration for each of `models` by the same `options`: a family's own go to the families that have them.

        Raises:
            OptionError: As `from_options`; or none of the families has an option that was given.
        """
        # A choice among families hands an option on to those that have it.
        choices = {model for model in models if registry.family(model).chooses}
        own = {name: set(having) | choices for name, having in registry.options().items() if name in options}
        for name, having in own.items():
            if not models:
                raise OptionError(f"{flag(name)} has no effect where no network is trained. Leave it out.")
            if not having & set(models):
                raise OptionError(not_of(registry.family(models[0]), name, options[name]))
        untrained = {model for model in models if not registry.family(model).trained}
        if untrained < set(models):  # how to train is said to those that are
            own |= {name: set(models) - untrained for name in UNTRAINED if name in options}
        return {
            model: cls.from_options(
                model=model, **{name: value for name, value in options.items() if model in own.get(name, {model})}
            )
            for model in models
        }

    @callers_words()
    def changed(self, **options: Any) -> Config:
        """This configuration with other `options`, flat; those that are not given stay.

        Raises:
            OptionError: As `from_options`.
        """
        config = self._sorted(dict(self.flat()) | options)
        check_effect(options, config)
        return config

    def flat(self) -> dict[str, Any]:
        """Every option by name, those of the family among them."""
        found: dict[str, Any] = {}
        for section in self.model_dump().values():
            found |= section
            found |= found.pop("options", {})
        return found

    @classmethod
    def _sorted(cls, options: dict[str, Any]) -> Config:
        sections: dict[str, dict[str, Any]] = {name: {} for name in cls.model_fields}
        for option, value in options.items():
            name = OLDER.get(option, option)
            sections[_section_of(name)][name] = value
        if (named := sections["network"].get("model")) is not None and not registry.family(named).in_graph:
            raise registry.not_a_model(named)
        if chooses(sections["network"]):
            if sections["network"].get("scaling") == "auto":  # it tries several for every family
                del sections["network"]["scaling"]
            sections["network"] = keeping(sections["network"], sections["training"])
        if _knows_ahead(sections) and "scaling" not in sections["network"]:
            sections["network"]["scaling"] = "auto"
        sections["training"] = _recipe(sections["network"]) | sections["training"]
        config: Config = checked(cls, {name: checked(SECTIONS[name], values) for name, values in sections.items()})
        return config


SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
    "split": SplitConfig,
    "network": NetworkConfig,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
}


def check_effect(given: dict[str, Any], config: Config) -> None:
    """Refuse options that were given and would change nothing.

    Args:
        given: Options by name, only those that the user gave.
        config: The configuration they make.

    Raises:
        OptionError: One has no effect; the message says why.
    """
    check_effect_on_data(given, config.data)
    dates, head = config.split.test_start is not None, bool(config.network.quantiles)
    rows = config.split.test_rows is not None
    _refuse(given, dates, ("train_fraction", "validation_fraction"), "beside --validation-start and --test-start")
    _refuse(given, rows, ("train_fraction", "validation_fraction"), "beside --validation-rows and --test-rows")
    untrained = not config.network.family.trained
    _refuse(given, untrained, UNTRAINED, f"on {config.network.model}, which has no weights to train")
    level = config.network.scaling == "level"
    _refuse(given, not level, OF_LEVEL, "without --scaling level")
    _refuse(given, head, ("loss",), "beside --quantiles, which are trained by the pinball loss")
    drawn = config.network.family.sampled
    _refuse(given, drawn, ("loss",), f"with --model {config.network.model}, which predicts noise")
    _refuse(given, head, ("levels",), "beside --quantiles, which are the levels of its intervals")


def check_effect_on_data(given: dict[str, Any], data: DataConfig) -> None:
    """As `check_effect`, of options that say which rows to read."""
    downloads = ("interval", "offline", "timeout", "snapshot", "max_age")
    reading = ("separator", "encoding", "decimal", "thousands", "date_format", "date_column")
    _refuse(given, data.ticker is None, downloads, "without --ticker")
    _refuse(given, data.ticker is not None, reading, "with --ticker, whose table needs no reading")
    several = data.ticker is not None and "," in data.ticker
    _refuse(given, several, ("id", "series"), "with several tickers, which are the ids")
    _refuse(given, several and bool(data.targets), ("targets",), "with several tickers, each of which is a series")
    _refuse(given, data.ticker is not None, ("id", "series"), "with --ticker, which is one series")
    _refuse(given, bool(data.targets), ("target",), "beside --targets, which are the columns to forecast")
    _refuse(given, bool(data.targets), ("id", "series", "static"), "beside --targets, each of which is a series")
    _refuse(given, data.offline, ("timeout", "max_age"), "with --offline")
    calendar = (*data.calendar_features, data.holidays, *data.past, *data.known)
    _refuse(given, not any(calendar), ("time_zone",), "without --calendar-features or --holidays")


def _refuse(given: dict[str, Any], useless: bool, options: tuple[str, ...], reason: str) -> None:
    for name in options if useless else ():
        if given.get(name) is not None:
            raise OptionError(f"{flag(name)} has no effect {reason}. Received: {shown(given[name])}. Leave it out.")


def _recipe(network: dict[str, Any]) -> dict[str, Any]:
    """What the family that was asked for trains by, where nothing else is given."""
    family = registry.family(network.get("model", NetworkConfig.model_fields["model"].default))
    return {name: value for name, value in family.recipe.items() if name in TrainingConfig.model_fields}


def _knows_ahead(sections: dict[str, dict[str, Any]]) -> bool:
    """Whether columns are known ahead whose effects are in units of their own, and the scaling is to suit them."""
    network = sections["network"]
    family = registry.family(network.get("model", NetworkConfig.model_fields["model"].default))
    free = not family.chooses and not family.scalings and not set(OF_LEVEL) & network.keys()
    return free and bool(sections["data"].get("known"))


def _section_of(option: str) -> str:
    for name, section in SECTIONS.items():
        if option in section.model_fields and option != "options":
            return name
    if option in registry.options() or option == KEPT:
        return "network"
    fields = {field for section in SECTIONS.values() for field in section.model_fields} - {"options"}
    known = ", ".join(sorted(fields | registry.options().keys()))
    raise OptionError(f"Options must be known by name. Received: {shown(option)}. Use one of: {known}.")
