"""How the training of a model went, as its file tells."""

from __future__ import annotations

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.training.history import Epoch, History


def history_of(manifest: Manifest) -> History | None:
    """How the training of a model went, as its manifest tells; `None` where it has no epochs."""
    record = manifest.training
    if record is None or not record.history:
        return None
    epochs = tuple(Epoch(**epoch.model_dump()) for epoch in record.history)
    return History(epochs, record.best_epoch, record.stopped_early)
