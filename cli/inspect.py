"""`kerasforecast inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .models import ModelFile
from .options import backend_option, output_options

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.model import Model


@click.command(
    epilog="Example: kerasforecast inspect saved_models/ibm.keras",
    short_help="What a model file is, where it came from, how it scored; and check it.",
)
@click.argument("model", type=ModelFile())
@backend_option
@output_options
def inspect(model: Path, backend: str | None, as_json: bool, quiet: bool, debug: bool) -> None:
    """Check the model file MODEL (structure, hashes, golden batch) and print what it says of itself."""
    from .output import print_json
    from .use import open_model

    loaded = open_model(model, backend)

    manifest = loaded.manifest
    if as_json:
        golden = {"golden_error": loaded.golden_error()} if manifest.in_graph else {}
        print_json(manifest.model_dump(mode="json") | {"checks": {"hashes": True} | golden})
        return
    _print(loaded)
    if manifest.in_graph:
        click.echo(f"checked     hashes match; golden batch met within {loaded.golden_error():.1g} scaled units")


def _print(model: Model) -> None:
    from kerasforecast.errors import printable

    manifest = model.manifest
    for label, text in [*_lines(manifest), *_layers(model)]:
        click.echo(f"{label:<11} {printable(text)}")
    if manifest.metrics:
        from kerasforecast.evaluation.verdict import judged

        from .output import print_scores

        scores = manifest.metrics.test.model_dump()
        print_scores(scores, judged(scores), f"Test on {manifest.target}", model.interval_note)


def _layers(model: Model) -> list[tuple[str, str]]:
    """The layers with weights, where the network is Keras': an ONNX file has nodes."""
    from kerasforecast.forecasting.onnx_predictor import OnnxPredictor

    if isinstance(model.predictor, OnnxPredictor) or not model.manifest.in_graph:
        return []
    from kerasforecast.models.network import weighted_layers

    return [("layers", ", ".join(layer.name for layer in weighted_layers(model.predictor.network)))]


def _roles(manifest: Manifest) -> str:
    roles = manifest.roles
    named = (("past", roles.past), ("known", roles.known), ("static", roles.static))
    return "; ".join([f"forecasts {roles.target}", *(f"{role} {', '.join(names)}" for role, names in named if names)])


def _members(manifest: Manifest) -> list[tuple[str, str]]:
    """A line for each of several networks."""
    from kerasforecast.models.member import scaling_words

    if len(manifest.members) == 1:
        return []
    return [
        (
            f"  {member.weight:>5.1%}",
            f"{member.network.describe()}, window {member.network.window}, {scaling_words(member.network)}, "
            f"{member.parameters.saved:,} parameters",
        )
        for member in manifest.members
    ]


def _lines(manifest: Manifest) -> list[tuple[str, str]]:
    from kerasforecast.models.member import describe

    data, training = manifest.data, manifest.training if len(manifest.members) == 1 else None
    scalings = ", ".join(dict.fromkeys(member.network.scaling for member in manifest.members))
    lines = [
        ("name", manifest.name),
        (
            "made",
            f"{manifest.created} by kerasforecast {manifest.versions.get('kerasforecast')}, "
            f"{manifest.backend} on {manifest.device}",
        ),
        (
            "network",
            f"{describe(manifest.members)}, window {manifest.window}, horizon {manifest.horizon}, scaling {scalings}",
        ),
        *_members(manifest),
        ("columns", _roles(manifest)),
        ("parameters", f"{manifest.parameters.trained:,} trained, {manifest.parameters.saved:,} saved"),
    ]
    if data:
        series = f"{data.series:,} series, " if data.series > 1 else ""
        lines.append(
            (
                "data",
                f"{data.source} {data.location}: {series}{data.rows:,} rows, {data.start} to {data.end}, "
                f"sha256 {data.sha256[:12]}",
            )
        )
        lines += [
            (f"  {part}", f"{record.windows:,} windows, targets {record.start} to {record.end}")
            for part, record in data.split.items()
        ]
    if lineage := manifest.lineage:
        steps = f"{lineage.steps:,} steps later" if lineage.kept == "child" else "whose weights were kept"
        frozen = f", without {', '.join(lineage.frozen)}" if lineage.frozen else ""
        lines.append(("parent", f"{lineage.parent}, {steps}{frozen}; weights sha256 {lineage.weights[:12]}"))
        lines += [("", lineage.test.text)] if lineage.test else []
    if manifest.study:
        lines.append(("study", f"{manifest.study.study}: {manifest.study.line}"))
    if training and manifest.members[0].network.family.trained:
        state = "complete" if training.complete else "a checkpoint: training was not complete"
        lines.append(
            (
                "training",
                f"epoch {training.best_epoch} of {training.epochs}, validation loss "
                f"{training.best_val_loss:.4f}; {state}",
            )
        )
    if manifest.final:
        lines.append(("final", manifest.final.line))
    return lines
