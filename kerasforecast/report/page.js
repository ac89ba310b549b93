"use strict";
(() => {
  const MOST = 3000; // points of a line that are drawn at once: a screen has no more columns
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 800px)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const figures = content();

  // Arrays travel as kerasforecast/report/compact.py says.
  function content() {
    const packed = JSON.parse(document.getElementById("figures").textContent);
    const arrays = packed.arrays.map(({ f4, u1, u2, i4, start, unit }) => {
      if (f4 !== undefined) return new Float32Array(bytes(f4).buffer);
      if (i4 !== undefined) return Float64Array.from(new Int32Array(bytes(i4).buffer), (step) => start + step * unit);
      const changes = u1 !== undefined ? bytes(u1) : new Uint16Array(bytes(u2).buffer);
      let step = 0;
      return Float64Array.from(changes, (change) => start + (step += change) * unit);
    });
    const unpack = (part) => {
      if (Array.isArray(part)) return part.map(unpack);
      if (part === null || typeof part !== "object") return part;
      if ("array" in part) return arrays[part.array];
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, unpack(inner)]));
    };
    return unpack(packed.figures);
  }

  function bytes(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  // Plotly's script, compressed in the page.
  async function plotly() {
    const packed = new Blob([bytes(document.getElementById("plotly").textContent)]).stream();
    const script = document.createElement("script");
    script.textContent = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(script);
  }

  // Figures name their colours as style variables ("--model"); the style sheet has them for light and dark.
  function coloured(part, key, style) {
    if (typeof part === "string") {
      return /color$/.test(key) && part.startsWith("--") ? style.getPropertyValue(part).trim() : part;
    }
    if (ArrayBuffer.isView(part) || part === null || typeof part !== "object") return part;
    if (Array.isArray(part)) return part.map((inner) => coloured(inner, key, style));
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, coloured(inner, name, style)]));
  }

  // A place on the axis as a number: plotly writes dates as texts in UTC.
  function place(value) {
    return typeof value === "number" ? value : Date.parse(value.length > 10 ? value.replace(" ", "T") + "Z" : value);
  }

  function ends(figure) {
    const all = figure.data.flatMap((trace) => [trace.x[0], trace.x[trace.x.length - 1]]);
    const [first, last] = [Math.min(...all), Math.max(...all)];
    const room = 0.01 * (last - first); // for markers at the ends
    return [first - room, last + room];
  }

  // What is in view: as a reader moved it, else as the figure opens.
  function seen(figure) {
    const whole = ends(figure);
    if (figure.view || !figure.layout.xaxis.range) return figure.view ?? whole;
    const [first, last] = figure.layout.xaxis.range.map(place);
    return [first, last + 0.01 * (last - first)];
  }

  // The lowest and the highest of every `size` points, and every gap, in their order.
  function extremes(values, from, to, size, into) {
    for (let begin = from; begin < to; begin += size) {
      let [low, high] = [-1, -1];
      const kept = [];
      for (let at = begin; at < Math.min(begin + size, to); at++) {
        if (Number.isNaN(values[at])) kept.push(at);
        else if (low < 0) low = high = at;
        else if (values[at] < values[low]) low = at;
        else if (values[at] > values[high]) high = at;
      }
      if (low >= 0) kept.push(low, high);
      into.push(...new Set(kept.sort((one, other) => one - other)));
    }
  }

  // A long line with as much detail as is of use while `view` is seen: all of it there once few enough points are.
  function thinned(trace, view) {
    if (trace.x.length <= MOST || trace.fill === "toself") return { trace, size: 1 };
    const from = Math.max(0, trace.x.findIndex((x) => x >= view[0]) - 1);
    const beyond = trace.x.findIndex((x) => x > view[1]);
    const to = beyond < 0 ? trace.x.length : beyond + 1;
    const [size, rest] = [to - from, trace.x.length].map((count) => Math.max(1, Math.ceil((2 * count) / MOST)));
    const kept = [];
    extremes(trace.y, 0, from, rest, kept);
    if (to - from <= MOST) for (let at = from; at < to; at++) kept.push(at);
    else extremes(trace.y, from, to, size, kept);
    extremes(trace.y, to, trace.x.length, rest, kept);
    const shown = { ...trace, x: kept.map((at) => trace.x[at]), y: kept.map((at) => trace.y[at]) };
    return { trace: shown, size: to - from <= MOST ? 1 : size };
  }

  function heights(figure, view) {
    let low = Infinity, high = -Infinity;
    for (const { x, y } of figure.data) {
      for (let at = 0; at < x.length; at++) {
        if (x[at] < view[0] || x[at] > view[1] || !Number.isFinite(y[at])) continue;
        low = Math.min(low, y[at]);
        high = Math.max(high, y[at]);
      }
    }
    const room = 0.06 * (high - low || Math.abs(high) || 1);
    return low <= high ? [low - room, high + room] : undefined;
  }

  function draw(figure, number) {
    const { data, layout } = coloured(figure, "", getComputedStyle(document.documentElement));
    const timed = figure.layout.meta?.timed;
    const shown = { ...layout, xaxis: { ...layout.xaxis }, yaxis: { ...layout.yaxis } };
    let traces = data;
    if (timed) {
      const view = seen(figure);
      const all = data.map((trace) => thinned(trace, view));
      traces = all.map(({ trace }) => trace);
      Object.assign(shown.xaxis, { range: view, autorange: false });
      Object.assign(shown.yaxis, { range: heights(figure, view), autorange: false });
      tell(figure, number, Math.max(...all.map(({ size }) => size)));
    }
    if (narrow.matches) {
      shown.legend = { ...layout.legend, entrywidth: 0.5, entrywidthmode: "fraction", font: { size: 11 } };
      shown.annotations = []; // no room: the names of neighbouring marks would meet
    }
    if (coarse) shown.dragmode = false; // a finger on a chart scrolls the page
    const settings = { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: false };
    return Plotly.react(`figure-${number}`, traces, shown, settings);
  }

  // Says what of a long series is drawn.
  function tell(figure, number, size) {
    const rows = Math.max(...figure.data.map((trace) => trace.meta?.rows ?? 0));
    const kept = Math.max(...figure.data.map((trace) => (trace.meta?.rows ?? 0) / trace.x.length), 1);
    const each = Math.round(size * kept);
    const what = `the lowest and highest of every ${each.toLocaleString("en")} of ${rows.toLocaleString("en")} rows`;
    const more = size > 1 ? (kept > 1 ? "; zoom in for more" : "; zoom in for all") : "";
    document.querySelector(`#bar-${number} output`).textContent = each > 1 ? `Drawn: ${what}${more}.` : "";
  }

  function move(figure, number, how) {
    const whole = ends(figure);
    const [first, last] = seen(figure);
    const [middle, half] = [(first + last) / 2, (last - first) / 2];
    const views = {
      earlier: [first - half, last - half],
      later: [first + half, last + half],
      closer: [middle - half / 2, middle + half / 2],
      wider: [middle - half * 2, middle + half * 2],
      all: whole,
    };
    let [from, to] = views[how];
    if (to - from >= whole[1] - whole[0]) [from, to] = whole;
    const shift = Math.max(whole[0] - from, 0) + Math.min(whole[1] - to, 0);
    figure.view = [from + shift, to + shift];
    draw(figure, number);
  }

  // Buttons, which keyboards and fingers reach alike.
  function control(figure, number) {
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.id = `bar-${number}`;
    const names = { earlier: "←", later: "→", closer: "+", wider: "−", all: "All" };
    for (const [how, sign] of Object.entries(names)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.title = how[0].toUpperCase() + how.slice(1);
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => move(figure, number, how));
      bar.append(button);
    }
    bar.append(document.createElement("output"));
    const chart = document.getElementById(`figure-${number}`);
    chart.after(bar);
    return chart;
  }

  // Zooming by mouse ends in an event; what is seen then decides the detail.
  function follow(chart, figure, number) {
    chart.on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (range[0] === undefined) return;
      figure.view = range.map(place);
      draw(figure, number);
    });
    chart.on("plotly_doubleclick", () => move(figure, number, "all"));
  }

  function show() {
    figures.forEach((figure, number) => {
      const timed = figure.layout.meta?.timed;
      const chart = timed && control(figure, number);
      draw(figure, number).then(() => timed && follow(chart, figure, number));
    });
    const again = () => figures.forEach(draw);
    dark.addEventListener("change", again);
    narrow.addEventListener("change", again);
  }

  plotly().then(show);
})();
