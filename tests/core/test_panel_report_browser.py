"""The report of many series in a real browser: search, pick, sort, and each series draws its own numbers."""

from dataclasses import replace

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from kerasforecast.report import fit_report
from tests.core.test_report_browser import BROWSER, DRIVER, browser, prefer, show, wait_for_charts  # noqa: F401
from tests.core.test_report_hostile import HOSTILE
from tests.core.written_panel import panel_fit

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed")


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return panel_fit(tmp_path_factory.mktemp("panel"), count=80, unscored=2)


@pytest.fixture(scope="module")
def address(fit, tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), fit)


def written(folder, fit):
    (folder / "page.html").write_text(fit_report(fit))
    return (folder / "page.html").as_uri()


def text(browser, selector):  # noqa: F811
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def column(browser, number):  # noqa: F811
    script = (
        "return [...document.querySelectorAll(`#series-list tbody tr`)].map(row => row.cells[arguments[0]].textContent)"
    )
    return browser.execute_script(script, number)


def lines(browser, name):  # noqa: F811
    script = """const line = document.getElementById("series-chart").data.find(trace => trace.name === arguments[0]);
    return [...line.y].map(value => Number.isNaN(value) ? null : value);"""
    return np.array(browser.execute_script(script, name), float)


def check_chosen(browser, fit, name):  # noqa: F811
    """What is drawn and told of the series chosen is its own."""
    WebDriverWait(browser, 30).until(lambda _: text(browser, "#series-name") == name)
    known, ahead = fit.panel[name].values[-60:, 0], fit.ahead.loc[fit.ahead["shop"] == name]
    room = 1e-4 * np.ptp([*known, *ahead["q0.1"], *ahead["q0.9"]])
    WebDriverWait(browser, 30).until(lambda _: np.allclose(lines(browser, "known"), known, atol=room, rtol=0))
    np.testing.assert_allclose(lines(browser, "forecast ahead")[1:], ahead["forecast"], atol=room)
    outline = lines(browser, "80 % interval")[-12:]  # there along the upper end, back along the lower
    np.testing.assert_allclose(outline[1:5], ahead["q0.9"], atol=room)
    np.testing.assert_allclose(outline[8:4:-1], ahead["q0.1"], atol=room)
    table = fit.forecasts[fit.forecasts["shop"] == name]
    if len(table):
        tested = lines(browser, "test forecast")
        np.testing.assert_allclose(tested[~np.isnan(tested)][-4:], table["forecast"].iloc[-4:], atol=room)
    mase = fit.per_series.set_index("shop").loc[name, "mase"]
    facts = text(browser, "#series-facts")
    assert facts.startswith(f"MASE{mase:.3f}") == bool(np.isfinite(mase))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_nothing_is_complained_of(browser, address, scheme, width):  # noqa: F811
    show(browser, address, scheme, width)
    wait_for_charts(browser)
    drawn, charts, reach, fetched, smalls = browser.execute_script(
        """const charts = [...document.querySelectorAll(".chart")];
        const marks = "path.js-line, .bars path, .point";
        const smalls = [...document.querySelectorAll(".small")];
        return [charts.filter((chart) => chart.querySelector(marks)).length, charts.length,
                document.documentElement.scrollWidth, performance.getEntriesByType("resource").length,
                smalls.filter((each) => each.querySelectorAll("polyline").length > 2).length];"""
    )
    assert drawn == charts == 7
    assert smalls == 30
    assert reach == width
    assert fetched == 0
    assert browser.get_log("browser") == []


def test_it_opens_on_the_median_series(browser, fit, address):  # noqa: F811
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    scored = fit.per_series.dropna(subset="mase").sort_values("mase")
    check_chosen(browser, fit, scored["shop"].iloc[38])
    assert text(browser, "#series-place") == "39 of 78 by MASE, best first"


def test_a_series_is_found_by_a_part_of_its_id_and_keys_alone(browser, fit, address):  # noqa: F811
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    box = browser.find_element("id", "series-search")
    box.send_keys("P 007")  # of any case
    options = browser.execute_script(
        "return [...document.querySelectorAll('#series-found li')].map(li => li.firstChild.data)"
    )
    assert sorted(options) == [f"shop 007{place}" for place in range(10)]
    assert text(browser, "#list-said") == "1 to 10 of 10"
    box.send_keys(Keys.DOWN, Keys.DOWN)
    active = browser.execute_script(
        "return document.getElementById('series-search').getAttribute('aria-activedescendant')"
    )
    assert active == "found-1"
    box.send_keys(Keys.ENTER)
    check_chosen(browser, fit, options[1])
    assert box.get_attribute("value") == ""
    assert box.get_attribute("aria-expanded") == "false"
    assert text(browser, "#list-said") == "1 to 25 of 80"
    box.send_keys("no such shop")
    assert text(browser, "#series-found") == "No such series on this page."
    box.send_keys(Keys.ENTER)
    assert text(browser, "#series-name") == options[1]
    box.send_keys(Keys.ESCAPE)
    assert browser.execute_script("return document.getElementById('series-found').hidden")
    assert browser.get_log("browser") == []


def test_the_list_sorts_and_pages_and_its_rows_are_chosen(browser, fit, address):  # noqa: F811
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    scored = fit.per_series.dropna(subset="mase").sort_values("mase", kind="stable")
    assert column(browser, 0) == scored["shop"].tolist()[:25]
    assert column(browser, 1) == [f"{mase:.3f}" for mase in scored["mase"][:25]]
    header = "//table[@id='series-list']//th[{}]/button"
    browser.find_element("xpath", header.format(2)).send_keys("\n")
    assert column(browser, 0) == scored["shop"].tolist()[::-1][:25]  # the worst first; those without a score last
    sorting = "return document.querySelector('#series-list th:nth-child(2)').getAttribute('aria-sort')"
    assert browser.execute_script(sorting) == "descending"
    for _ in range(3):
        browser.find_element("id", "list-after").send_keys("\n")
    assert text(browser, "#list-said") == "76 to 80 of 80"
    assert column(browser, 0)[-2:] == ["shop 0078", "shop 0079"]
    browser.find_element("xpath", header.format(1)).send_keys("\n")
    assert column(browser, 0) == sorted(fit.per_series["shop"])[:25]
    browser.find_element("xpath", "//table[@id='series-list']/tbody/tr[8]/th/button").send_keys("\n")
    check_chosen(browser, fit, "shop 0007")
    assert browser.execute_script("return document.activeElement.id") == "series-name"
    browser.find_element("id", "series-after").send_keys("\n")
    check_chosen(browser, fit, "shop 0008")
    browser.find_element("id", "series-before").send_keys("\n")
    browser.find_element("id", "series-before").send_keys("\n")
    check_chosen(browser, fit, "shop 0006")


def test_small_pictures_and_dots_are_chosen(browser, fit, address):  # noqa: F811
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    scored = fit.per_series.dropna(subset="mase").sort_values("mase")
    for name, place in (("worst", -1), ("best", 0)):
        chosen = scored["shop"].iloc[place]
        button = browser.find_element("xpath", f"//div[@id='smalls-{name}']/button[@title='{chosen}']")
        assert button.text.split("\n") == [chosen, f"MASE {scored['mase'].iloc[place]:.3f}"]
        button.send_keys("\n")
        check_chosen(browser, fit, chosen)
        assert button.get_attribute("aria-current") == "true"
    browser.execute_script(
        """const chart = document.getElementById("pairs-chart");
        const dots = chart.data.find((trace) => trace.name === "series");
        chart.emit("plotly_click", { points: [{ customdata: dots.customdata[5] }] });"""
    )
    check_chosen(browser, fit, scored["shop"].iloc[5])


def test_a_series_without_a_score_is_shown_with_the_reason(browser, fit, address):  # noqa: F811
    show(browser, address, "light", 390)
    wait_for_charts(browser)
    browser.find_element("id", "series-search").send_keys("0079", Keys.ENTER)
    check_chosen(browser, fit, "shop 0079")
    assert text(browser, "#series-place") == "not scored; too short for the test part"


def test_charts_change_colours_with_the_page(browser, address):  # noqa: F811
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    ink = """return ["#series-chart", "#pairs-chart"].map((id) =>
        getComputedStyle(document.querySelector(`${id} path.js-line`)).stroke);"""
    light = browser.execute_script(ink)
    prefer(browser, "dark")
    WebDriverWait(browser, 30).until(
        lambda _: all(a != b for a, b in zip(light, browser.execute_script(ink), strict=True))
    )


def test_hostile_ids_are_read_as_they_are_written(browser, tmp_path):  # noqa: F811
    ids = [f"{hostile} {place}" for place, hostile in enumerate(HOSTILE)]
    made = panel_fit(tmp_path, count=60, ids=ids, key="<img src=x onerror=hacked()>")
    made = replace(made, per_series=made.per_series.assign(note=HOSTILE[::-1]))
    show(browser, written(tmp_path, made), "light", 1280)
    wait_for_charts(browser)
    for place in (0, 4, 33, 50):
        box = browser.find_element("id", "series-search")
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", box, ids[place]
        )
        box.send_keys(Keys.ENTER)
        assert text(browser, "#series-name") == ids[place]
        assert ids[place] in browser.execute_script("return document.getElementById('series-chart').ariaLabel")
    assert column(browser, 0)
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object, embed, video').length") == 0
    assert browser.execute_script("return [window.hacked, performance.getEntriesByType('resource').length]") == [
        None,
        0,
    ]
    assert browser.get_log("browser") == []
