"""Scores on the terminal: the verdict first, tables within its width, a few of many steps, none with --quiet."""

import os
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kerasforecast_cli import output, walks

from kerasforecast.evaluation.verdict import judged
from kerasforecast.report.scores import shown_steps
from tests.core import written_walk
from tests.core.test_verdict import scored, world


@pytest.fixture
def width(monkeypatch):
    def set_to(columns):
        monkeypatch.setattr(output.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))

    set_to(80)
    return set_to


def printed(capsys, *args, quiet=False, **options):
    scores = scored(*world(*args, **options), "seasonal_growth_12", "seasonal_growth_12")
    output.print_scores(scores, judged(scores), "Test on Close", quiet=quiet)
    return capsys.readouterr().out.splitlines()


def test_the_verdict_comes_first_and_everything_fits(capsys, width):
    lines = printed(capsys, 0.3, 0.5, steps=48, spread=(1.0, 1.0))
    assert lines[0].startswith("Verdict: ")
    assert max(map(len, lines)) <= 80
    assert lines.index("Test on Close: 400 forecasts") < 6
    for step in (1, 2, 4, 8, 16, 32, 48):
        assert any(line.startswith(f"    step {step} ") for line in lines)
    assert not any(line.startswith("    step 3 ") for line in lines)
    assert any(line.startswith("  seasonal growth 12 ") for line in lines)


def test_a_wide_terminal_has_one_table_and_a_narrow_one_has_more(capsys, width):
    width(200)
    assert sum("RMSE" in line for line in printed(capsys, 0.3, 0.5, spread=(1.0, 1.0))) == 1
    width(50)
    lines = printed(capsys, 0.3, 0.5, spread=(1.0, 1.0))
    assert max(map(len, lines)) <= 50
    assert sum(line.startswith("  model ") for line in lines) > 2
    width(0)  # what some terminals say of themselves
    assert printed(capsys, 0.3, 0.5)


def test_quiet_leaves_the_verdict_alone(capsys, width):
    lines = printed(capsys, 0.3, 0.5, steps=48, quiet=True)
    assert lines[0].startswith("Verdict: ")
    assert len(lines) <= 3
    assert not any("RMSE" in line for line in lines)


@given(
    st.lists(st.lists(st.text("ab", max_size=30), min_size=2, max_size=2), min_size=1, max_size=3),
    st.lists(st.lists(st.lists(st.text("ab", max_size=20), min_size=2, max_size=2), max_size=4), max_size=3),
    st.integers(40, 120),
)
def test_tables_lose_no_column_and_are_as_narrow_as_can_be(names, groups, width):
    tables = output._tables(names, groups, width)
    shown = [column for table in tables for column in table[len(names) :]]
    assert shown == [column for group in groups for column in group]
    for table in tables:
        assert table[: len(names)] == names
        assert output._width(table) <= width or len(table) <= len(names) + 1


@pytest.mark.parametrize(
    ("count", "steps"),
    [(1, [1]), (4, [1, 2, 3, 4]), (5, [1, 2, 4, 5]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])],
)
def test_steps_that_a_table_has_room_for(count, steps):
    assert shown_steps(count) == steps


@pytest.mark.parametrize("made", [written_walk.made_backtest, written_walk.made_compare])
@pytest.mark.parametrize("quiet", [False, True])
def test_walks_say_the_verdict_first_within_the_width(capsys, width, tmp_path, made, quiet):
    found = SimpleNamespace(record=made()[0], files={"report": tmp_path / "report.html"})
    walks.print_walk(found, as_json=False, quiet=quiet)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Verdict on ")
    assert all(len(line) <= 80 for line in lines if str(tmp_path) not in line and "flatter" not in line)
    assert any("RMSE" in line for line in lines) != quiet
