"""One HTML file out of sections and figures, with style, scripts and a small plotly.js inside, nothing taken on trust.

Whatever comes from data (names, columns, paths, tables) is text: `text` escapes it for HTML, and figures travel as
JSON in which no `<` is left, so that no value can close the script element it stands in.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from kerasforecast.errors import printable
from kerasforecast.report.compact import packed
from kerasforecast.report.traces import Figure
from kerasforecast.report.words import words

Tone = Literal["good", "neutral", "bad"]

# The page needs no network and asks for none: the browser refuses whatever a flaw might let it try.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


@dataclass(frozen=True)
class Headline:
    """What stands at the top.

    Attributes:
        kicker: Whose report it is, a few words.
        sentence: The verdict.
        lead: What the sentence rests on, one or two sentences.
        tone: Whether the verdict is good news.
    """

    kicker: str
    sentence: str
    lead: str
    tone: Tone = "neutral"


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading.
        note: What is to be seen, one sentence or two.
        body: HTML, escaped already.
        figures: `(label, plotly figure)`, drawn below the body; the label begins the text that stands for the picture.
        wide: Over both columns of a wide screen.
        after: HTML below the figures, escaped already.
    """

    title: str
    note: str = ""
    body: str = ""
    figures: tuple[tuple[str, Figure], ...] = ()
    wide: bool = False
    after: str = ""


def page(headline: Headline, sections: Sequence[Section], footer: str, style: str = "", scripts: str = "") -> str:
    """The whole file; `style` and the elements in `scripts` come after its own."""
    figures = [figure for section in sections for _, figure in section.figures]
    numbers = iter(range(len(figures)))
    body = "\n".join(_section(section, [next(numbers) for _ in section.figures]) for section in sections)
    title = text(f"{headline.kicker}: {headline.sentence}")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{title}</title>",
            f"<style>{page_asset('page.css')}{style}</style></head><body>",
            f'<header class="{headline.tone}"><p class="kicker">{text(headline.kicker)}</p>',
            f"<h1>{text(headline.sentence)}</h1>",
            f'<p class="lead">{text(headline.lead)}</p></header>',
            f"<main>{body}</main>",
            "<noscript><p>The charts need JavaScript; every number is in the tables.</p></noscript>",
            f"<footer>{text(footer)}</footer>",
            f'<script type="application/json" id="figures">{embedded(packed(figures))}</script>',
            f'<script type="text/plain" id="plotly">{_plotly()}</script>',
            f"<script>{page_asset('page.js')}</script>",
            f"{scripts}</body></html>",
        ]
    )


def text(value: object) -> str:
    """`value` as text inside an element or a quoted attribute; control characters show as escapes."""
    return html.escape(printable(str(value)))


def embedded(content: Any) -> str:
    """JSON to stand inside a script element: no `<`, `>`, `&`, nor the line ends that JavaScript knows beyond JSON's.

    Raises:
        ValueError: A number is not finite.
    """
    written = json.dumps(content, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", written)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    strong: int | None = None,
    pictures: Sequence[str] | None = None,
) -> str:
    """A table of texts; the first column names the rows, row `strong` stands out.

    `pictures`, HTML, stand in a last column.
    """
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
    drawn = [""] * len(rows) if pictures is None else [f"<td>{picture}</td>" for picture in pictures]
    body = "".join(
        _row(cells, number == strong, picture) for number, (cells, picture) in enumerate(zip(rows, drawn, strict=True))
    )
    head += "" if pictures is None else "<td></td>"
    inner = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{inner}</div>'


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """Names and values side by side."""
    items = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{items}</dl>'


def folded(summary: str, body: str) -> str:
    """HTML that opens when asked for."""
    return f"<details><summary>{text(summary)}</summary>{body}</details>"


def page_asset(name: str) -> str:
    """The text of a file beside this module."""
    return (files("kerasforecast.report") / name).read_text(encoding="utf-8")


def _section(section: Section, numbers: Sequence[int]) -> str:
    charts = "".join(
        f'<div class="chart" id="figure-{number}" role="img" aria-label="{text(f"{label}. {words(figure)}")}"></div>'
        for number, (label, figure) in zip(numbers, section.figures, strict=True)
    )
    note = f"<p>{text(section.note)}</p>" if section.note else ""
    wide = ' class="wide"' if section.wide else ""
    return f"<section{wide}><h2>{text(section.title)}</h2>{note}{section.body}{charts}{section.after}</section>"


def _row(cells: Sequence[str], strong: bool, picture: str) -> str:
    first, *rest = cells
    inner = f'<th scope="row">{text(first)}</th>' + "".join(f"<td>{text(cell)}</td>" for cell in rest)
    inner += picture
    return f'<tr class="strong">{inner}</tr>' if strong else f"<tr>{inner}</tr>"


def _plotly() -> str:
    """Plotly's script for lines and bars alone, gzip in base64, a tenth of all of plotly as it is.

    CONTRIBUTING.md says how to renew it.
    """
    return base64.b64encode((files("kerasforecast.report") / "plotly-basic.min.js.gz").read_bytes()).decode()
