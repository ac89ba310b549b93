"""Options: their defaults are the specification's, their bounds hold, and a fault is one line that names the flag."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kerasforecast_cli.options import choices
from pydantic import ValidationError

from kerasforecast.config import SECTIONS, Config
from kerasforecast.errors import OptionError, flags_wanted
from kerasforecast.models.families import registry
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked
from kerasforecast.sections.training import TrainingConfig

FIELDS = [
    *((section, field) for section, model in SECTIONS.items() for field in model.model_fields if field != "options"),
    *((family, field) for field, having in registry.options().items() for family in having),
]
MODELS = SECTIONS | {name: registry.family(name).options for name in registry.models()}
NAMES = sorted({field for _, field in FIELDS})


@pytest.fixture(autouse=True, scope="module")
def as_the_command_line_calls():
    """Messages name flags; `test_errors.py` says what a Python caller reads."""
    with flags_wanted():
        yield


def test_the_defaults_are_the_specification_s():
    network, training, split = Config().network, Config().training, Config().split
    assert (network.options.units, network.options.layers, network.options.dropout) == (50, 2, 0.2)
    assert (network.model, network.window, network.horizon, network.scaling) == ("lstm", 60, 1, "anchor")
    assert network.options.recurrent_bias
    assert (training.epochs, training.batch_size, training.optimizer) == (100, 32, "adam")
    assert (training.learning_rate, training.loss, training.clipnorm) == (0.001, "mse", None)
    assert (training.patience, training.lr_patience, training.lr_factor) == (10, 5, 0.5)
    assert (split.train_fraction, split.validation_fraction) == (0.70, 0.15)


def test_no_two_sections_share_an_option_since_flags_are_flat():
    flat = [field for model in SECTIONS.values() for field in model.model_fields] + list(registry.options())
    assert sorted(set(flat)) == sorted(flat)


@pytest.mark.parametrize(("section", "field"), FIELDS)
def test_every_option_explains_itself_in_one_sentence(section, field):
    text = MODELS[section].model_fields[field].description
    assert text
    assert text.endswith(".")
    assert text.isprintable()


def test_every_default_is_within_its_own_bounds():
    for model in SECTIONS.values():
        model.model_validate(model().model_dump())


def test_flat_options_find_their_section():
    config = Config.from_options(epochs=3, window=20, target="Open", train_fraction=0.6)
    assert (config.training.epochs, config.network.window) == (3, 20)
    assert (config.data.target, config.split.train_fraction) == ("Open", 0.6)


def test_options_not_given_keep_their_defaults():
    assert Config.from_options() == Config()


def test_one_name_or_number_is_a_list_of_one():
    config = Config.from_options(past="Temperature", quantiles=0.9, baselines="theta")
    assert config.data.past == ("Temperature",)
    assert config.network.quantiles == (0.5, 0.9)
    assert config.evaluation.baselines == ("theta",)


def test_text_from_the_command_line_means_the_same_as_python_values():
    text = Config.from_options(epochs="3", dropout="0.1", start="2020-01-31", past=["Open", "High"])
    assert text == Config.from_options(epochs=3, dropout=0.1, start=dt.date(2020, 1, 31), past=("Open", "High"))


OUT_OF_BOUNDS = [
    ("epochs", 0),
    ("epochs", 1.5),
    ("epochs", "many"),
    ("batch_size", 0),
    ("learning_rate", 0.0),
    ("learning_rate", math.nan),
    ("learning_rate", "inf"),
    ("lr_factor", 1.0),
    ("clipnorm", 0.0),
    ("clipnorm", -1.0),
    ("seed", -1),
    ("seed", 2**31),
    ("optimizer", "adamw"),
    ("loss", "MSE"),
    ("window", 1),
    ("window", 10_001),
    ("horizon", 0),
    ("units", 0),
    ("layers", 17),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("scaling", "none "),
    ("model", "transformer!"),
    ("recurrent_bias", "perhaps"),
    ("train_fraction", 0.0),
    ("train_fraction", 1.0),
    ("validation_fraction", math.inf),
    ("start", "31.01.2020"),
    ("timeout", 0),
    ("missing", "ignore"),
    ("separator", ";;"),
    ("decimal", ";"),
]


@pytest.mark.parametrize(("option", "value"), OUT_OF_BOUNDS)
def test_a_value_out_of_bounds_is_refused_by_the_flag_s_name(option, value):
    with pytest.raises(OptionError) as caught:
        Config.from_options(**{option: value})
    message = str(caught.value)
    assert message.startswith(f"--{option.replace('_', '-')}: ")
    assert f"Received: {value!r}." in message


AT_THE_BOUNDS = [
    ("epochs", 1),
    ("epochs", 100_000),
    ("window", 2),
    ("window", 10_000),
    ("dropout", 0.0),
    ("seed", 0),
    ("seed", 2**31 - 1),
    ("learning_rate", 10.0),
    ("clipnorm", None),
    ("timeout", 600),
    ("max_age", 0),
]


@pytest.mark.parametrize(("option", "value"), AT_THE_BOUNDS)
def test_a_value_at_its_bound_is_taken(option, value):
    needed = {"ticker": "IBM"} if option in ("timeout", "max_age") else {}
    assert Config.from_options(**{option: value}, **needed).flat()[option] == value


EXCLUDING = [
    ({"file": "a.csv", "ticker": "AAPL"}, "Give a FILE or --ticker, not both."),
    ({"start": "2020-01-02", "end": "2020-01-02"}, "--start must lie before --end."),
    ({"train_fraction": 0.7, "validation_fraction": 0.3}, "must leave a share for test"),
    ({"validation_start": "2020-01-01"}, "--validation-start and --test-start go together."),
    ({"test_start": "2020-01-01"}, "--validation-start and --test-start go together."),
    (
        {"validation_start": "2020-01-02", "test_start": "2020-01-02"},
        "--validation-start must lie before --test-start.",
    ),
]


@pytest.mark.parametrize(("options", "rule"), EXCLUDING)
def test_options_that_exclude_each_other_are_refused(options, rule):
    with pytest.raises(OptionError) as caught:
        Config.from_options(**options)
    assert rule in str(caught.value)


def test_an_unknown_option_is_refused_with_the_known_ones():
    with pytest.raises(OptionError) as caught:
        Config.from_options(epoch=3)
    assert "Received: 'epoch'" in str(caught.value)
    assert all(name in str(caught.value) for name in NAMES)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_refuses_a_field_it_does_not_have(section):
    with pytest.raises(OptionError, match="colour"):
        checked(SECTIONS[section], {"colour": "red"})


def test_a_config_cannot_be_changed_after_it_was_checked():
    config = Config()
    with pytest.raises(ValidationError):
        config.network.window = 5
    with pytest.raises(ValidationError):
        config.network = NetworkConfig(window=5)
    assert config == Config()


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4))
def test_any_value_is_taken_or_refused_in_one_line(options):
    try:
        config = Config.from_options(**options)
    except OptionError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1_000
    else:
        assert Config.model_validate_json(config.model_dump_json()) == config  # as the manifest keeps it


def test_choices_are_the_words_of_a_literal():
    assert choices(TrainingConfig, "optimizer") == ("adam", "sgd", "rmsprop")
    assert choices(SECTIONS["data"], "decimal") == (".", ",")  # None means: detect
    assert choices(TrainingConfig, "epochs") == ()


@pytest.mark.parametrize(("section", "field"), FIELDS)
def test_every_choice_offered_is_one_the_option_takes(section, field):
    for word in choices(MODELS[section], field):
        assert getattr(checked(MODELS[section], {field: word}), field) == word


NO_EFFECT = [
    ({"quantiles": (0.1, 0.9), "loss": "mae"}, "--loss has no effect beside --quantiles"),
    ({"quantiles": (0.1, 0.9), "levels": (0.1, 0.9)}, "--levels has no effect beside --quantiles"),
    ({"file": "a.csv", "offline": True}, "--offline has no effect without --ticker"),
    ({"max_age": 3}, "--max-age has no effect without --ticker"),
    ({"ticker": "IBM", "offline": True, "timeout": 3}, "--timeout has no effect with --offline"),
    ({"ticker": "IBM", "separator": ";"}, "--separator has no effect with --ticker"),
    (
        {"validation_start": "2010-01-01", "test_start": "2011-01-01", "train_fraction": 0.5},
        "--train-fraction has no effect beside --validation-start",
    ),
    ({"model": "gru", "recurrent_bias": True}, "--recurrent-bias is no option of gru; only lstm has it"),
    ({"model": "rnn", "recurrent_bias": False}, "--recurrent-bias is no option of rnn; only lstm has it"),
]


@pytest.mark.parametrize(("options", "message"), NO_EFFECT)
def test_an_option_without_effect_is_refused_and_says_why(options, message):
    with pytest.raises(OptionError, match=f"^{message}"):
        Config.from_options(**options)


def test_an_option_that_another_one_brought_is_not_held_against_its_user():
    config = Config.from_options(quantiles=(0.1, 0.9), epochs=3)
    assert config.changed(units=7).network.options.units == 7
    with pytest.raises(OptionError, match="--loss has no effect"):
        config.changed(loss="mae")


def test_families_get_the_options_that_they_have():
    found = Config.of_families(["lstm", "gru"], units=3, recurrent_bias=False)
    assert [config.network.options.units for config in found.values()] == [3, 3]
    assert not found["lstm"].network.options.recurrent_bias
    with pytest.raises(OptionError, match="--recurrent-bias is no option of gru"):
        Config.of_families(["gru", "rnn"], recurrent_bias=False)


def test_only_the_anchor_scaling_takes_logs():
    taking = {word for word in choices(NetworkConfig, "scaling") if NetworkConfig(scaling=word).wants_logs}
    assert taking == {"anchor", "auto"}  # which may stay at the family's own
    assert not NetworkConfig(model="linear", scaling="auto").wants_logs
