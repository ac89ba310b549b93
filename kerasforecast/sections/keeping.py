"""What a choice among networks (`--model auto`) keeps of what a user fixed, for the networks that it tries."""

from __future__ import annotations

from typing import Any

from kerasforecast.errors import OptionError
from kerasforecast.models.families import registry
from kerasforecast.sections.network import NetworkConfig, not_of
from kerasforecast.sections.section import checked
from kerasforecast.sections.training import TrainingConfig

KEPT = "kept"
# The same for all networks that are joined, or for the fit as a whole: nothing to be tried.
_SHARED = ("model", "horizon", "quantiles", "options", KEPT)
_OF_THE_FIT = ("seed", "final", "sample")


def chooses(network: dict[str, Any]) -> bool:
    """Whether options of a network ask for a choice among networks."""
    name = network.get("model", NetworkConfig.model_fields["model"].default)
    return registry.family(name).chooses


def keeping(network: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """The options of a choice, with what it is to keep of those `network` and `training` options that were given.

    Args:
        network: By name; those of families among them.
        training: By name.

    Raises:
        OptionError: No network can have the value given.
    """
    family = registry.family(network["model"])
    if KEPT in network:  # one that was sorted before, and says itself
        return network
    own = {name: value for name, value in network.items() if name in family.options.model_fields}
    common = {name: value for name, value in network.items() if name in NetworkConfig.model_fields}
    theirs = {name: value for name, value in network.items() if name not in own and name not in common}
    kept = {name: _value(name, value) for name, value in theirs.items()}
    for section, given, shared in ((NetworkConfig, common, _SHARED), (TrainingConfig, training, _OF_THE_FIT)):
        parsed = checked(section, {name: value for name, value in given.items() if name != "model"})
        kept |= {name: getattr(parsed, name) for name in given if name not in shared}
    return common | own | {KEPT: kept}


def _value(name: str, value: Any) -> Any:
    """An option of families as those have it; of several with bounds of their own any that takes it will do."""
    having = registry.options().get(name, {})
    if not having:
        raise OptionError(not_of(registry.family("auto"), name, value))
    fault: OptionError | None = None
    for each in having:
        try:
            return getattr(checked(registry.family(each).options, {name: value}), name)
        except OptionError as error:
            fault = fault or error
    raise fault or OptionError(not_of(registry.family("auto"), name, value))
