"""`python -m kerasforecast_cli`."""

from .main import cli

cli(prog_name="kerasforecast")
