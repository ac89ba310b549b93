"""What each column of a table is for: forecast, known until now, known ahead, one value a series, or not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kerasforecast.data.calendar_choice import CALENDAR_FEATURES
from kerasforecast.data.table.columns import find, holds_numbers, is_label, named_column, same, target_column
from kerasforecast.data.table.table import Table, counted, listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

EVERY = "all"  # what `--targets` says for every column of numbers
VALUE = "value"  # what the target of a wide table is called, whose columns are called as their series


@dataclass(frozen=True)
class Roles:
    """The columns of a table that are used.

    Attributes:
        target: The column to forecast; of a wide table what its target is called.
        targets: The columns of a wide table that are forecast, each a series; none of another table.
        past: Those known until now.
        known: Those known for the rows to be forecast too.
        static: Those of one value a series.
        said: What was decided, one sentence each.
    """

    target: str
    targets: tuple[str, ...]
    past: tuple[str, ...]
    known: tuple[str, ...]
    static: tuple[str, ...]
    said: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of each series, the target first."""
        return (self.target, *self.past, *self.known)

    def read(self, table: Table) -> list[str]:
        """The columns of numbers that stand in the table."""
        wanted = (*(self.targets or (self.target,)), *self.past, *self.known)
        return [name for name in wanted if name in table.frame.columns]


def roles_in(table: Table, dates: str | None, config: DataConfig, *, required: bool = True) -> Roles:
    """The role of each column of `table`, by `config`.

    Args:
        table: Without columns of ids.
        dates: The column of dates, if any.
        config: `target` or `targets`, `past`, `known`, `static`.
        required: Whether all of `targets` must exist.

    Raises:
        DataError: A column is absent, or named twice.
    """
    names = [name for name in table.frame.columns if name != dates]
    targets = _targets(table, names, config, required) if config.targets else ()
    target, said = (_free(names), []) if targets else target_column(table, dates, config)
    taken = dict.fromkeys(targets or (target,), "--targets" if targets else "--target")
    past = _further(table, names, config.past, "--past", taken)
    known = _further(table, names, config.known, "--known", taken)
    static = _further(table, names, config.static, "--static", taken)
    if targets:
        said = [f"{counted(len(targets), 'column')} to forecast, each a series: {listed(targets)}."]
        if config.static:
            raise DataError(
                f"{table.name}: --static needs rows of each series, with --id. Received: {shown(config.static)} beside "
                "--targets. Leave it out."
            )
    return Roles(target, targets, past, known, static, tuple(said))


def choice_notes(table: Table, dates: str | None, roles: Roles) -> list[str]:
    """What was said about the choice of the target, and which columns are not used, in one line."""
    used = {*(roles.targets or (roles.target,)), *roles.past, *roles.known, *roles.static}
    names = [name for name in table.frame.columns if name != dates and name not in used]
    unused = [f"Not used: {listed(names)}."] if names else []
    return [" ".join([*roles.said, *unused])] if roles.said or unused else []


def _targets(table: Table, names: Sequence[str], config: DataConfig, required: bool) -> tuple[str, ...]:
    if [same(name) for name in config.targets] == [EVERY] and find(names, config.targets[0]) is None:
        claimed = {same(name) for name in (*config.past, *config.known, *config.static)}
        free = [name for name in names if same(name) not in claimed and not is_label(name)]
        found = [name for name in free if holds_numbers(table.frame[name])]
        if not found:
            raise DataError(
                f"{table.name}: --targets all takes every column of numbers. Received: none among {listed(names)}. "
                "Name the columns."
            )
        return tuple(found)
    every, chosen = set(names), dict[str, None]()
    for name in config.targets:
        column = name if name in every else find(names, name)
        if column is None and not required:
            continue
        column = column or named_column(names, name, "--targets", table.name)
        if column in chosen:
            raise DataError(f"{table.name}: --targets must name each column once. Received: {shown(name)} twice.")
        chosen[column] = None
    if not chosen:
        raise DataError(
            f"{table.name}: expected one of the columns {listed(config.targets)}. Received: {listed(names)}. "
            "Give --targets."
        )
    return tuple(chosen)


def _free(names: Sequence[str]) -> str:
    """What the target of a wide table is called, which no column of it may be."""
    name = VALUE
    while name in names:
        name += "_"
    return name


def _of_dates(table: Table, option: str, wanted: Sequence[str]) -> DataError:
    """That roles are of columns of the table, and how to have what the dates give."""
    given = [name for name in wanted if name in CALENDAR_FEATURES]
    return DataError(
        f"{table.name}: {option} must name columns of the table. Received: {shown(given[0])}, which follows from the "
        f"dates. Use --calendar-features '{','.join(given)}', which is known for the rows to be forecast too."
    )


def _further(
    table: Table, names: Sequence[str], wanted: Sequence[str], option: str, taken: dict[str, str]
) -> tuple[str, ...]:
    """The columns of one role, in the order given; `taken` says by which option the others have theirs."""
    found: list[str] = []
    for name in wanted:
        column = find(names, name)
        if column is None and name in CALENDAR_FEATURES:
            raise _of_dates(table, option, [name for name in wanted if find(names, name) is None])
        column = column or named_column(names, name, option, table.name)
        if column in found or taken.get(column) == "--target":
            target = next((each for each, by in taken.items() if by == "--target"), None)
            rule = f", and not the target {target}" if target else ""
            raise DataError(
                f"{table.name}: {option} must name each column once{rule}. Received: {shown(name)}. Leave it out."
            )
        if column in taken:
            raise DataError(
                f"{table.name}: a column has one role. Received: {shown(name)} in {taken[column]} and in {option}. "
                "Leave it out of one of them."
            )
        found.append(column)
    taken |= dict.fromkeys(found, option)
    return tuple(found)
