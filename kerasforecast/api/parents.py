"""The model that a fit starts from: read, its options inherited, its test part kept out of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerasforecast.artifact.inputs import column_options, with_calendar_of, with_columns_of
from kerasforecast.artifact.parent import How, Parent
from kerasforecast.artifact.proof import no_network
from kerasforecast.artifact.reader import read
from kerasforecast.config import Config
from kerasforecast.data.table.columns import same
from kerasforecast.errors import DataError, OptionError, flag
from kerasforecast.evaluation.learned import continues
from kerasforecast.metrics.significance import FEWEST
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.section import checked
from kerasforecast.sections.split import SplitConfig

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model

_PARTS = ("train_fraction", "validation_fraction", "validation_start", "test_start", "validation_rows", "test_rows")


def parent_of(source: Path | Model, how: How, freeze: tuple[str, ...] = (), alpha: float | None = None) -> Parent:
    """The model that `source` is, or names, as a start for training.

    Raises:
        ArtifactError: The file is damaged, altered, not one of ours, or of no network.
        OptionError: It is made of several networks.
    """
    if isinstance(source, Path):
        manifest, weights = read(source)
        parent = Parent(manifest, weights, how, source, freeze, alpha)
    else:
        manifest = source.manifest
        parent = Parent(manifest, list(source.predictor.weights), how, None, freeze, alpha)
    if not manifest.in_graph:
        raise no_network(manifest)
    if len(manifest.members) > 1:
        remedy = "Choose anew with --model auto, or give" if manifest.selection else "Give"
        raise OptionError(
            f"--{how} takes a model of one network. Received: {manifest.name}, of {len(manifest.members)}. "
            f"{remedy} one of one network."
        )
    return parent


def inherited(parent: Parent, options: Mapping[str, Any]) -> Config:
    """The configuration of a fit that starts from `parent`: `options`, and where they say nothing what the parent has.

    Its network is always the parent's. `--init-from` takes the roles of the columns with it, `--update` every option
    and, where no data is given, its source.

    Raises:
        OptionError: As `Config.from_options`; or the network would be another.
    """
    manifest = parent.manifest
    network, before = parent.member.network, manifest.config
    _refuse_family(parent, options)
    if parent.how == "update":
        base = before.model_copy(
            update={
                "data": _newer(before.data, options),
                "network": network,
                "split": _split_given(before.split, options),
            }
        )
    else:
        roles = column_options(manifest)
        if "target" in options:
            roles["targets"] = ()
        elif "targets" in options:
            roles["target"] = None
        data = checked(DataConfig, roles)
        # At the recipe's own rate: on short series like and unlike the parent's it beat a third, a tenth and a
        # thirtieth of it throughout, for validation keeps the best epoch.
        base = Config(data=data, network=network)
    config = base.changed(**options)
    _check_network(parent, config)
    return config


def checked_panel(parent: Parent, panel: Panel) -> Panel:
    """`panel` with the columns and categories that the parent's weights are for.

    The list of categories stays the parent's: of those that no series here has the weights stay as they were.

    Raises:
        DataError: It has others.
    """
    roles, static = parent.manifest.roles, parent.member.covariates.static
    panel = with_calendar_of(panel, parent.manifest)
    wanted, found = (sorted(map(same, names)) for names in ((*roles.columns, *roles.static), _columns(panel)))
    if wanted != found or len(static) != len(panel.static_columns):
        raise DataError(
            f"{panel.name}: --{parent.how} takes the columns that the weights of {parent.manifest.name} are for: "
            f"{', '.join((*roles.columns, *roles.static))}. Received: {', '.join(_columns(panel))}. "
            f"Give the same, or fit without --{parent.how}."
        )
    return with_columns_of(panel, parent.manifest, f"fit without --{parent.how}")


def moved_on(parent: Parent, config: Config, panel: Panel, given: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """The configuration of an update whose test part lies after the parent's, and what to say of the rows between.

    Raises:
        DataError: `panel` is no newer form of the parent's data, or has too few rows after its test part.
    """
    record = parent.manifest.data
    if record is None:
        raise DataError(
            f"{parent.manifest.name}: what it was trained on is not recorded, so nobody can say which rows are newer. "
            "Received: --update. Use --init-from."
        )
    if not continues(record, panel):
        raise DataError(
            f"{panel.name}: newer data must hold the rows that {parent.manifest.name} was trained on, with their "
            f"values, or begin after them. Received: other rows before {record.end}. Use --init-from."
        )
    newer = _rows_after(panel, record.end)  # (N,)
    if not newer.any():
        raise DataError(
            f"{panel.name}: an update needs rows after {record.end}, the end of {parent.manifest.name}'s test part. "
            f"Received: none. Give newer data."
        )
    split = split_panel(panel, config.split, config.network, config.steps)
    if not _tests_old_rows(split, newer):
        return config, [_between(parent, panel, split, record.end)]
    if any(given.get(name) is not None for name in _PARTS):
        raise DataError(
            f"{panel.name}: the new test part must lie after {record.end}, the end of the old one. Received: "
            f"{newer.max():,} rows after it. Give a later --test-start, or fewer --test-rows."
        )
    enough = FEWEST * config.steps
    if newer.max() < enough:
        rows = int(newer.max())
        fewer = f", or --test-rows {rows} --validation-rows {_held_back(split)}" if rows >= config.steps else ""
        raise DataError(
            f"{panel.name}: a new test part needs {enough:,} rows after {record.end}, the end of the old one. "
            f"Received: {rows:,}. Give more rows{fewer}."
        )
    config = config.model_copy(update={"split": _after(config.split, panel, split, newer)})
    split = split_panel(panel, config.split, config.network, config.steps)
    if _tests_old_rows(split, newer):
        raise DataError(
            f"{panel.name}: the new test part must lie after {record.end}, the end of the old one, in every series. "
            "Received: series that end at different times. Give --validation-start and --test-start."
        )
    return config, [_between(parent, panel, split, record.end)]


def _columns(panel: Panel) -> tuple[str, ...]:
    return (*panel.columns, *panel.static_columns)


def _refuse_family(parent: Parent, options: Mapping[str, Any]) -> None:
    """Before options are sorted: those of another family would be refused for a reason that nobody looks for."""
    wanted = parent.member.network.model
    if options.get("model") not in (None, wanted):
        raise _other_network(parent, [f"model {options['model']}, where it is {wanted}"], "--model")


def _check_network(parent: Parent, config: Config) -> None:
    """Refuse a network that the parent's weights are not for."""
    wanted, found = parent.member.network, config.network
    free = wanted.family.changeable
    before, now = (
        each.model_dump(exclude={"options"}) | each.options.model_dump(exclude=set(free)) for each in (wanted, found)
    )
    changed = [name for name in before if before[name] != now[name]]
    if changed:
        words = [
            f"{name.replace('_', ' ')} {_plain(now[name])}, where it is {_plain(before[name])}" for name in changed
        ]
        raise _other_network(parent, words, flag(changed[0]))


def _other_network(parent: Parent, words: list[str], first: str) -> OptionError:
    return OptionError(
        f"--{parent.how}: training goes on with the very network of {parent.manifest.name}. "
        f"Received: {'; '.join(words)}. Leave {first} out, or fit without --{parent.how}."
    )


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _newer(data: DataConfig, options: Mapping[str, Any]) -> DataConfig:
    """How the newer rows are read: as the old ones were, to their end, from another place where one is given."""
    update: dict[str, Any] = {"end": None, "snapshot": None, "calendar_features": (), "holidays": None}
    if options.get("file") is not None:
        update["ticker"] = None
    elif options.get("ticker") is not None:
        update["file"] = None
    return data.model_copy(update=update)


def _split_given(split: SplitConfig, options: Mapping[str, Any]) -> SplitConfig:
    """The parent's parts, without those that options take the place of."""
    if not any(options.get(name) is not None for name in _PARTS):
        return split
    return SplitConfig(min_rows=split.min_rows, holdout_series=split.holdout_series)


def _rows_after(panel: Panel, end: Any) -> np.ndarray:
    """How many observed rows of each series lie after `end`, `(N,)`."""
    later = panel.index > (pd.Timestamp(end) if panel.dated else end)
    sums = np.concatenate([[0], np.cumsum(later)])
    counts: np.ndarray = sums[panel.ends] - sums[panel.starts[:-1]]
    return counts


def _tests_old_rows(split: Split, newer: np.ndarray) -> bool:
    """Whether the test part of a series reaches back to rows that are not among its newer ones."""
    return bool((split.rows_in("test") > newer).any())


def _held_back(split: Split) -> int:
    return max(1, int(np.median(split.rows_in("validation"))))


def _after(before: SplitConfig, panel: Panel, split: Split, newer: np.ndarray) -> SplitConfig:
    """The parts with all newer rows for the test, and as many for validation as there would have been."""
    kept = {"min_rows": before.min_rows, "holdout_series": before.holdout_series}
    if len(panel) == 1 or not panel.dated:
        rows = newer[newer > 0]
        return SplitConfig(test_rows=int(rows.min()), validation_rows=_held_back(split), **kept)
    dates = panel.index.unique().sort_values()
    longest = int(np.argmax(newer))
    test = panel.index[panel.ends[longest] - newer[longest]]
    place = int(dates.searchsorted(test))
    validation = dates[max(0, place - _held_back(split))]
    return SplitConfig(validation_start=validation.date(), test_start=test.date(), **kept)


def _between(parent: Parent, panel: Panel, split: Split, end: Any) -> str:
    """What becomes of the parent's test part, in one line."""
    record = parent.manifest.data
    if record is None or "test" not in record.split:
        raise ValueError("An update knows the parts of its parent.")
    old = record.split["test"]
    place = np.arange(len(panel.index))
    first, last = (pd.Timestamp(each) if panel.dated else each for each in (old.start, end))
    tested = np.asarray((panel.index >= first) & (panel.index <= last))
    counts = {}
    for number, part in enumerate(("training", "validation")):
        inside = np.zeros(len(place), bool)
        for begin, stop in zip(split.edges[:, number], split.edges[:, number + 1], strict=True):
            inside[begin:stop] = True
        counts[part] = int((inside & tested).sum())
    if not any(counts.values()):
        return f"No row of {parent.manifest.name}'s test part is learned from; its scores stand for it."
    parts = " and ".join(f"{count:,} for {part}" for part, count in counts.items() if count)
    return (
        f"Rows that were the test part of {parent.manifest.name}, {old.start} to {end}, now serve: {parts}. "
        "Its own scores stand for it as it was."
    )
