"""The `kerasforecast` command. Neither Keras nor pandas is imported before a command runs."""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from typing import Any

import click

import kerasforecast
from kerasforecast.errors import KerasForecastError, flags_wanted, printable
from kerasforecast.runtime.terminal import lose, say

from .imported import Imported

_MODULES = {
    **{"fit": "fit", "tune": "tune", "predict": "use", "evaluate": "use", "explain": "explain"},
    **{"backtest": "backtest", "compare": "compare", "inspect": "inspect", "report": "report", "doctor": "doctor"},
    **{"data": "data", "import-torch": "exchange", "import-keras": "exchange", "export": "exchange"},
    **{"shrink": "shrink", "drift": "drift", "serve": "serve"},
}


class _Teller(logging.Handler):
    """What the library logs, as lines for a person."""

    def emit(self, record: logging.LogRecord) -> None:
        say(printable(record.getMessage()))


class Commands(click.Group):
    """Turns every failure into one line on stderr and the exit code that its kind has."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        """Run, and exit with 0, or with what the error says."""
        arguments = kwargs.get("args") or (args[0] if args else None) or sys.argv[1:]
        debug = "--debug" in arguments
        logger, teller = logging.getLogger("kerasforecast"), _Teller()
        level = logger.level
        logger.setLevel(logging.ERROR if {"--quiet", "-q"} & set(arguments) else logging.INFO)
        logger.addHandler(teller)
        try:
            with flags_wanted():
                code = super().main(*args, standalone_mode=False, **kwargs)  # type: ignore[call-overload]
        except KerasForecastError as error:
            code = _failed(str(error), error.exit_code, debug)
        except click.exceptions.NoArgsIsHelpError as error:  # a group named alone: its help is the answer
            error.show()
            code = 2
        except click.ClickException as error:
            code = _failed(error.format_message(), 2, debug)
        except (click.exceptions.Abort, KeyboardInterrupt):  # not as a program: there no signal raises anything
            code = _failed("Stopped; nothing was left half-written.", 130, debug)
        except BrokenPipeError:
            lose(sys.stdout)
            code = 0  # the reader of our output had enough
        except MemoryError:
            code = _failed("The machine ran out of memory. Use a smaller --batch-size or --units.", 1, debug)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            code = _failed(f"This is a fault in kerasforecast; run again with --debug and report it. {text}", 1, debug)
        finally:
            logger.setLevel(level)
            logger.removeHandler(teller)
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


@click.group(
    cls=Commands,
    commands=Imported(_MODULES),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Example: kerasforecast fit prices.csv --name acme; kerasforecast predict saved_models/acme.keras",
)
@click.version_option(kerasforecast.__version__, prog_name="kerasforecast")
@click.pass_context
def cli(context: click.Context) -> None:
    """Honest forecasting of prices and other regular series with portable Keras models."""
    if context.invoked_subcommand != "predict":  # which says itself when it runs for long
        gc.enable()


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    say(f"error: {printable(message)}")
    return code
