"""The model of a choice in which a classical model was better on validation than all networks: that model, scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from kerasforecast.artifact.data_record import data_record
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.recorder import roles_of
from kerasforecast.artifact.selection import Selection
from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.served import HistoryPredictor
from kerasforecast.config import Config
from kerasforecast.evaluation.cold_start import evaluate_parts
from kerasforecast.evaluation.evaluation import metrics_of
from kerasforecast.evaluation.frame import Frame
from kerasforecast.evaluation.leaving import Leaving
from kerasforecast.forecasting.adaptive import adapted_after
from kerasforecast.forecasting.fitting import scaled_member
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.runtime.backend import versions
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked


def in_points(config: Config) -> Config:
    """The configuration of a model without quantiles or dropout of its own: its intervals start from its forecast."""
    evaluation = config.evaluation.model_copy(update={"levels": config.levels, "mc_dropout": 0})
    network = config.network.model_copy(update={"quantiles": ()})
    return config.model_copy(update={"evaluation": evaluation, "network": network})


def served(method: str, frame: Frame, name: str, selection: Selection, others: Mapping[str, Predictor]) -> Leaving:
    """The classical model, its intervals learned from validation and its scores from test.

    Args:
        method: Its name, as `--baselines` has it.
        frame: Of the fit; its configuration is one `in_points`.
        name: The model's.
        selection: How it was chosen.
        others: What is to be scored beside it, by name.
    """
    config, panel, split = frame.config, frame.panel, frame.split
    options = {"method": method, "season": frame.baselines.period}
    asked = {"model": "classical", "window": split.window, "horizon": split.horizon, "options": options}
    asked |= {"lower_bound": config.network.lower_bound}
    member = scaled_member(checked(NetworkConfig, asked), panel, split)
    predictor = HistoryPredictor([member])
    forecaster = _forecaster(predictor, frame)
    beside = partial(_beside, method, frame, others)
    test = evaluate_parts(forecaster, frame.parts, frame.baselines, split, beside)
    manifest = Manifest.of(
        name,
        config,
        roles_of(panel),
        [MemberRecord.of(member)],
        data=data_record(panel, split),
        golden=None,
        metrics=metrics_of(test, panel.target, None),
        baselines=frame.baselines,
        calibration=forecaster.calibration,
        adapted=adapted_after(frame.parts.seen, test.adapted),
        selection=selection,
    )
    manifest = manifest.updated(versions=manifest.versions | versions("statsforecast"))
    return Leaving(manifest, [], predictor, None, test)


def _forecaster(predictor: Predictor, frame: Frame) -> Forecaster:
    return frame.forecaster(predictor).calibrated(replace(frame.checked, window=predictor.window))


def _beside(method: str, frame: Frame, others: Mapping[str, Predictor], windows: Windows) -> dict[str, Forecast]:
    """Forecasts of the other classical models that were asked for, and of the networks."""
    names = tuple(each for each in frame.config.evaluation.baselines if each != method)
    asked = frame.config.evaluation.model_copy(update={"baselines": names})
    config = frame.config.model_copy(update={"evaluation": asked})
    found = classical_forecasts(config, windows, frame.split.edges[:, 2], frame.baselines)
    for name, predictor in others.items():
        own = replace(windows, window=predictor.window)
        found[name] = _forecaster(predictor, frame).in_sequence(own)[0]
    return found
