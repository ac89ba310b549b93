"""Writing the file of a model that is no network, which `kerasforecast.artifact.reader` reads: a manifest alone."""

from __future__ import annotations

from pathlib import Path

from kerasforecast.artifact.format.archive import MANIFEST, pack
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.runtime.files import atomic_write, json_text


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write it atomically.

    Args:
        path: Ends in `.keras`; replaced only when the new file is complete.
        manifest: Of the model.
    """
    atomic_write(path, pack({MANIFEST: json_text(manifest.model_dump(mode="json")).encode()}))
