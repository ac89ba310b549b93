"""`kerasforecast fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerasforecast.errors import OptionError, flag, shown

from .models import ModelFile
from .options import (
    COMMON,
    SectionedCommand,
    UserPath,
    backend_option,
    fit_options,
    given,
    output_dir_option,
    output_options,
    ray_option,
    skill_option,
)

if TYPE_CHECKING:
    from kerasforecast.model import Model

_NOT_OF_EACH = (
    *("init_from", "update", "freeze", "require_better", "resume", "checkpoint_every", "deterministic"),
    *("tensorboard", "require_skill", "devices"),
)


@click.command(
    cls=SectionedCommand,
    common=(*COMMON, "init_from", "resume"),
    epilog="Example: kerasforecast fit prices.csv --target Close --epochs 30 --name acme",
    short_help="Train a model and write it as a .keras file.",
)
@fit_options
@click.option("--name", help="Name of the model; replaces one of this name. The ticker's or file's when not given.")
@output_dir_option
@click.option(
    "--init-from",
    type=ModelFile(),
    metavar="MODEL",
    help="Start from this model's weights: same network and columns.",
)
@click.option(
    "--update", type=ModelFile(), metavar="MODEL", help="Go on training this model file with newer rows of its data."
)
@click.option(
    "--freeze", metavar="A,B,...", help="Layers that keep the weights they start from, by name or its beginning."
)
@click.option(
    "--require-better",
    type=click.FloatRange(0, 1, min_open=True),
    is_flag=False,
    flag_value="0.05",
    metavar="[P]",
    help="Keep the model it started from, and exit with 4, unless better than it with a p-value below P.",
)
@click.option("--resume", metavar="NAME", help="Go on with the stopped run of this name, with its options and data.")
@click.option(
    "--checkpoint-every",
    type=click.IntRange(1),
    metavar="STEPS",
    help="Save the state after so many steps too.",
)
@click.option("--each", is_flag=True, help="A model of its own for each series of --id, in OUTPUT_DIR/NAME/.")
@ray_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@click.option(
    "--devices", type=click.IntRange(1), metavar="N", help="Devices that share out every batch; with JAX alone."
)
@click.option("--deterministic", is_flag=True, help="Bit-equal runs, on a GPU too: one thread, fixed order of sums.")
@click.option("--tensorboard", type=UserPath(), metavar="DIR", help="Log the training there for TensorBoard.")
@skill_option
@backend_option
@output_options
def fit(
    name: str | None,
    output_dir: Path,
    init_from: Path | None,
    update: Path | None,
    freeze: str | None,
    require_better: float | None,
    resume: str | None,
    checkpoint_every: int | None,
    each: bool,
    ray: str | None,
    threads: int | None,
    devices: int | None,
    deterministic: bool,
    tensorboard: Path | None,
    require_skill: float | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train a model on FILE, a ticker, or the embedded IBM prices, and score it beside the simple baselines.

    FILE is a table with a date column and a column to forecast (Close, unless --target names another). The model goes
    to OUTPUT_DIR/NAME.keras; its report, scores, history and test forecasts into OUTPUT_DIR/NAME/.
    """
    if each:
        _fit_each(dict(locals()))
        return
    import kerasforecast
    from kerasforecast.runtime.memory import one_arena

    one_arena()
    model = kerasforecast.fit(
        options.pop("file"),
        **given(options),
        name=name,
        output_dir=output_dir,
        init_from=init_from,
        update=update,
        freeze=tuple(part.strip() for part in (freeze or "").split(",") if part.strip()),
        require_better=require_better,
        resume=resume,
        checkpoint_every=checkpoint_every,
        progress=not quiet,
        tensorboard=tensorboard,
        backend=backend,
        threads=threads,
        deterministic=deterministic,
        ray=ray,
        devices=devices,
    )

    _print(model, as_json, quiet)
    if require_skill is not None and model.test:
        model.test.require_skill(require_skill)
    if lineage := model.manifest.lineage:
        lineage.require_better()


def _print(model: Model, as_json: bool, quiet: bool) -> None:
    from .output import print_fit, print_json

    if as_json:
        print_json(_as_json(model))
    else:
        print_fit(model, model.files, quiet=quiet)


def _fit_each(given_all: dict[str, Any]) -> None:
    """Train a model of each series by the arguments of the command; those that it cannot heed are refused."""
    import kerasforecast
    from kerasforecast.runtime.memory import one_arena

    from .output import print_json, print_wrapped

    one_arena()
    for option in _NOT_OF_EACH:
        if value := given_all[option]:
            raise OptionError(f"{flag(option)} has no effect with --each. Received: {shown(value)}. Leave it out.")
    options = given_all["options"]
    found = kerasforecast.fit_each(
        options.pop("file"),
        **given(options),
        name=given_all["name"],
        output_dir=given_all["output_dir"],
        ray=given_all["ray"],
        progress=not given_all["quiet"],
        backend=given_all["backend"],
        threads=given_all["threads"],
    )
    if given_all["as_json"]:
        rows = found.table.astype(object)
        print_json(rows.where(rows.notna(), None).to_dict("records"))
        return
    print_wrapped(f"{found.summary}.")
    click.echo(f"{found.folder}/ (each.csv and a .keras file for each series)")


def _as_json(model: Model) -> dict[str, Any]:
    """The content of `metrics.json`, what became of a parent and of the scored weights, and the files."""
    known = model.manifest.model_dump(
        mode="json", include={"metrics", "lineage", "final"}, exclude={"lineage": {"learned"}}
    )
    more = {key: known[key] for key in ("lineage", "final") if known[key] is not None}
    return {**known["metrics"], **more, "files": {key: str(path) for key, path in model.files.items()}}
