"""The public face shows every option: in the source, where editors read it, and in `help()`."""

import inspect
import pydoc

import pytest

import kerasforecast as kf
from kerasforecast.api.options import default, given
from kerasforecast.config import SECTIONS
from tests.signatures import ROOT, TARGETS, section_fields, written


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.owner)
def test_signatures_and_docstrings_are_those_of_the_config(target):
    text = (ROOT / target.path).read_text(encoding="utf-8")
    assert text == written(target, text), "run: python -m tests.signatures"


def test_a_new_default_would_be_written():
    """The comparison above can fail: another default, type or description changes the text."""
    target = TARGETS[0]
    text = (ROOT / target.path).read_text(encoding="utf-8")
    for old, new in (
        ("epochs: int = default(100)", "epochs: int = default(99)"),
        ("window: int", "window: float"),
        ("Windows in one step", "Windows of a step"),
    ):
        assert old in text
        assert written(target, text.replace(old, new)) == text


@pytest.mark.parametrize("section", SECTIONS)
def test_fit_takes_every_option_at_its_default(section):
    parameters = inspect.signature(kf.fit).parameters
    for name, field in section_fields(SECTIONS[section]).items():
        if name != "file":  # the data
            assert parameters[name].default.value == field.default
            assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def test_options_of_other_families_are_taken_and_unknown_ones_refused():
    with pytest.raises(kf.OptionError, match="Received: 'colour'"):
        kf.fit(colour="red")


def test_help_shows_defaults_as_values():
    text = pydoc.render_doc(kf.fit, renderer=pydoc.plaintext)
    assert "epochs: 'int' = 100," in text
    assert 'scaling: "Literal[' in text.replace("'", '"')
    assert "epochs: Most passes over the training windows" in text


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.owner)
def test_docstrings_have_an_entry_for_every_argument_that_says_something(target):
    function = getattr(kf, target.owner)
    text = inspect.getdoc(function)
    arguments = text[text.index("Args:") :].partition("\n\n")[0]
    for name in inspect.signature(function).parameters:
        entry = arguments.partition(f"\n    {'**' if name == 'others' else ''}{name}: ")[2].partition("\n    ")[0]
        assert len(entry.split()) >= 4, name
        assert "--" not in entry


def test_an_option_given_at_its_default_is_told_from_one_that_was_not():
    def function(epochs: int = default(100), units: int = default(50), name: str = "x"):
        return given(locals())

    assert function() == {}
    assert function(epochs=100) == {"epochs": 100}
    assert repr(default((0.1, 0.5))) == "(0.1, 0.5)"
