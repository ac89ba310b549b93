"""Sixty strings that would be something else than text, in every field that a page shows: each stays text."""

import html
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.errors import printable
from kerasforecast.evaluation.walk import WalkRecord
from kerasforecast.evaluation.walk_files import read_walk
from kerasforecast.report import fit_report, page, read_fit, walk_report
from tests.core.written_run import write_run
from tests.core.written_walk import write_backtest, write_compare

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<script src=//x.test></script>",
    "<ScRiPt>hacked()</sCrIpT>",
    "<script/x>hacked()</script/x>",
    "<img src=x onerror=hacked()>",
    "<svg onload=hacked()>",
    "<svg/onload=hacked()//",
    "<iframe src=javascript:hacked()>",
    "<object data=x>",
    "<embed src=x>",
    "<video><source onerror=hacked()>",
    "<details open ontoggle=hacked()>",
    "<body onload=hacked()>",
    "<base href=//x.test/>",
    "<link rel=stylesheet href=x>",
    "<meta http-equiv=refresh content=0;url=//x.test>",
    "<form action=//x.test><input autofocus onfocus=hacked()>",
    "<a href='javascript:hacked()'>a</a>",
    "<math><mi xlink:href=x>",
    "<template><script>x</script></template>",
    "<plaintext>",
    "<textarea>",
    "<title>",
    "<xmp>",
    "<noscript><p title='</noscript><img src=x>'>",
    "</style><style>*{}",
    "</h1></header></main>",
    "</td></tr></table>",
    "<!--",
    "--><img src=x>",
    "]]><img src=x>",
    "<![CDATA[<img src=x>]]>",
    "<?xml version='1.0'?>",
    '"><img src=x onerror=hacked()>',
    "'><img src=x>",
    '" onmouseover="hacked()',
    "' autofocus '",
    "`onclick=hacked()`",
    "&lt;img src=x&gt;",
    "&#60;img src=x&#62;",
    "&amp;lt;",
    "&",
    "%3Cscript%3E",
    "\\u003cscript\\u003e",
    "\\",
    "{{7*7}}",
    "${7*7}",
    "%s %(x)s %d",
    "<%= 7*7 %>",
    "url(javascript:hacked())",
    "expression(hacked())",
    "__proto__",
    "null",
    "\x00",
    "\x1b[2J\x1b]0;hacked\x07",
    "\r\nSet-Cookie: x=1",
    "\u2028\u2029",
    "\u202eabc\u200b",
    "\ufeff<b>bold</b>",
    "<b>" * 250,
]


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.keys, self.scripts, self._script = [], set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.keys |= {key for key, _ in attributes}
        self._script = tag == "script"

    def handle_data(self, data):
        if self._script:
            self.scripts.append(data)
            self._script = False


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Pages without plotly.js; a run, a backtest and a comparison to make them of."""
    folder = tmp_path_factory.mktemp("plain")
    patch = pytest.MonkeyPatch()
    patch.setattr(page, "_plotly", lambda: "plotly")
    fit = read_fit(write_run(folder, horizon=2, levels=(0.1, 0.5, 0.9)))
    yield fit, read_walk(write_backtest(folder)), read_walk(write_compare(folder))
    patch.undo()


def filled(content, hostile, where="", shown=None):
    """`content` with every text that is free in the schema replaced, and the texts by their indices."""
    shown = {} if shown is None else shown
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        place = f"{where}.{key}".strip(".")
        if isinstance(value, dict | list):
            filled(value, hostile, place, shown)
        elif isinstance(value, str) and place.split(".")[-1] in FREE and place != "metrics.diagnosis.name":
            content[key] = shown[place] = f"x{hostile} {place}"
    return shown


FREE = {
    *("name", "created", "backend", "device", "keras", "target", "verdict", "interval_verdict", "text", "advice"),
    *("source", "location", "start", "end", "frequency", "date_column", "calendar", "interval", "encoding", "data"),
}


def check(written, hostile, shown, kind):
    own = Elements(KNOWN[kind]) if kind in KNOWN else None
    found = Elements(written)
    KNOWN.setdefault(kind, written)
    assert own is None or (found.tags, found.keys) == (own.tags, own.keys), f"{hostile!r} made elements or attributes"
    assert not {key for key in found.keys if key in ("src", "href") or key.startswith("on")}
    assert found.tags.count("script") == 3
    json.loads(found.scripts[0])
    strange = {char for char in written if not (char.isprintable() or char == "\n")}
    assert not strange, f"{hostile!r} left {strange}"
    lost = [place for place, value in shown.items() if html.escape(printable(value)) not in written]
    assert not lost, f"{hostile!r} is not shown as it is in {lost}"


KNOWN = {}


@pytest.mark.parametrize("hostile", ["calm", *HOSTILE])
def test_whatever_a_field_holds_is_shown_as_text(plain, hostile):
    fit, (backtest, walked), (compared, forecasts) = plain
    content = fit.manifest.model_dump(mode="json")
    content["config"]["data"]["date_column"] = content["data"]["calendar"] = "x"
    content["versions"] = {"keras": "x", f"{hostile} package"[:999]: "1"}
    content["roles"]["target"] = f"{hostile} column"
    shown = filled(content, hostile)
    # The calendar stands in the frequency's place; the target is the column; the verdict is read from the scores.
    unseen = {"data.frequency", "metrics.target", "metrics.verdict", "metrics.interval_verdict"}
    manifest = Manifest.model_validate(content | {"baselines": None, "calibration": None})
    dates = fit.forecasts.assign(date=f"{hostile} date")
    ahead = fit.ahead.assign(date=f"{hostile} to come")
    written = fit_report(replace(fit, manifest=manifest, forecasts=dates, panel=None, ahead=ahead))
    shown |= {"date to come": f"{hostile} to come"}
    check(written, hostile, {place: text for place, text in shown.items() if place not in unseen}, "fit")

    for record, table in ((backtest, walked), (compared, forecasts)):
        content = record.model_dump(mode="json")
        names = {name: f"{hostile} {name}" for name in record.verdicts}
        for kind in ("verdicts", "interval_verdicts"):
            content[kind] = {names[name]: f"{text} {hostile}" for name, text in content[kind].items()}
        for row in content["rows"]:
            row["model"] = names.get(row["model"], row["model"])
        content["notes"] = [f"{hostile} note"]
        shown = filled(content, hostile) | {f"model {name}": text for name, text in names.items()}
        shown |= {"note": f"{hostile} note"}
        unseen = {"created"}
        other = table.rename(columns=names).assign(date=f"{hostile} date")
        written = walk_report(WalkRecord.model_validate(content), other)
        check(written, hostile, {place: text for place, text in shown.items() if place not in unseen}, record.kind)


def test_there_are_sixty():
    assert len(set(HOSTILE)) == len(HOSTILE) == 60
