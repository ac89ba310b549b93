"""The exception tree: exit codes, and messages that stay on one printable line."""

import inspect
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast import errors
from kerasforecast.errors import (
    InputError,
    KerasForecastError,
    StoppedError,
    addressed,
    callers_words,
    flags_wanted,
    printable,
    shown,
    whole_number,
)

EXIT_CODES = {
    "KerasForecastError": 1,
    "InputError": 2,
    "OptionError": 2,
    "DataError": 2,
    "BackendError": 2,
    "ArtifactError": 2,
    "LockedError": 1,
    "DivergedError": 3,
    "SkillError": 4,
}


def _own_errors():
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, KerasForecastError) and kind.__module__ == errors.__name__
    }


def test_every_kind_of_failure_has_its_exit_code():
    codes = {name: kind("x").exit_code for name, kind in _own_errors().items() if kind is not StoppedError}
    assert codes == EXIT_CODES


@pytest.mark.parametrize(("signal_number", "code"), [(2, 130), (15, 143)])
def test_a_stopped_run_exits_as_shells_expect(signal_number, code):
    assert StoppedError("stopped", signal_number=signal_number).exit_code == code


def test_ctrl_c_is_the_signal_unless_told_otherwise():
    assert StoppedError("stopped").exit_code == 130


def test_wrong_input_is_also_a_value_error_and_a_failed_run_is_not():
    kinds = {name for name, kind in _own_errors().items() if issubclass(kind, ValueError)}
    assert kinds == {"InputError", "OptionError", "DataError", "BackendError", "ArtifactError"}


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = {}
    stack = []
    for line in errors.__doc__.splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+Error)\b", line):
            depth = len(found[1]) // 4
            del stack[depth:]
            drawn[found[2]] = stack[-1] if stack else "Exception"
            stack.append(found[2])
    assert drawn == {name: kind.__bases__[0].__name__ for name, kind in _own_errors().items()}


def test_the_codes_in_the_docstring_are_the_codes():
    for name, code in re.findall(r"(\w+Error) +exit (\d+)", errors.__doc__):
        kind = _own_errors()[name]
        assert kind("x").exit_code == int(code)


@pytest.mark.parametrize("kind", [InputError, StoppedError])
def test_errors_survive_pickling_as_worker_processes_need(kind):
    error = kind("a message")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.exit_code) == (kind, "a message", error.exit_code)


def test_a_stopped_error_keeps_its_signal_through_pickling():
    copy = pickle.loads(pickle.dumps(StoppedError("stopped", signal_number=15)))
    assert copy.exit_code == 143


@given(st.text(st.characters()))  # surrogates and control characters too
def test_a_message_is_always_one_printable_line(text):
    message = str(KerasForecastError(text))
    assert message.isprintable()
    assert len(message.splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_is_left_as_it_is(text):
    assert printable(text) == text


def test_a_terminal_cannot_be_driven_through_a_message():
    assert printable("prices\x1b[2J\r\nline\u202etxt\x00") == "prices\\x1b[2J line\\u202etxt\\x00"


@given(st.one_of(st.text(), st.binary(), st.lists(st.integers())), st.integers(4, 80))
def test_a_received_value_is_cut_to_the_limit(value, limit):
    text = shown(value, limit)
    assert len(text) <= limit
    assert text == repr(value) or (text.endswith("...") and repr(value).startswith(text[:-3]))


IN_PYTHON = {
    "--date-column: input should be a valid string.": "date_column: input should be a valid string.",
    "Use --missing drop to skip such rows (or ffill).": "Use missing='drop' to skip such rows (or ffill).",
    "--start must lie before --end.": "start= must lie before end=.",
    "Lower --learning-rate or set --clipnorm 5.": "Lower learning_rate= or set clipnorm=5.",
    "Use --end 2020-01-02 to accept such rows.": "Use end='2020-01-02' to accept such rows.",
    "give --date-format '%d.%m.%Y'.": "give date_format='%d.%m.%Y'.",
    "use --target 'Adj Close'": "use target='Adj Close'",
    "try --scaling anchor, or --no-refit": "try scaling='anchor', or refit=False",
    "Received: --offline.": "Received: offline=True.",
    "Give a FILE or --ticker.": "Give data= or ticker=.",
    "Give fewer --folds or a larger part.": "Give fewer folds= or a larger part.",
    "--resume acme.v2 goes on from there.": "resume='acme.v2' goes on from there.",
    "threads: --threads 2.": "threads: threads=2.",
    # What the user wrote, what is typed into a shell, and what has no argument stay as they are.
    "Received: '--target'.": "Received: '--target'.",
    "Run `kerasforecast data fetch A --interval 1d` first.": "Run `kerasforecast data fetch A --interval 1d` first.",
    "run again with --debug": "run again with --debug",
    "gunicorn: without --preload": "gunicorn: without --preload",
    "a -- b --- c well--known": "a -- b --- c well--known",
}


@pytest.mark.parametrize(("flags", "arguments"), IN_PYTHON.items())
def test_options_are_named_as_the_caller_writes_them(flags, arguments):
    with pytest.raises(errors.OptionError) as caught, callers_words():
        raise errors.OptionError(flags)
    assert str(caught.value) == arguments
    with pytest.raises(errors.OptionError) as caught, flags_wanted(), callers_words():
        raise errors.OptionError(flags)
    assert str(caught.value) == flags


def test_every_word_that_an_option_takes_is_known_as_its_value():
    from kerasforecast_cli.options import words

    from kerasforecast.sections.data import DataConfig
    from kerasforecast.sections.network import NetworkConfig

    for model, option in ((DataConfig, "missing"), (DataConfig, "duplicates"), (NetworkConfig, "scaling")):
        for word in set(words(model.model_fields[option])) - {"error", "none"}:  # those are no remedy
            assert addressed(f"--{option} {word}") == f"{option}='{word}'"


def test_columns_and_series_are_named_as_arguments():
    text = "Use --id Name --series AAL to take one of them, or give --target NAME."
    assert addressed(text) == "Use id='Name' series='AAL' to take one of them, or give target='NAME'."
    quoted = "fit needs --id 'Short Name' --series 'Coca Cola', one of several series."
    assert addressed(quoted) == "fit needs id='Short Name' series='Coca Cola', one of several series."
    assert addressed("fit needs --id A,B --series 1,7, one of several series.") == (
        "fit needs id='A,B' series='1,7', one of several series."
    )


@given(st.text())
def test_a_text_without_flags_stays_as_it_is(text):
    if "--" not in text and "a FILE" not in text:
        assert addressed(text) == text


def test_a_list_of_the_command_line_is_shown_as_it_was_typed():
    with flags_wanted():
        assert shown(("2", "0.5")) == "'2,0.5'"
        assert shown((2, 0.5)) == "(2, 0.5)"
    assert shown(("2",)) == "('2',)"


@pytest.mark.parametrize("value", [3, True + 2, np.int64(3), np.uint8(3)])
def test_whole_numbers_are_python_s_and_numpy_s(value):
    number = whole_number("--steps", value)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [2.5, 3.0, "3", None, True, np.float64(3), 0, -1, np.int8(-3), math.nan])
def test_what_is_no_whole_number_is_refused_in_one_line(value):
    with pytest.raises(errors.OptionError) as caught:
        whole_number("--steps", value)
    assert str(caught.value) == f"--steps must be a whole number, 1 or more. Received: {shown(value)}."
