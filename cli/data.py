"""`kerasforecast data`: look at tables before trusting them, and at the prices that are kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from kerasforecast.config import check_effect_on_data
from kerasforecast.errors import KerasForecastError, OptionError, printable
from kerasforecast.runtime.files import cache_folder
from kerasforecast.runtime.terminal import say
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.section import checked

from .options import data_options, given, output_options, section
from .output import print_json

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.data.check import Findings
    from kerasforecast.data.yahoo.prices import Prices
    from kerasforecast.data.yahoo.snapshots import Meta


_LOOKED_AT = 100_000  # newest rows that seasons are looked for in


@click.group(epilog="Example: kerasforecast data check prices.csv")
def data() -> None:
    """Check tables; fetch prices and manage the snapshots kept of them."""


@data.command(epilog="Example: kerasforecast data check prices.csv --target 'Adj Close' --json")
@data_options
@output_options
def check(as_json: bool, quiet: bool, debug: bool, **options: Any) -> None:
    """Say what FILE (or a ticker, or the embedded sample) holds and what looks wrong with it."""
    chosen = given(options)
    config = checked(DataConfig, chosen)
    check_effect_on_data(chosen, config)

    from kerasforecast.data.check import examine

    findings = examine(config)
    if as_json:
        print_json(findings.as_json())
    else:
        _print_findings(findings, quiet)


@data.command(epilog="Example: kerasforecast data fetch AAPL MSFT --start 2010-01-01")
@click.argument("tickers", nargs=-1, required=True, metavar="TICKER...")
@section(DataConfig, only=("start", "end", "interval", "timeout", "max_age"))
@output_options
def fetch(tickers: tuple[str, ...], as_json: bool, quiet: bool, debug: bool, **options: Any) -> None:
    """Download the prices of each TICKER and keep them as snapshots.

    A ticker that fails does not stop the others; the exit code is then that of the last failure named.
    """
    config = checked(DataConfig, given(options))

    from kerasforecast.data.yahoo.client import Query
    from kerasforecast.data.yahoo.prices import several

    names = dict.fromkeys(ticker.strip().upper() for ticker in tickers)
    queries = [Query(name, config.start, config.end, config.interval) for name in names]
    outcomes: dict[Query, Prices | KerasForecastError] = {}
    for query, outcome in several(queries, config.timeout, config.max_age):
        outcomes[query] = outcome
        if not quiet and len(queries) > 1:
            word = "failed" if isinstance(outcome, KerasForecastError) else f"{len(outcome.frame):,} rows"
            say(f"{printable(query.ticker)}: {word} ({len(outcomes)} of {len(queries)})")
    _print_fetched({query.ticker: outcomes[query] for query in queries}, as_json)


@data.command(epilog="Example: kerasforecast data show AAPL > aapl.csv")
@click.argument("ticker")
@section(DataConfig, only=("interval",))
@output_options
def show(ticker: str, as_json: bool, quiet: bool, debug: bool, **options: Any) -> None:
    """Print the rows kept of TICKER as CSV; with --json, where they came from."""
    config = checked(DataConfig, given(options))

    from kerasforecast.data.yahoo import snapshots

    name = ticker.strip().upper()
    kept = snapshots.read(name, config.interval)
    if kept is None:
        raise OptionError(
            f"{name}: no snapshot at interval {config.interval} is kept. Received: {name!r}. "
            "See `kerasforecast data list`, or fetch it."
        )
    if as_json:
        print_json({**_facts(kept.frame, kept.meta), "path": str(kept.path)})
        return
    if not quiet:
        say(f"{kept.path}: {kept.meta.source}, {kept.meta.fetched}, sha256 {kept.meta.sha256}")
    days = kept.meta.interval in ("1d", "5d", "1wk", "1mo", "3mo")
    dates = kept.frame.index.strftime("%Y-%m-%d") if days else kept.frame.index.map(str)
    click.echo(kept.frame.set_axis(dates, axis=0).to_csv(index_label="Date"), nl=False)


@data.command("list", epilog="Example: kerasforecast data list --json")
@output_options
def list_(as_json: bool, quiet: bool, debug: bool) -> None:
    """List the snapshots kept, and the folder they are in."""
    from kerasforecast.data.table.table import counted
    from kerasforecast.data.yahoo import snapshots

    kept = [{**_facts(snapshot.frame, snapshot.meta), "path": str(snapshot.path)} for snapshot in snapshots.every()]
    if as_json:
        print_json({"folder": str(cache_folder()), "snapshots": kept})
        return
    for facts in kept:
        click.echo(_line(facts))
    if not quiet:
        say(f"{counted(len(kept), 'snapshot')} in {cache_folder()}")


@data.command(epilog="Example: kerasforecast data clear AAPL")
@click.argument("tickers", nargs=-1, metavar="[TICKER...]")
@click.option("--all", "everything", is_flag=True, help="Remove every snapshot.")
@output_options
def clear(tickers: tuple[str, ...], everything: bool, as_json: bool, quiet: bool, debug: bool) -> None:
    """Remove the snapshots of each TICKER, or of all with --all."""
    if bool(tickers) == everything:
        raise OptionError(f"Give tickers or --all. Received: {' '.join(tickers) or 'neither'}. Choose one.")

    from kerasforecast.data.table.table import counted
    from kerasforecast.data.yahoo import snapshots

    names: list[str | None] = [ticker.strip().upper() for ticker in tickers]
    removed = [str(path) for name in names or [None] for path in snapshots.clear(name)]
    if as_json:
        print_json({"removed": removed})
    elif not quiet:
        say(f"{counted(len(removed), 'file')} removed from {cache_folder()}")


def _facts(frame: pd.DataFrame, meta: Meta) -> dict[str, Any]:
    return {
        "ticker": meta.ticker,
        "interval": meta.interval,
        "rows": len(frame),
        "start": str(frame.index[0].date()),
        "end": str(frame.index[-1].date()),
        "fetched": meta.fetched,
        "source": meta.source,
        "sha256": meta.sha256,
    }


def _line(facts: dict[str, Any]) -> str:
    return (
        f"{facts['ticker']:<10} {facts['interval']:<4} {facts['rows']:>8,} rows  {facts['start']} to {facts['end']}  "
        f"fetched {facts['fetched']}  sha256 {facts['sha256'][:12]}"
    )


def _print_fetched(outcomes: dict[str, Prices | KerasForecastError], as_json: bool) -> None:
    """What each ticker gave, in the order asked; then raise the last failure, which is printed with its exit code."""
    failed = {name: found for name, found in outcomes.items() if isinstance(found, KerasForecastError)}
    fetched = [
        {**_facts(found.frame, found.meta), "notes": list(found.notes)}
        for found in outcomes.values()
        if not isinstance(found, KerasForecastError)
    ]
    if as_json:
        errors = [{"ticker": name, "error": str(error)} for name, error in failed.items()]
        print_json({"fetched": fetched, "failed": errors})
    else:
        for facts in fetched:
            click.echo(_line(facts))
            for note in facts["notes"]:
                say(f"  {printable(note)}")
        for error in list(failed.values())[:-1]:
            say(f"error: {error}")
    if failed:
        raise list(failed.values())[-1]


def _seasons(findings: Findings) -> list[int]:
    """Rows of the seasons that its dates suggest and the longest series bears out."""
    from kerasforecast.baselines.periods import calendar_periods, usual_periods

    return usual_periods(findings.series.values[-_LOOKED_AT:, 0], calendar_periods(findings.frequency))


def _horizon(findings: Findings, season: int) -> int:
    """Rows ahead that a fit can be asked for: a season, or as much of one as the parts of a lone series have rows.

    Those of several are cut wherever a horizon fits.
    """
    if len(findings.panel) > 1:
        return season
    from kerasforecast.preprocessing.split import split_panel
    from kerasforecast.sections.network import NetworkConfig
    from kerasforecast.sections.split import SplitConfig

    split = split_panel(findings.panel, SplitConfig(), NetworkConfig(window=2, horizon=1))
    return min(season, *(int(split.rows_in(part).max()) for part in ("validation", "test")))


def _print_findings(findings: Findings, quiet: bool) -> None:
    facts = findings.as_json()
    click.echo(_headline(facts))
    if "series" in facts:
        longest, shortest, median = (facts[which] for which in ("longest", "shortest", "median_rows"))
        click.echo(f"  longest     {_cut(longest['series'])}, {longest['rows']:,} rows")
        click.echo(f"  shortest    {_cut(shortest['series'])}, {shortest['rows']:,} rows; the median {median:,.0f}")
    if facts.get("rows_ahead"):
        click.echo(f"  known ahead {facts['rows_ahead']:,} rows after the last {printable(facts['target'])}")
    ruled = f"calendar {facts['calendar']}" if facts["calendar"] else "no calendar"
    click.echo(f"  frequency   {facts['step']}, {ruled}")
    click.echo(f"  missing     {facts['missing']:,} rows, {facts['blank']:,} of them without any value")
    click.echo(f"  duplicates  {facts['duplicates']:,} rows")
    absent = f"{facts['gap_rows']:,} rows absent" if facts["step"] != "irregular" else "none can be told"
    if facts["gap_rows"] and "series" in facts:
        absent += f" in {facts['series_with_gaps']:,} series"
    click.echo(f"  gaps        {absent}" + _longest(facts["gaps"]))
    if seasons := _seasons(findings):
        rows = " and ".join(map(str, seasons))
        click.echo(f"  season      {rows} rows; fit it with --model auto --horizon {_horizon(findings, seasons[0])}")
    splits = ", ".join(f"{split.date.date()} ({_of(split.series)}{split.words})" for split in findings.rows.splits)
    click.echo(f"  splits      {splits or 'none suspected'}")
    for note in facts["notes"]:
        click.echo(f"  note        {printable(note)}")
    if not quiet:
        from kerasforecast.data.chart import chart

        if "series" in facts:
            click.echo(f"  {_cut(findings.series.name)}:")
        plain = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
        for line in chart(findings.series.values[:, 0], plain=plain):
            click.echo(f"  {line}")


def _headline(facts: dict[str, Any]) -> str:
    name, target, span = printable(facts["name"]), printable(facts["target"]), f"{facts['start']} to {facts['end']}"
    if "series" not in facts:
        return f"{name}: {facts['rows']:,} rows of {target}, {span}"
    return f"{name}: {facts['series']:,} series of {target}, {facts['rows']:,} rows, {span}"


def _of(series: str) -> str:
    return f"{_cut(series)}, " if series else ""


def _cut(text: str) -> str:
    """An id as it is shown, on one line."""
    text = printable(text)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _longest(gaps: list[dict[str, Any]]) -> str:
    if not gaps:
        return ""
    gap = gaps[0]
    of = f" in {_cut(gap['series'])}" if "series" in gap else ""
    one = f", e.g. {gap['start']}{of}"
    return f", most from {gap['start']} to {gap['end']} ({gap['rows']}){of}" if gap["rows"] > 1 else one
