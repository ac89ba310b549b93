"""What a network is built for; see the package's docstring."""

from typing import Literal

Role = Literal["training", "inference", "sampling", "export"]
