"""The exception tree: exit codes, and messages that stay on one printable line."""

import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast import errors
from kerasforecast.errors import InputError, KerasForecastError, StoppedError, printable, shown

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
