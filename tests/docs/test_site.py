"""The site as it is built: every address in it leads somewhere, it asks nobody else, and code in it was run."""

import functools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "video": "src"}
LEADING = ("next", "prev", "index", "search", "canonical")  # links in a page's head that load nothing
ASKING = re.compile(r"@import|url\(\s*['\"]?(?:https?:)?//|importScripts\(['\"](?:https?:)?//", re.IGNORECASE)


class Page(HTMLParser):
    """What a page loads, where it leads, and what may be led to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.leads, self.ids, self.lang = [], [], set(), None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "html":
            self.lang = attributes.get("lang")
        if attributes.get(LOADED.get(tag)) and attributes.get("rel") not in LEADING:
            self.loads.append(attributes[LOADED[tag]])
        elif tag in ("a", "link") and attributes.get("href"):
            self.leads.append(attributes["href"])


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built anew unless `KERASFORECAST_SITE` names one."""
    if os.environ.get("KERASFORECAST_SITE"):
        return Path(os.environ["KERASFORECAST_SITE"])
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, str(ROOT / "docs" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return folder


@pytest.fixture(scope="session")
def pages(site):
    files = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    found = {path: Page(path.read_text(encoding="utf-8")) for path in files}
    assert len(found) > 40
    return found


def local(address):
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def test_no_page_loads_anything_from_elsewhere(pages):
    assert not {(str(path), address) for path, page in pages.items() for address in page.loads if not local(address)}


def test_no_style_or_script_asks_anybody_else(site):
    styles = [*site.rglob("*.css")]
    assert styles
    for style in styles:
        assert not ASKING.search(style.read_text(encoding="utf-8")), style
    own = [*(ROOT / "docs" / "static").glob("*.js")]
    assert own
    assert not [script for script in own if "http" in script.read_text(encoding="utf-8")]


def test_every_address_and_anchor_in_the_site_leads_somewhere(pages, site):
    @functools.cache
    def ids(path):
        return pages[path].ids if path in pages else Page(path.read_text(encoding="utf-8")).ids

    lost = []
    for path, page in pages.items():
        for address in {*page.loads, *page.leads}:
            parts = urlsplit(address)
            if not local(address) or address.startswith(("#!", "data:")):
                continue
            goal = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if not goal.is_file():
                lost.append((path.name, address, "no such file"))
            elif parts.fragment and goal.suffix == ".html" and unquote(parts.fragment) not in ids(goal):
                lost.append((path.name, address, "no such anchor"))
    assert not lost


def test_both_languages_say_which_they_are_and_lead_to_each_other(pages, site):
    english, portuguese = pages[site / "start.html"], pages[site / "pt" / "start.html"]
    assert (english.lang, portuguese.lang) == ("en", "pt-BR")
    assert "pt/start.html" in english.leads and "../start.html" in portuguese.leads
    assert "../pt/index.html" in pages[site / "guides" / "intervals.html"].leads


def test_what_code_in_pages_gives_is_shown(site):
    start = (site / "start.html").read_text(encoding="utf-8")
    assert "no better than naive" in start or "better than" in start
    assert "31,051" in (site / "questions" / "shapes.html").read_text(encoding="utf-8").partition("count_params")[2]
    assert (site / "made" / "guides-report" / "report.html").stat().st_size > 100_000
    assert "31.051" in (site / "pt" / "questions" / "shapes.html").read_text(encoding="utf-8")


def test_search_needs_no_server(site):
    assert "Search.setIndex(" in (site / "searchindex.js").read_text(encoding="utf-8")[:200]
    assert "conformal" in (site / "searchindex.js").read_text(encoding="utf-8")


def test_fifteen_questions_are_asked_in_both_languages():
    for language in ("en", "pt"):
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / language / "questions").glob("*.md")]
        asked = sorted(int(each) for text in texts for each in re.findall(r"^## (\d+)\. ", text, re.MULTILINE))
        assert asked == list(range(1, 16))


def test_code_that_fails_or_fails_to_fail_ends_the_build():
    sys.path.insert(0, str(ROOT / "docs"))
    from building.running import Runner

    faults = []

    def built(text):
        return Runner().page(text, lambda name, content: name, faults.append)

    assert "```text\n3\n```" in built("```python run\n1 + 2\n```\n") and not faults
    built("```python run\n1 / 0\n```\n")
    assert "ZeroDivisionError" in faults.pop()
    assert "ZeroDivisionError" in built("```python run raises\n1 / 0\n```\n") and not faults
    built("```python run raises\n1 / 1\n```\n")
    assert "nothing was raised" in faults.pop()
    page = built("```python run hidden\nfrom pathlib import Path\nPath('a.svg').write_text('<svg/>')\n```\n")
    assert '<img src="a.svg"' in page and "pathlib" not in page
