"""The page of the server in a real browser: a table pasted, by keyboard, at the width of a phone, light and dark."""

import threading
import time
import urllib.request

import pytest
import uvicorn
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from kerasforecast.serving.http.app import application
from kerasforecast.serving.shelf import Shelf
from tests.core.test_report_browser import BROWSER, DRIVER, browser  # noqa: F401
from tests.extras.test_serve import folder, waves  # noqa: F401

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed")


@pytest.fixture(scope="module")
def address(folder):  # noqa: F811
    server = uvicorn.Server(
        uvicorn.Config(application(Shelf([folder / "waves.onnx"]), watch=True), port=0, log_level="critical")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join(30)


def said(browser, name):  # noqa: F811
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def until(browser, name, words):  # noqa: F811
    WebDriverWait(browser, 30).until(lambda _: words in said(browser, name))


def test_what_is_known_ahead_is_asked_for_and_paths_are_drawn(browser, address):  # noqa: F811
    browser.get(address)
    until(browser, "worth", "It sees 14 rows of sales")
    assert browser.execute_script("return document.getElementById('ahead').hidden")
    sent = browser.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        models[0].given = ["promo"]; models[0].paths = 3; about();
        const real = window.ask;
        window.ask = async (path, body, type) => {
          if (!path.endsWith("/forecast")) return real(path, body, type);
          const ahead = { dates: ["2022-03-02", "2022-03-03"], point: [1, 2], paths: [[1, 3], [2, 1]] };
          const series = { id: null, quantiles: {}, ...ahead };
          setTimeout(() => done([JSON.parse(body), type, document.getElementById("ahead").hidden,
            document.querySelectorAll("#chart .path").length, document.getElementById("legend").textContent]), 50);
          return { target: "sales", model: "waves", sha256: "0", levels: [], notes: [], series: [series] };
        };
        document.getElementById("table").value = "date,sales\\n2022-03-01,1";
        document.getElementById("future").value = "date,promo\\n2022-03-02,1";
        document.getElementById("steps").value = "2";
        document.getElementById("form").requestSubmit();
        """
    )
    asked, kind, hidden, paths, legend = sent
    assert asked["future"].endswith("2022-03-02,1") and asked["paths"] == 3 and asked["steps"] == 2
    assert (kind, hidden, paths) == ("application/json", False, 2)
    assert "2 of its paths" in legend


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_is_forecast_by_keyboard_on_a_phone(scheme, browser, address):  # noqa: F811
    screen = {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme_of_colours = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_of_colours)
    browser.get(address)
    until(browser, "worth", "It sees 14 rows of sales")
    hostile = waves(400).assign(shop="<img src=x onerror=document.title=1>")
    browser.execute_script("document.getElementById('table').value = arguments[0]", hostile.to_csv(index=False))
    browser.execute_script("document.getElementById('token').focus()")
    ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()
    until(browser, "status", "1 series, 12 rows ahead")
    assert browser.execute_script("return document.querySelectorAll('#rows tbody tr').length") == 12
    assert browser.execute_script("return document.querySelectorAll('#chart polyline').length") == 2
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(245, 246, 248)", "dark": "rgb(14, 18, 22)"}[scheme]
    browser.execute_script("document.getElementById('post').click()")
    until(browser, "status", "400 rows are kept")
    until(browser, "said", "100 forecasts")
    browser.execute_script("document.getElementById('table').value = 'a,b\\n1,2\\n'")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    until(browser, "status", "Received")
    assert urllib.request.urlopen(address, timeout=10).status == 200
