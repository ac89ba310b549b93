"""The report in a real browser: charts drawn, no complaint, nothing fetched, in light and dark, wide and narrow.

Debian's `chromium` and `chromium-driver` are what CI installs; where neither is found the tests are skipped.
"""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.support.ui import WebDriverWait

from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.report import fit_report, rewrite_report
from tests.core.test_report import HOSTILE
from tests.core.written_run import finished_fit, write_run
from tests.core.written_walk import write_backtest, write_compare

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed")


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    model = write_run(folder, name=HOSTILE, target="<b>Close</b>", horizon=2, levels=(0.05, 0.1, 0.5, 0.9, 0.95))
    return rewrite_report(model).as_uri()


@pytest.fixture(scope="module")
def addresses(address, tmp_path_factory):
    folder = tmp_path_factory.mktemp("walks")
    walks = {"backtest": write_backtest(folder, HOSTILE), "compare": write_compare(folder, HOSTILE)}
    return {"fit": address} | {kind: rewrite_report(path).as_uri() for kind, path in walks.items()}


def show(browser, address, scheme, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    prefer(browser, scheme)
    browser.get(address)


def prefer(browser, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def wait_for_charts(browser):
    """Plotly's script is unpacked first."""
    undrawn = (
        "return [...document.querySelectorAll('.chart')].filter(chart => !chart.querySelector('.main-svg')).length"
    )
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(undrawn) == 0)


def ink(browser):
    """Colours in force: of the page, its text, and the text and lines of a chart."""
    return browser.execute_script(
        """const of = (element, name) => getComputedStyle(document.querySelector(element))[name];
        return [of("body", "backgroundColor"), of("body", "color"), of(".chart .xtick text", "fill"),
                of(".chart .scatterlayer path.js-line", "stroke")];"""
    )


@pytest.mark.parametrize(("kind", "least"), [("fit", 9), ("backtest", 3), ("compare", 3)])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_nothing_is_complained_of(browser, addresses, scheme, width, kind, least):
    show(browser, addresses[kind], scheme, width)
    wait_for_charts(browser)
    drawn, charts, reach, fetched, hacked = browser.execute_script(
        """const charts = [...document.querySelectorAll(".chart")];
        const fetched = performance.getEntriesByType("resource").length;
        return [charts.filter((chart) => chart.querySelector("path.js-line, .bars path")).length, charts.length,
                document.documentElement.scrollWidth, fetched, window.hacked];"""
    )
    assert drawn == charts >= least
    assert reach == width  # nothing sticks out sideways
    assert fetched == 0
    assert hacked is None
    assert browser.get_log("browser") == []


def test_charts_change_colours_with_the_page(browser, address):
    show(browser, address, "light", 1280)
    wait_for_charts(browser)
    light = ink(browser)
    prefer(browser, "dark")
    # The browser tells the page when it comes to it.
    WebDriverWait(browser, 30).until(lambda _: all(a != b for a, b in zip(light, ink(browser), strict=True)))
    dark = ink(browser)
    show(browser, address, "dark", 1280)
    wait_for_charts(browser)
    assert ink(browser) == dark


def test_names_are_read_as_they_are_written(browser, address):
    show(browser, address, "light", 1280)
    kicker = browser.execute_script("return document.querySelector('.kicker').textContent")
    assert kicker == f"{HOSTILE}: forecasts of <b>Close</b>".replace("\x1b", "\\x1b").replace("\u2028", " ")


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A report on a series of 16,080 rows."""
    folder = tmp_path_factory.mktemp("long")
    fit = finished_fit(folder)
    hours = pd.date_range("2020-01-01", periods=16_080, freq="h")
    values = np.sin(np.arange(16_080) * np.pi / 12)
    values[8_000] = 50
    series = Series(values[:, None], hours, ("Count",), frequency="h")
    (folder / "page.html").write_text(fit_report(replace(fit, panel=Panel.of(series))))
    return (folder / "page.html").as_uri()


# Of the chart of the whole series: what is said below it, its points in view, its ends, and the highest point.
SEEN = """
const chart = [...document.querySelectorAll(".chart")].find(each => each.ariaLabel.startsWith("The series"));
const [from, to] = chart.layout.xaxis.range;
const { x, y } = chart.data.find(trace => trace.name === "actual");
const inside = y.filter((_, at) => x[at] >= from && x[at] <= to);
return [chart.nextSibling.querySelector("output").textContent, inside.length, from, to, Math.max(...y)];
"""


def test_a_long_series_says_what_of_it_is_drawn_and_shows_all_of_it_closer(browser, long):
    show(browser, long, "light", 1280)
    wait_for_charts(browser)
    said, points, first, last, highest = browser.execute_script(SEEN)
    assert said == "Drawn: the lowest and highest of every 11 of 16,080 rows; zoom in for all."
    assert points <= 3000
    assert highest == 50  # a peak of one row is not lost
    bar = "//div[starts-with(@aria-label, 'The series')]/following-sibling::div[@class='bar']"

    def button(name):
        return browser.find_element("xpath", f"{bar}/button[@aria-label='{name}']")

    for _ in range(3):
        button("Closer").send_keys("\n")  # as from a keyboard
    said, points, start, end, _ = browser.execute_script(SEEN)
    assert said == ""
    assert end - start == pytest.approx((last - first) / 8)
    assert points == pytest.approx(16_080 / 8, rel=0.02)
    button("Earlier").send_keys("\n")
    assert browser.execute_script(SEEN)[2] == pytest.approx(start - (end - start) / 2)
    button("All").send_keys("\n")
    assert browser.execute_script(SEEN)[2:4] == [first, last]


def test_zooming_by_mouse_brings_the_detail_too(browser, long):
    show(browser, long, "light", 1280)
    wait_for_charts(browser)
    browser.execute_script(
        """const chart = [...document.querySelectorAll(".chart")].find(each => each.ariaLabel.startsWith("The series"));
        Plotly.relayout(chart, { "xaxis.range[0]": "2020-03-01", "xaxis.range[1]": "2020-04-01 12:00" });"""
    )
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script(SEEN)[0] == "")
    assert browser.execute_script(SEEN)[1] == 31 * 24 + 12 + 1


def test_long_paths_keep_their_gaps(browser, tmp_path):
    fit = finished_fit(tmp_path, horizon=2)
    rows = 5_000
    table = pd.DataFrame({name: np.arange(rows) + 1.0 for name in ("actual", "forecast", "naive")})
    table = table.assign(date=np.arange(rows) // 2 + np.arange(rows) % 2, step=np.arange(rows) % 2 + 1)
    (tmp_path / "page.html").write_text(fit_report(replace(fit, forecasts=table, panel=None, ahead=None)))
    show(browser, (tmp_path / "page.html").as_uri(), "light", 1280)
    wait_for_charts(browser)
    bar = browser.find_element("xpath", "//div[starts-with(@aria-label, 'Actual')]/following-sibling::div")
    bar.find_element("xpath", "button[@aria-label='All']").send_keys("\n")
    gaps, points = browser.execute_script(
        """const chart = [...document.querySelectorAll(".chart")].find(each => each.ariaLabel.startsWith("Actual"));
        const { y } = chart.data.find(trace => trace.name === "forecast");
        return [[...y].filter(Number.isNaN).length, y.length];"""
    )
    assert (gaps, points) == (1250, 1250 + 2 * 1250)


def test_tables_scroll_under_a_shadow_on_a_phone(browser, address):
    show(browser, address, "light", 390)
    wide, images = browser.execute_script(
        """const table = [...document.querySelectorAll(".scroll")].find(each => each.scrollWidth > each.clientWidth);
        return [table !== undefined, getComputedStyle(table).backgroundImage.split("gradient").length - 1];"""
    )
    assert wide
    assert images == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_ground(browser, address, scheme):
    """WCAG 2.2: 4.5 for text, 3 for what a chart is read by."""
    show(browser, address, scheme, 1280)
    colours = browser.execute_script(
        """const style = getComputedStyle(document.documentElement);
        const read = (name) => { document.body.style.color = style.getPropertyValue(name);
            return getComputedStyle(document.body).color.match(/[\\d.]+/g).slice(0, 3).map(Number); };
        return Object.fromEntries(arguments[0].map(name => [name, read(name)]));""",
        ["--card", "--back", "--ink", "--soft", "--good", "--bad", "--neutral", *LINES],
    )

    def contrast(name, ground):
        light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert {n for n in ("--ink", "--soft", "--good", "--bad", "--neutral") if contrast(n, "--back") < 4.5} == set()
    assert {name for name in LINES if contrast(name, "--card") < 3} == set()


LINES = ["--actual", "--model", "--naive", *(f"--other-{place}" for place in range(5))]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
