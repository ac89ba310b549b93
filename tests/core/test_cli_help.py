"""The command line before any work is done: help and refusals are quick, on one line, and honest."""

import json
import re
import shlex

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast
from kerasforecast.config import SECTIONS
from kerasforecast.errors import OptionError
from kerasforecast.models.families import registry
from tests.core.helpers import BACKENDS, run_command, run_python

UNSET = {"KERAS_BACKEND": None}


def walk(command, path=()):
    """Every command with the words that call it, groups and their commands too."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


COMMANDS = dict(walk(cli))
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


def named(paths):
    return [pytest.param(path, id=" ".join(path) or "kerasforecast") for path in paths]


@pytest.fixture
def help_of():
    """What `--help`, or what is asked for in its place, prints."""

    def printed(*path):
        words = path if path and path[-1].startswith("--") else (*path, "--help")
        return CliRunner().invoke(cli, words, catch_exceptions=False).output

    return printed


def test_the_commands_others_rely_on_are_there():
    expected = {"fit", "predict", "evaluate", "backtest", "compare", "inspect", "report", "doctor", "data"}
    expected |= {"import-torch", "export"}
    assert expected <= set(cli.commands)


@pytest.mark.parametrize("path", named(COMMANDS))
def test_help_loads_neither_keras_nor_pandas_nor_a_backend(path):
    done = run_command(*path, "--help")
    assert done.code == 0, done.err
    assert done.out.startswith(f"Usage: {' '.join(('kerasforecast', *path))} ")
    assert done.heavy == []


def test_the_version_is_quick_too():
    done = run_command("--version")
    assert (done.code, done.heavy) == (0, [])
    assert done.out == f"kerasforecast, version {kerasforecast.__version__}\n"


def test_what_is_loaded_is_seen_by_these_tests():
    assert run_python("import pandas").heavy == ["pandas"]
    assert run_python("import keras", hidden=BACKENDS).heavy == ["keras"]


@pytest.mark.parametrize("path", named(COMMANDS))
def test_help_shows_an_example(path, help_of):
    assert re.search(r"^ *Examples?: kerasforecast ", help_of(*path), re.MULTILINE)


def examples():
    for path, command in COMMANDS.items():
        text = " ".join(command.epilog.split()).partition(": ")[2]
        for line in re.split(r"[;|]", text):
            yield pytest.param(line.strip(), id=f"{' '.join(path) or 'kerasforecast'}: {line.strip()}")


@pytest.mark.parametrize("line", list(examples()))
def test_every_example_is_a_command_line_that_parses(line):
    words = shlex.split(line.partition(" >")[0])
    while words and words[0] != "kerasforecast":  # KERAS_BACKEND=jax kerasforecast ...
        assert "=" in words.pop(0)
    words, command = words[1:], cli
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)  # raises on an unknown option or a missing argument


@pytest.mark.parametrize("path", named(COMMANDS))
def test_help_fits_a_terminal_and_explains_every_option(path, help_of):
    assert max(len(line) for line in help_of(*path).splitlines()) <= 110
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts[0]} has no help"


@pytest.mark.parametrize("path", named(COMMANDS))
def test_no_two_options_of_a_command_share_a_flag(path):
    flags = [flag for option in COMMANDS[path].params for flag in (*option.opts, *option.secondary_opts)]
    assert sorted(set(flags)) == sorted(flags)


SECTIONED = named([("fit",), ("predict",), ("evaluate",), ("backtest",), ("compare",)])


@pytest.mark.parametrize("path", SECTIONED)
def test_help_is_a_page_of_what_people_use_and_help_all_the_rest(path, help_of):
    few, everything = help_of(*path), help_of(*path, "--help-all")
    assert len(few.splitlines()) <= 48
    options = [option for option in COMMANDS[path].params if isinstance(option, click.Option)]
    assert f"Show all {len(options)} options." in " ".join(few.split())
    assert "--help " in few
    for option in options:
        assert re.search(rf"{option.opts[0]}\b", everything), option.opts
    assert set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", few, re.MULTILINE)) < set(
        re.findall(r"^  (?:-\w, )?(--[a-z-]+)", everything, re.MULTILINE)
    )


def test_help_all_loads_nothing_either():
    done = run_command("fit", "--help-all")
    assert (done.code, done.heavy) == (0, [])


def test_the_package_runs_as_a_module():
    done = run_python(
        "import runpy, sys\nsys.argv = ['', '--version']\nrunpy.run_module('kerasforecast', run_name='__main__')"
    )
    assert done.out == f"kerasforecast, version {kerasforecast.__version__}\n"


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
@pytest.mark.parametrize(
    "arguments", [["data", "check", "FILE"], ["data", "check", "FILE", "--json"]], ids=["text", "json"]
)
def test_a_column_outside_the_terminal_s_encoding_is_shown_as_escapes(arguments, encoding, tmp_path):
    index = pd.bdate_range("2020-01-01", periods=30)
    table = pd.DataFrame({"Date": index, "Цена株💩": 100 + np.sin(np.arange(30))})
    table.to_csv(tmp_path / "t.csv", index=False)
    words = [str(tmp_path / "t.csv") if word == "FILE" else word for word in arguments]
    code = "from kerasforecast_cli.__main__ import main; main()"
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run_python(code, *words, "--target", "Цена株💩", **environment)
    assert done.code == 0, done.err
    assert "fault" not in done.err
    if "--json" in words:
        assert "Цена株💩" in json.dumps(json.loads(done.out), ensure_ascii=False)
    else:
        assert r"\u0426\u0435\u043d\u0430\u682a\U0001f4a9" in done.out + done.err


def test_a_wrong_path_of_a_model_is_refused_before_a_backend_loads(tmp_path):
    for command in ("predict", "evaluate", "inspect"):
        done = run_command(command, str(tmp_path / "nosuch.keras"), KERAS_HOME=str(tmp_path), **UNSET)
        assert (done.code, done.out) == (2, "")
        assert "no such model file" in done.err or "A backend must be installed" in done.err
        assert not done.loaded & {"keras", *BACKENDS}


@pytest.mark.parametrize(
    ("quantiles", "advice"),
    [("5,50,95", "write 0.05,0.5,0.95"), ("2.5,97.5", "write 0.025,0.975"), ("90", "write 0.9")],
)
def test_levels_in_percent_are_answered_with_what_to_write(quantiles, advice):
    for option in ("--quantiles", "--levels"):
        result = CliRunner().invoke(cli, ["fit", option, quantiles])
        assert result.exit_code == 2
        assert result.stderr.rstrip().endswith(f"; {advice}. Received: {quantiles!r}.")


@pytest.mark.parametrize("path", named(LEAVES))
def test_every_command_has_json_quiet_and_debug(path):
    flags = {flag for option in LEAVES[path].params for flag in option.opts}
    assert {"--json", "--quiet", "--debug"} <= flags


@pytest.mark.parametrize(
    "path", named([("fit",), ("predict",), ("evaluate",), ("backtest",), ("compare",), ("inspect",), ("doctor",)])
)
def test_commands_that_compute_take_a_backend(path, help_of):
    assert "--backend [jax|tensorflow|torch]" in help_of(*path)


@pytest.mark.parametrize("section", SECTIONS)
def test_fit_has_a_flag_for_every_option_with_its_default_and_choices(section, help_of):
    text = " ".join(help_of("fit", "--help-all").split())
    fields = SECTIONS[section].model_fields.copy()
    if fields.pop("options", None):  # those of the families stand beside it
        for name, having in registry.options().items():
            if len({field.default for field in having.values()}) == 1:
                fields[name] = next(iter(having.values()))
            else:
                each = ", ".join(f"{field.default} for {family}" for family, field in having.items())
                assert f"[default: {each}]" in text
    for name, field in fields.items():
        if name == "file":
            continue  # the argument FILE
        flag = f"--{name.replace('_', '-')}"
        assert re.search(rf"{flag}\b", text), flag
        if field.default not in (None, (), True, False):
            values = field.default if isinstance(field.default, tuple) else (field.default,)
            assert f"[default: {','.join(map(str, values))}]" in text


def test_what_is_typed_reaches_the_config_checked(tmp_path):
    """`--epochs` is text to click; its bounds are the config's, so Python gives the same message of `epochs`."""
    with pytest.raises(OptionError) as caught:
        kerasforecast.fit(epochs="many")
    done = CliRunner().invoke(cli, ["fit", "--epochs", "many", "--output-dir", str(tmp_path)])
    assert done.stderr == f"error: --{caught.value}\n"


WRONG = {
    "an unknown command": (["fitt"], "fitt"),
    "an unknown option": (["fit", "--epoch", "3"], "--epoch"),
    "no such choice": (["fit", "--loss", "mape"], "'mape' is not one of 'mse', 'mae', 'huber'"),
    "a word for a number": (["fit", "--epochs", "many"], "--epochs: input should be a valid integer"),
    "out of bounds": (["fit", "--window", "1"], "--window: input should be greater than or equal to 2"),
    "two sources": (["fit", "a.csv", "--ticker", "AAPL"], "give a FILE or --ticker, not both"),
    "a value missing": (["fit", "--epochs"], "--epochs"),
    "one argument too many": (["inspect", "a.keras", "b.keras"], "b.keras"),
    "no argument": (["inspect"], "MODEL"),
    "no such backend": (["fit", "--backend", "numpy"], "--backend must be one of jax, tensorflow, torch"),
    "a name that leaves its folder": (["import-torch", "w.pt"], "--out"),
    "low above high": (["import-torch", "w.pt", "--out", "m.keras", "--minmax", "5", "1"], "LOW below HIGH"),
    "control characters": (["fit", "--epochs", "\x1b[2J\n3"], "\\x1b[2J"),
}


@pytest.mark.parametrize(("arguments", "named"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_one_line_exit_code_2_and_loads_nothing(arguments, named, tmp_path):
    done = run_command(*arguments, KERAS_HOME=str(tmp_path), **UNSET)
    assert done.code == 2, done.err
    assert done.out == ""
    line = done.err.removesuffix("\n")
    assert line.isprintable(), line
    assert line.lower().startswith("error: ")
    assert named.lower() in line.lower()
    assert done.heavy == []


@pytest.mark.parametrize(
    ("command", "wanted"), [(["fit"], "jax"), (["predict", "m.keras"], "tensorflow"), (["doctor"], "torch")]
)
def test_an_absent_backend_is_one_line_with_the_extra_to_install(command, wanted, tmp_path):
    done = run_command(*command, "--backend", wanted, hidden=BACKENDS, KERAS_HOME=str(tmp_path), **UNSET)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert f'pip install "kerasforecast[{wanted}]"' in done.err


def test_without_any_backend_a_fit_says_what_to_install(tmp_path):
    done = run_command(
        "fit", "--output-dir", str(tmp_path / "models"), hidden=BACKENDS, KERAS_HOME=str(tmp_path), **UNSET
    )
    assert done.code == 2
    assert done.err.startswith("error: A backend must be installed.")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["../ibm", "a/b", "con", ".hidden", "x" * 101])
def test_a_name_that_is_none_is_refused_before_anything_is_made(name, tmp_path, stub_backend):
    done = CliRunner().invoke(cli, ["fit", "--name", name, "--output-dir", str(tmp_path / "models")])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --name must be ")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stub_backend(monkeypatch):
    """As if a backend were installed and chosen; nothing is loaded."""
    from kerasforecast.runtime import backend, determinism

    monkeypatch.setattr(determinism, "activate", lambda requested=None: backend.Choice("jax", "a test"))


def test_debug_shows_where_it_failed_and_exits_the_same():
    done = run_command("fit", "--window", "1", "--debug")
    assert done.code == 2
    assert "Traceback (most recent call last)" in done.err
    assert done.err.splitlines()[-1].startswith("error: --window: ")


def test_json_leaves_stdout_empty_when_it_fails():
    done = run_command("fit", "--window", "1", "--json")
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("path", named(sorted(COMMANDS.keys() - LEAVES.keys())))
def test_a_group_alone_shows_its_help_and_not_an_error(path):
    done = run_command(*path)
    assert done.code in (0, 2)  # before click 8.2, and since
    assert "Usage: kerasforecast" in done.out + done.err
    assert "error:" not in done.err
    assert len((done.out + done.err).splitlines()) > 5
