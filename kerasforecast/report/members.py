"""The networks of a model as its report shows them: of several each with its share, and all that were tried."""

from __future__ import annotations

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.selection import Selection, Tried
from kerasforecast.models.member import scaling_words
from kerasforecast.report.page import Section, folded, table


def members_section(manifest: Manifest) -> list[Section]:
    """A table of the networks; nothing of a model of one that nobody chose."""
    if manifest.selection is not None:
        return [_leaderboard(manifest.selection)]
    if len(manifest.members) == 1:
        return []
    header = ["", "window", "scaling", "share", "parameters"]
    rows = [
        [
            member.network.describe(),
            str(member.network.window),
            scaling_words(member.network),
            f"{member.weight:.1%}",
            f"{member.parameters.saved:,}",
        ]
        for member in manifest.members
    ]
    return [Section("Members", "The forecast is their weighted mean.", table(header, rows), wide=True)]


def board_cells(selection: Selection, *, short: bool = False) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Headings, and a row for each network that was tried, the best first; `short` ones fit a terminal.

    The third are rows for the members' mean, where there are several, and for each model of no networks beside them.
    """
    header = ["", "window", "scaling", "MASE", "CRPS", "weight", *([] if short else ["steps"]), "s"]
    count = sum(each.weight > 0 for each in selection.tried)
    others: list[tuple[str, str, float, float, str]] = []
    if count > 1:
        others.append((f"mean of {count}", "-", selection.mase, selection.crps, "-" if selection.served else "all"))
    for each in selection.beside:  # `theta` and `linear` are names of networks too
        others.append((each.name, "baseline", each.mase, each.crps, "all" if each.name == selection.served else "-"))
    end = ["-"] * (1 if short else 2)
    beside = [[name, "-", what, f"{mase:.3f}", f"{crps:.3f}", share, *end] for name, what, mase, crps, share in others]
    return header, [_row(each, short, selection.served is None) for each in selection.tried], beside


def chosen_line(selection: Selection) -> str:
    """What was decided, and on what, in a sentence or two."""
    judged = ", each judged by shares chosen on the others" if selection.blocks > 1 else ""
    found = (
        f"{selection.text} Chosen on {selection.judged}{judged}: MASE {selection.mase:.3f}, CRPS {selection.crps:.3f}."
    )
    return f"{found} {selection.beside_line}" if selection.beside else found


def _leaderboard(selection: Selection) -> Section:
    header, rows, beside = board_cells(selection)
    chosen = [row for row, each in zip(rows, selection.tried, strict=True) if each.weight > 0]
    note = (
        f"{chosen_line(selection)} MASE and CRPS are in units of the seasonal naive error of training, the CRPS of "
        "intervals from the errors in other blocks."
    )
    count = len(selection.tried)
    more = folded(f"All {count} that were tried", table(header, rows))
    return Section("Members", note, table(header, [*chosen, *beside]), wide=True, after=more)


def _row(each: Tried, short: bool, leaves: bool) -> list[str]:
    scores = ["-" if score is None else f"{score:.3f}" for score in (each.mase, each.crps)]
    share = f"{each.weight:.0%}" if leaves else f"({each.weight:.0%})"  # of a mean that does not leave
    weight = share if each.weight else each.note or "-"
    words = each.model if short else f"{each.model}: {each.words}"
    steps = [] if short else [f"{each.steps:,}"]
    return [words, str(each.window), each.scaling, *scores, weight, *steps, f"{each.seconds:.1f}"]
