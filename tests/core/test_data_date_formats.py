"""Dates in every format that tables come with are read, or refused where they could be two."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasforecast.data.table import formats
from kerasforecast.data.table.formats import way_of
from kerasforecast.errors import DataError
from tests.core.dated_tables import DAYS, HOURS, LEVEL, MONTHS, QUARTERS, WEEKS, written

LANGUAGES = {
    "de": "Januar Februar März April Mai Juni Juli August Sept. Oktober November Dezember",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "es": "ENE FEB MAR ABR MAY JUN JUL AGO SEP OCT NOV DIC",
}
GERMAN, PORTUGUESE, FRENCH, SPANISH = (dict(enumerate(names.split(), 1)) for names in LANGUAGES.values())


@pytest.mark.parametrize(
    ("cells", "dates"),
    [
        (written(HOURS, "%d.%m.%Y %H:%M:%S.000"), HOURS),
        (written(HOURS, "%d.%m.%Y %H:%M:%S.000 GMT-0500"), HOURS),
        (written(HOURS, "%Y-%m-%d %I-%p"), HOURS),
        (written(HOURS, "%m/%d/%Y, %I:%M:%S %p"), HOURS),
        (written(HOURS, "%d%b%Y:%H:%M:%S"), HOURS),
        (written(HOURS, "%Y%m%d %H%M%S"), HOURS),
        (written(HOURS, "%a, %d %b %Y %H:%M:%S GMT"), HOURS),
        (written(HOURS, "%Y-%m-%d %H:%M:%S UTC"), HOURS),
        (written(DAYS, "%d%b%Y"), DAYS),
        (written(DAYS, "%d-%B-%Y"), DAYS),
        (written(DAYS, "%Y年%m月%d日"), DAYS),
        (written(DAYS, "%y%m%d"), DAYS),
        (written(DAYS, "%d%m%Y"), DAYS),
        (written(DAYS, "%y/%m/%d"), DAYS),
        (written(DAYS, "%Y-%m-%dZ"), DAYS),
        (written(MONTHS, "%Y%m"), MONTHS),
        (written(MONTHS, "%YM%m"), MONTHS),
        (written(MONTHS, "%Y-M%m"), MONTHS),
        (written(MONTHS, "%Y/%m"), MONTHS),
        ([f"Q{date.quarter} {date.year}" for date in QUARTERS], QUARTERS),
        ([f"{date.year}-Q{date.quarter}" for date in QUARTERS], QUARTERS),
        ([f"{date.year}T{date.quarter}" for date in QUARTERS], QUARTERS),
        ([f"{date.year}H{1 + date.month // 7}" for date in MONTHS[::6]], MONTHS[::6]),
        (written(WEEKS, "%G-W%V"), WEEKS),
        (written(WEEKS + pd.Timedelta(days=4), "%G-W%V-%u"), WEEKS + pd.Timedelta(days=4)),
        ([f"{date.day}. {GERMAN[date.month]} {date.year}" for date in DAYS], DAYS),
        ([f"{PORTUGUESE[date.month]}/{date.year % 100:02}" for date in MONTHS], MONTHS),
        ([f"{date.day} de {PORTUGUESE[date.month]} de {date.year}" for date in DAYS], DAYS),
        ([f"{date.day}{'er' * (date.day == 1)} {FRENCH[date.month]} {date.year}" for date in DAYS], DAYS),
        ([f"{date.day:02}-{SPANISH[date.month]}-{date.year}" for date in DAYS], DAYS),
    ],
)
def test_formats_are_found(load, cells, dates):
    assert load({"Date": cells, "y": LEVEL[: len(cells)]}).index.equals(dates.as_unit("us"))


@pytest.mark.parametrize(
    ("cells", "forms"),
    [
        (written(pd.date_range("2010-01-01", periods=36, freq="MS"), "%Y%m"), "'%Y%m' or '%y%m%d'"),
        (written(pd.date_range("2020-02-01", periods=9), "%d/%m/%Y"), "'%d/%m/%Y' or '%m/%d/%Y'"),
        (written(pd.date_range("2020-02-03", periods=9), "%y/%m/%d"), "'%d/%m/%y' or '%y/%m/%d'"),
    ],
)
def test_what_could_be_two_dates_is_refused_and_the_remedy_works(load, cells, forms):
    table = {"Date": cells, "y": LEVEL[: len(cells)]}
    with pytest.raises(DataError, match=f"cannot be told apart.*Use --date-format {forms}") as caught:
        load(table)
    for form in str(caught.value).split("--date-format ")[1].rstrip(".").split(" or "):
        assert load(table, date_format=form.strip("'"), end="2100-01-01").dated


def test_a_week_that_the_year_has_not_is_refused(load):
    cells = written(WEEKS, "%G-W%V")
    cells[-1] = "2019-W53"
    with pytest.raises(DataError, match=r"expected an ISO week, as in other rows\. Received: '2019-W53'"):
        load({"Date": cells, "y": LEVEL})


@pytest.mark.parametrize("cell", ["196013", "19601", "1960122"])
def test_a_month_is_never_read_as_a_day(load, cell):
    cells = written(MONTHS, "%Y%m")
    cells[-1] = cell
    with pytest.raises(DataError, match=rf"expected a date \(%Y%m, as in other rows\)\. Received: '{cell}'"):
        load({"Date": cells, "y": LEVEL})


@pytest.mark.parametrize(
    "form", ["%d/%m/%Y %H:%M %z", "[%d/%b/%Y:%H:%M:%S %z]", "%H:%M%z %d.%m.%Y", "%Y-%m-%dT%H:%M:%S%z"]
)
@pytest.mark.parametrize(("offset", "says"), [("-0500", "local time"), ("+0000", "UTC")])
def test_offsets_are_read_by_a_given_format(load, form, offset, says):
    cells = written(HOURS, form.replace("%z", offset))
    series = load({"when": cells, "y": LEVEL}, date_format=form)
    assert series.index.equals(HOURS)
    assert f"Time zone dropped; dates are {says}." in series.notes
    cells[7] = cells[7].replace(offset, "+0900")
    with pytest.raises(DataError, match="column when: expected one time zone in all rows"):
        load({"when": cells, "y": LEVEL}, date_format=form)


@pytest.mark.parametrize("end", ["Z", "+00:00", " UTC"])
def test_times_in_utc_are_said_to_be(load, end):
    series = load({"date": written(HOURS, f"%Y-%m-%dT%H:%M:%S{end}"), "y": LEVEL})
    assert series.index.equals(HOURS)
    assert series.notes == ("Time zone dropped; dates are UTC.",)


@pytest.mark.parametrize(("early", "late"), [("ms", "us"), ("s", "ms"), ("us", "ns")])
def test_unix_times_that_change_their_unit(load, early, late):
    times = [*HOURS[:30].as_unit(early).asi8, *HOURS[30:].as_unit(late).asi8]
    series = load({"timestamp": times, "y": LEVEL})
    assert series.index.equals(HOURS)
    assert series.notes == (f"Dates are Unix times in {early} and {late}, taken as UTC.",)


def test_unix_times_with_a_fraction(load):
    series = load({"time": HOURS.as_unit("s").asi8 + 0.25, "y": LEVEL})
    assert series.index.equals(HOURS + pd.Timedelta("250ms"))


quiet = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@quiet
@given(st.lists(st.text(max_size=30), max_size=12))
def test_any_text_has_a_format_or_none(cells):
    way = way_of(cells)
    assert way is None or 0 < way.share <= 1


def test_every_form_is_among_those_that_a_date_written_in_it_may_have():
    """Forms are tried by the marks between their parts: none may be left out that would have read the cell."""
    written = pd.Timestamp("2021-03-04 05:06:07.089")
    for group in formats._GROUPS:
        cells = [written.strftime(form) for form in group if form != formats.ISO] or [written.isoformat()]
        assert all(group in set(formats._possible({cell: [cell]})) for cell in cells), group
