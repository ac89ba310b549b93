"""Command-line flags made from the fields of `kerasforecast.config`, which holds their defaults and bounds."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kerasforecast.config import OLDER
from kerasforecast.models.families import registry
from kerasforecast.runtime.files import user_path
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.evaluation import EvaluationConfig
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import BacktestConfig, SplitConfig
from kerasforecast.sections.training import TrainingConfig

Command = TypeVar("Command", bound=Callable[..., Any])


class UserPath(click.Path):
    """A path in which `~` is the home folder, also in `--output-dir=~/models`, where no shell has seen it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path that `value` means."""
        return user_path(Path(str(super().convert(value, param, ctx))))


_TITLES: dict[type[BaseModel], str] = {
    DataConfig: "Data",
    SplitConfig: "Split",
    NetworkConfig: "Network",
    TrainingConfig: "Training",
    EvaluationConfig: "Scores and prediction intervals",
    BacktestConfig: "Walk",
}

FOLDER = Path("saved_models")  # where commands write, unless told otherwise
_ALL = "kerasforecast.help_all"  # in a context: help shows every option

# What most people need of a fit; `--help` shows these.
COMMON = ("ticker", "target", "id", "past", "known", "model", "window", "horizon", "epochs", "name", "backend")

LISTS = {
    name for model in _TITLES for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple
}
FOLD_TRAINING = tuple(name for name in TrainingConfig.model_fields if name != "final")
DATA_FLAGS = tuple(name for name in DataConfig.model_fields if name != "file")


class SectionedCommand(click.Command):
    """A command whose help lists its flags by config section, since `fit` has too many for one list.

    Args:
        common: Names of the options that `--help` shows; the others are for `--help-all`.
    """

    def __init__(self, *args: Any, common: tuple[str, ...], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._common = {*common, "help_all"}
        everything = click.Option(["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_help_all)
        self.params.append(everything)
        everything.help = f"Show all {len([each for each in self.params if isinstance(each, click.Option)])} options."

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One block of help per section, the command's own flags last."""
        blocks: dict[str, list[tuple[str, str]]] = {title: [] for title in (*_TITLES.values(), "Options")}
        for parameter in self.get_params(ctx):
            rare = parameter in self.params and parameter.name not in self._common
            if rare and not ctx.meta.get(_ALL):
                continue
            if record := parameter.get_help_record(ctx):
                blocks[getattr(parameter, "section", "Options")].append(record)
        for title, records in blocks.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _help_all(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


class ConfigOption(click.Option):
    """A flag made from a config field; `section` is the block of help it stands in."""

    def __init__(self, *args: Any, section: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.section = section


def section(
    model: type[BaseModel], *, only: tuple[str, ...] | None = None, without: tuple[str, ...] = ()
) -> Callable[[Command], Command]:
    """One flag per field of a config section; a flag that is not given does not reach the command.

    Those of a network are followed by one for each option that any family has.
    """

    def decorate(command: Command) -> Command:
        if model is NetworkConfig:
            for name, fields in reversed([each for each in registry.options().items() if each[0] not in without]):
                command = _flag(model, name, next(iter(fields.values())), _having(fields))(command)
        for name in reversed(only or tuple(model.model_fields)):
            if name != "options":
                command = _flag(model, name, model.model_fields[name])(command)
        return command

    return decorate


def _having(fields: dict[str, FieldInfo]) -> str:
    """Which families have an option, and its default where that is not the same in all of them."""
    few = "" if len(fields) == len(registry.names()) else f" Only {', '.join(fields)}."
    defaults = {family: field.default for family, field in fields.items()}
    if len(set(defaults.values())) == 1:
        return few
    return f"{few} [default: {', '.join(f'{value} for {family}' for family, value in defaults.items())}]"


def data_options(command: Command) -> Command:
    """FILE and the flags that say which rows and columns to read."""
    command = section(DataConfig, only=DATA_FLAGS)(command)
    return click.argument("file", required=False, type=click.Path())(command)


def fit_options(command: Command) -> Command:
    """Every flag of a fit."""
    for model in (EvaluationConfig, TrainingConfig, NetworkConfig, SplitConfig):
        command = section(model)(command)
    return data_options(command)


def tune_options(command: Command) -> Command:
    """Those of a fit, but for what a choice among networks has: a search has a time of its own."""
    for model in (EvaluationConfig, TrainingConfig, NetworkConfig, SplitConfig):
        command = section(model, without=("budget", "time"))(command)
    return data_options(command)


def fold_options(command: Command) -> Command:
    """Those of a fit whose model forecasts what it must not have learned from."""
    command = section(TrainingConfig, only=FOLD_TRAINING)(section(EvaluationConfig)(command))
    return data_options(section(SplitConfig)(section(NetworkConfig)(command)))


def output_dir_option(command: Command) -> Command:
    """`--output-dir`."""
    return click.option("--output-dir", type=UserPath(), default=FOLDER, show_default=True, help="Folder for it.")(
        command
    )


def backend_option(command: Command) -> Command:
    """`--backend`."""
    return click.option(
        "--backend",
        metavar="[jax|tensorflow|torch]",
        help="What computes. When not given: KERAS_BACKEND, Keras' own configuration, the first one installed.",
    )(command)


def ray_option(command: Command) -> Command:
    """`--ray`."""
    return click.option(
        "--ray",
        metavar="local|ADDRESS",
        help="Train several at once on Ray: this machine's cores, or a cluster; needs the extra `ray`.",
    )(command)


def skill_option(command: Command) -> Command:
    """`--require-skill`."""
    return click.option(
        "--require-skill",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="P",
        help="Exit with 4 unless better than the best simple forecast, with a Diebold-Mariano p-value below P.",
    )(command)


def output_options(command: Command) -> Command:
    """`--json`, `--quiet`, `--debug`."""
    command = click.option("--debug", is_flag=True, help="Show a traceback when something fails.")(command)
    command = click.option("--quiet", "-q", is_flag=True, help="Only results and errors.")(command)
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout and nothing else there.")(
        command
    )


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given on the command line, comma-separated ones as tuples."""
    found = {name: value for name, value in options.items() if value is not None}
    for name in LISTS & found.keys():
        found[name] = tuple(part.strip() for part in found[name].split(",") if part.strip())
    return found


def choices(section: type[BaseModel], field: str) -> tuple[str, ...]:
    """The allowed words of a field, else `()`: families by name for `model`; a list of words is none."""
    if section is NetworkConfig and field == "model":
        return registry.models()
    return words(section.model_fields[field])


def words(field: FieldInfo) -> tuple[str, ...]:
    """The allowed words of a `Literal` field (`None` left out), else `()`."""
    annotation = field.annotation
    if get_origin(annotation) is tuple:
        return ()
    parts = [annotation, *get_args(annotation)]
    found = [arg for part in parts for arg in get_args(part) if isinstance(arg, str)]
    return tuple(dict.fromkeys(found))


def _flag(model: type[BaseModel], name: str, field: FieldInfo, more: str = "") -> Callable[[Command], Command]:
    flag = f"--{name.replace('_', '-')}"
    allowed = choices(model, name) if name in model.model_fields else words(field)
    text = f"{field.description or ''}{more}"
    if "[default" not in more and field.default is not None and field.default is not False and field.default != ():
        default = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
        text = f"{text} [default: {default}]"
    settings: dict[str, Any] = {"cls": ConfigOption, "section": _TITLES[model], "help": text}
    if _plain(field.annotation) is bool:
        on_off = f"{flag}/--no-{name.replace('_', '-')}" if field.default else flag
        return click.option(on_off, name, default=None, is_flag=True, **settings)
    if allowed and float not in get_args(field.annotation):
        return click.option(flag, name, type=click.Choice(allowed), **settings)
    earlier = [f"--{old}" for old, new in OLDER.items() if new == name]
    # Values stay text here: the config checks types and bounds, so Python and command line give the same message.
    return click.option(
        flag, *earlier, name, metavar="|".join((*allowed, "NUMBER")) if allowed else _metavar(field), **settings
    )


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _metavar(field: FieldInfo) -> str:
    plain = _plain(field.annotation)
    names = {int: "INTEGER", float: "NUMBER", str: "TEXT"}
    if plain in names:
        return names[plain]
    return "A,B,..." if get_origin(plain) is tuple else "DATE"
