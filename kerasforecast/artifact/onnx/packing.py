"""A manifest in few bytes, for the metadata of an ONNX file, which take text alone.

As plain text it would be larger than a small network is, and a model is exported to be small.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from kerasforecast.artifact.format.strict_json import SIZE_LIMIT
from kerasforecast.errors import ArtifactError

MANIFEST = "kerasforecast.json.zlib.base64"  # the entry's name, which says how to read it


def packed(text: str) -> str:
    """`text` by zlib, as base64."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(content: bytes, where: str) -> bytes:
    """What `packed` has packed, of a file that may be a stranger's.

    Raises:
        ArtifactError: It is something else, or would be larger than any manifest is.
    """
    try:
        stream = zlib.decompressobj()
        found = stream.decompress(base64.b64decode(content, validate=True), SIZE_LIMIT)
    except (binascii.Error, zlib.error):
        found = b""
    if not found or not stream.eof or stream.unused_data:
        raise ArtifactError(
            f"{where}: its manifest must be whole, of at most {SIZE_LIMIT:,} bytes. Received: something else."
        )
    return found
