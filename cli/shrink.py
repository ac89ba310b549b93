"""`kerasforecast shrink`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from .models import ModelFile
from .options import UserPath, backend_option, output_options


@click.command(
    epilog="Example: kerasforecast shrink saved_models/ibm.keras --distill gru:16",
    short_help="Make a model smaller, and see what that costs.",
)
@click.argument("model", type=ModelFile())
@click.argument("file", type=UserPath(), required=False)
@click.option("--distill", metavar="FAMILY[:UNITS]", help="Teach a small network what MODEL forecasts: gru:16, linear.")
@click.option("--prune", type=float, metavar="SHARE", help="Take hidden units out, e.g. 0.5, and train what is left.")
@click.option("--int8", is_flag=True, help="Write it as ONNX with matrices of 8 bits; needs the extra onnx.")
@click.option("--out", type=UserPath(), help="The file to write; beside MODEL, by its name, when not given.")
@backend_option
@output_options
def shrink(
    model: Path,
    file: Path | None,
    distill: str | None,
    prune: float | None,
    int8: bool,
    out: Path | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make the model file MODEL smaller, and score both on its test part, intervals calibrated anew.

    FILE is the data it was trained on, where that is no longer where it was.
    """
    import kerasforecast

    from .output import print_json, print_wrapped

    found = kerasforecast.shrink(model, out, distill=distill, prune=prune, int8=int8, data=file, backend=backend)
    if as_json:
        print_json(asdict(found) | {"path": str(found.path)})
        return
    rows = [("", model.name, found.path.name)]
    before, after = found.before, found.after
    rows.append(("bytes", f"{before.bytes:,}", f"{after.bytes:,} ({after.bytes / before.bytes:.0%})"))
    rows.append(("of its numbers", f"{before.weights:,}", f"{after.weights:,} ({after.weights / before.weights:.0%})"))
    rows.append(("numbers", f"{before.parameters:,}", f"{after.parameters:,}"))
    rows += [
        (f"ms for {count:,}", f"{each:.3g}", f"{after.milliseconds[count]:.3g}")
        for count, each in before.milliseconds.items()
    ]
    rows += [(name, _number(getattr(before, name.lower())), _number(getattr(after, name.lower()))) for name in _SCORES]
    rows += [
        (f"in {float(level):.0%} interval", _share(each), _share(after.coverage.get(level)))
        for level, each in before.coverage.items()
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        click.echo(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}")
    if not quiet:
        print_wrapped(found.lost)
        if found.note:
            print_wrapped(found.note)


_SCORES = ("MASE", "CRPS")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
