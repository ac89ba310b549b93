"use strict";
// What is drawn of one series: as a plotly figure, or as a small picture.

// Rows from `first` to `last` of a line of forecasts, cut where another path begins.
function pathsOf(values, begins) {
  const paths = [];
  let path = [];
  values.forEach((value, at) => {
    if (Number.isNaN(value) || begins[at]) {
      if (path.length) paths.push(path);
      path = [];
    }
    if (!Number.isNaN(value)) path.push(at);
  });
  return path.length ? [...paths, path] : paths;
}

// The lines of a series: places across are 0 for the first known row, and so on into the rows to come.
function linesOf(series, place) {
  const known = series.curve("known", place);
  const first = Math.max(0, known.findIndex((value) => !Number.isNaN(value)));
  const moments = [...series.moments("rows", place).slice(first)];
  const last = known.length - 1 - first;
  const tested = [0, 1, 2].map((line) => series.curve("tested", place, line).slice(first));
  const paths = pathsOf(tested[0], series.begins(place).subarray(first));
  const parts = paths.map((path) => [path, ...tested.map((line) => path.map((at) => line[at]))]);
  const ahead = [0, 1, 2].map((line) => series.curve("ahead", place, line));
  const steps = ahead[0].findLastIndex((value) => !Number.isNaN(value)) + 1;
  const end = known[known.length - 1];
  const future = [[last, ...ahead[0].slice(0, steps).keys()].map((step, at) => (at ? last + at : last))];
  ahead.forEach((line) => future.push([end, ...line.slice(0, steps)]));
  moments.push(...series.moments("coming", place).slice(0, steps));
  return { moments, last, known: known.slice(first), tested: parts, ahead: steps ? [future] : [] };
}

// Outlines around the interval of each path: there along the upper end, back along the lower.
function outlines(parts) {
  const across = [], heights = [];
  for (const [places, , lower, upper] of parts) {
    if (!lower.length || Number.isNaN(lower[lower.length - 1])) continue;
    across.push(...places, ...[...places].reverse(), places[0], null);
    heights.push(...upper, ...[...lower].reverse(), upper[0], null);
  }
  return [across, heights];
}

function joined(parts) {
  return parts.flatMap(([places, values]) => [...places.map((at, row) => [at, values[row]]), [null, null]]);
}

function colouredBy(part, style, key = "") {
  if (typeof part === "string") return part.startsWith("--") ? style.getPropertyValue(part).trim() : part;
  if (part === null || typeof part !== "object") return part;
  if (Array.isArray(part)) return part.map((inner) => colouredBy(inner, style, key));
  return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, colouredBy(inner, style, name)]));
}

// The figure of a series, colours by name.
function figureOf(series, place) {
  const { head } = series;
  const { moments, last, known, tested, ahead } = linesOf(series, place);
  const x = (at) => (at === null ? null : head.kind === "text" ? series.stamp(moments[at]) : moments[at]);
  const line = (name, points, color, more = {}) => ({
    type: "scatter", mode: "lines", name, x: points.map(([at]) => x(at)), y: points.map(([, value]) => value),
    line: { color, width: more.width ?? 1.8, dash: more.dash ?? "solid" }, ...more.trace });
  const traces = [];
  const [across, heights] = outlines([...tested, ...ahead]);
  if (across.length) {
    traces.push({ type: "scatter", mode: "lines", name: head.interval, x: across.map(x), y: heights, fill: "toself",
      fillcolor: "--interval", line: { width: 0.7, color: "--edge" }, hoverinfo: "skip", legendrank: 1002 });
  }
  traces.push(line("known", known.map((value, at) => [at, value]), "--actual"));
  const marks = { trace: { mode: tested.every(([path]) => path.length === 1) ? "markers" : "lines" } };
  if (tested.length) traces.push(line("test forecast", joined(tested), "--model", { width: 1.5, dash: "dot", ...marks }));
  if (ahead.length) {
    const mode = ahead[0][0].length <= 15 ? "lines+markers" : "lines";
    traces.push(line("forecast ahead", joined(ahead).slice(0, -1), "--model", { width: 2.4, trace: { mode, marker: { size: 5 } } }));
  }
  const places = series.decimals(place);
  const format = places > 8 ? ".5g" : `,.${Math.max(0, places)}f`;
  const axis = { date: { type: "date" }, step: { type: "linear" }, text: { type: "category" } }[head.kind];
  const end = { type: "line", x0: x(last), x1: x(last), y0: 0, y1: 1, yref: "paper", line: { color: "--soft", width: 1, dash: "dot" } };
  const layout = { ...head.looks, showlegend: true, shapes: [end], xaxis: { ...head.looks.xaxis, ...axis },
    yaxis: { ...head.looks.yaxis, hoverformat: format }, margin: { ...head.looks.margin, t: 34 } };
  return { data: traces, layout };
}

// A picture of a series without axes. What of an interval lies far beyond the lines is cut off.
function smallPicture(series, place) {
  const [WIDTH, HEIGHT] = [200, 60];
  const { moments, known, tested, ahead } = linesOf(series, place);
  const points = [...known, ...[...tested, ...ahead].flatMap(([, values]) => values)].filter((value) => !Number.isNaN(value));
  const ends = [...tested, ...ahead].flatMap(([, , lower, upper]) => [...lower, ...upper]).filter((value) => !Number.isNaN(value));
  let [low, high] = [Math.min(...points), Math.max(...points)];
  const room = high - low || Math.abs(high) || 1;
  [low, high] = [Math.max(low - room / 2, Math.min(low, ...ends)), Math.min(high + room / 2, Math.max(high, ...ends))];
  const x = (at) => ((at / Math.max(1, moments.length - 1)) * WIDTH).toFixed(1);
  const y = (value) => {
    const height = HEIGHT - 2 - ((value - low) / (high - low || 1)) * (HEIGHT - 4);
    return Math.min(HEIGHT, Math.max(0, height)).toFixed(1);
  };
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const path = (places, values, kind) => {
    const there = places.filter((_, row) => !Number.isNaN(values[row]));
    const heights = values.filter((value) => !Number.isNaN(value));
    const text = there.map((at, row) => `${x(at)},${y(heights[row])}`).join(" ");
    if (there.length) svg.append(element(kind === "band" ? "polygon" : "polyline", { points: text, class: kind }));
  };
  for (const [places, , lower, upper] of [...tested, ...ahead]) {
    path([...places, ...[...places].reverse()], [...upper, ...[...lower].reverse()], "band");
  }
  path([...known.keys()], known, "known");
  for (const [places, values] of tested) path(places, values, "tested");
  for (const [places, values] of ahead) path(places, values, "ahead");
  return svg;
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}
