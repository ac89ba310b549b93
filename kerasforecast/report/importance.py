"""Which covariates earn their place, as the report shows it."""

from __future__ import annotations

from kerasforecast.artifact.importance import CovariateWorth
from kerasforecast.artifact.records import Metrics
from kerasforecast.evaluation.importance import earns, p_text
from kerasforecast.report.page import Section, folded, table
from kerasforecast.report.traces import PERCENT, Figure, bars, figure, label, titled

_DRAWN = 30  # bars: more are no picture


def importance_section(metrics: Metrics | None) -> list[Section]:
    """A bar for each covariate, with its p-value; nothing where there are none."""
    if metrics is None or metrics.importance is None:
        return []
    found = metrics.importance
    count, worthy = len(found.covariates), sum(map(earns, found.covariates))
    note = (
        f"{worthy} of {count} covariate{'s' if count > 1 else ''}: by how much the error rises where the rows of one "
        f"are shuffled, on {found.windows:,} windows of the test part. No rise: the model makes nothing of it. The "
        "p-values are corrected for the number of covariates."
    )
    few, header = found.covariates[:_DRAWN], ["", "known", "error when shuffled", "p"]
    drawn = (("Rise of the error when shuffled, in percent", _figure(few)),)
    more = folded("Every covariate", table(header, list(map(_row, found.covariates)))) if count > len(few) else ""
    body = table(header, list(map(_row, few)))
    return [Section("Covariates that earn their place", note, body, drawn, wide=True, after=more)]


def _figure(covariates: tuple[CovariateWorth, ...]) -> Figure:
    """Bars, the largest rise on the left; those that may be luck are pale."""
    names = [label(each.name) for each in covariates]
    traces = []
    for name, worthy, color in (("earns its place", True, "--model"), ("no gain", False, "--interval")):
        own = [each.increase if earns(each) == worthy else None for each in covariates]
        rises = [None if share is None else 100 * share for share in own]
        traces.append(bars(name, names, rises, color))
    yaxis = titled("error when shuffled", **PERCENT)
    return figure(traces, xaxis={"type": "category"}, yaxis=yaxis, barmode="overlay", bargap=0.5)


def _row(each: CovariateWorth) -> list[str]:
    rise = "-" if each.increase is None else f"{100 * each.increase:+,.1f} %"
    p_value = "too few to test" if each.p_value is None else p_text(each.p_value).removeprefix("p ").removeprefix("= ")
    return [each.name, each.role, rise, p_value]
