"""The report in a real browser: charts drawn, no complaint, nothing fetched, in light and dark, wide and narrow.

Debian's `chromium` and `chromium-driver` are what CI installs; where neither is found the tests are skipped.
"""

import shutil

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from kerasforecast.report import rewrite_report
from tests.core.test_report import HOSTILE
from tests.core.written_run import write_run
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


def ink(browser):
    """Colours in force: of the page, its text, and the text and lines of a chart."""
    return browser.execute_script(
        """const of = (element, name) => getComputedStyle(document.querySelector(element))[name];
        return [of("body", "backgroundColor"), of("body", "color"), of(".chart .xtick text", "fill"),
                of(".chart .scatterlayer path.js-line", "stroke")];"""
    )


@pytest.mark.parametrize(("kind", "least"), [("fit", 7), ("backtest", 3), ("compare", 3)])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_nothing_is_complained_of(browser, addresses, scheme, width, kind, least):
    show(browser, addresses[kind], scheme, width)
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
    light = ink(browser)
    prefer(browser, "dark")
    # The browser tells the page when it comes to it.
    WebDriverWait(browser, 30).until(lambda _: all(a != b for a, b in zip(light, ink(browser), strict=True)))
    dark = ink(browser)
    show(browser, address, "dark", 1280)
    assert ink(browser) == dark


def test_names_are_read_as_they_are_written(browser, address):
    show(browser, address, "light", 1280)
    kicker = browser.execute_script("return document.querySelector('.kicker').textContent")
    assert kicker == f"{HOSTILE}: forecasts of <b>Close</b>".replace("\x1b", "\\x1b").replace("\u2028", " ")
