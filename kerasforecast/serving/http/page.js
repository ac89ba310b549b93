"use strict";
const at = (id) => document.getElementById(id);
const SHOWN = 60;  // rows of the past that are drawn
const PATHS = 12;  // of a model that draws whole futures
let models = [], found = null, sent = "", url = "";

function headers(more) {
  const token = at("token").value.trim();
  return token ? { ...more, authorization: `Bearer ${token}` } : more;
}

async function ask(path, body, type = "text/csv") {
  const kind = body === undefined ? {} : { "content-type": type };
  const answer = await fetch(path, { method: body === undefined ? "GET" : "POST", headers: headers(kind), body });
  let said;
  try { said = await answer.json(); } catch { said = { error: "The server gave no answer that can be read." }; }
  if (!answer.ok) throw new Error(said.error || `The server answered ${answer.status}.`);
  return said;
}

function tell(text, kind) {
  at("status").textContent = text;
  at("status").className = kind || "soft";
}

async function start() {
  try {
    models = (await ask("/v1/models")).models;
    const chosen = at("model").value;
    at("model").replaceChildren(...models.map((each) => new Option(each.name, each.name, false, each.name === chosen)));
    about();
    if (at("status").className === "bad") tell("Nothing was asked yet.");
  } catch (error) { tell(error.message, "bad"); }
}

function about() {
  const model = models.find((each) => each.name === at("model").value);
  if (!model) return;
  const columns = model.columns.join(", ");
  const verdict = model.verdict ? `On its test part: ${model.verdict}.` : "It was never tested.";
  const ahead = model.known.length ? ` Known ahead: ${model.known.join(", ")}.` : "";
  at("worth").textContent =
    `${verdict} It sees ${model.window} rows of ${columns} and forecasts ${model.target}.${ahead} ` +
    `Trained on data until ${model.trained_until ?? "an unknown date"}. Hash ${model.sha256.slice(0, 12)}.`;
  at("ahead").hidden = !model.given.length;
  at("asks").textContent = `Known of the rows ahead, unless the table goes on with it: date, ${model.given.join(", ")}`;
  at("future").placeholder = `date,${model.given.join(",")}`;
  drift();
}

async function drift() {
  const name = at("model").value;
  try {
    const said = await ask(`/v1/models/${encodeURIComponent(name)}/drift`);
    at("drifting").hidden = false;
    at("said").textContent = `${said.status}: ${said.rows} forecasts from ${said.start} to ${said.end}.`;
    at("said").className = { fine: "good", watch: "watch", retrain: "bad" }[said.status];
    at("signs").replaceChildren(...said.signs.map((sign) => {
      const line = document.createElement("li");
      line.textContent = sign.text;
      if (sign.status !== "fine") line.className = { watch: "watch", retrain: "bad" }[sign.status];
      return line;
    }));
  } catch (error) {
    at("drifting").hidden = error.message.includes("--watch");
    at("said").textContent = error.message;
    at("said").className = "soft";
    at("signs").replaceChildren();
  }
}

/* The newest values that were sent, to be drawn before the forecast: of the target's column, read as a person would. */
function past(series) {
  const lines = sent.trim().split(/\r?\n/);
  const mark = ["\t", ";", ","].find((each) => lines[0].includes(each)) || ",";
  const cells = lines.map((line) => line.split(mark).map((cell) => cell.trim().replace(/^"|"$/g, "")));
  const place = cells[0].findIndex((name) => name.toLowerCase() === found.target.toLowerCase());
  if (place < 0) return [];
  const own = series.id === null ? cells.slice(1) : cells.slice(1).filter((row) => row.includes(series.id));
  let numbers = own.map((row) => (row[place] ?? "").trim()).filter((cell) => cell !== "");
  if (mark !== ",") numbers = numbers.map((cell) => cell.replace(",", "."));
  numbers = numbers.map(Number);
  if (!numbers.every(Number.isFinite)) return [];
  const dates = own.map((row) => row.find((cell) => /^\d{4}-\d\d-\d\d/.test(cell)) || "");
  return dates.length > 1 && dates[0] > dates[dates.length - 1] ? numbers.reverse().slice(-SHOWN) : numbers.slice(-SHOWN);
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/* One way to write numbers that stand side by side: with as many decimals, six digits of the largest. */
function writer(values, last) {
  const largest = Math.max(...values.map(Math.abs));
  if (largest >= 1e15 || (largest > 0 && largest < 1e-6)) return (value) => value.toPrecision(6);
  const digits = last ?? Math.min(12, Math.max(0, 5 - Math.floor(Math.log10(largest || 1))));
  return (value) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/* Round numbers from `least` to `most`, and how to write them. */
function ticks(least, most) {
  const rough = (most - least) / 5 || Math.abs(most) / 5 || 1, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((each) => each >= rough) ?? 10 * unit;
  const found = [];
  for (let k = Math.ceil(least / step); k * step <= most && found.length < 12; k++) found.push(k * step);
  const digits = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return [found.length ? found : [least], writer(found, digits)];
}

function draw(series) {
  const known = past(series), point = series.point;
  const levels = Object.keys(series.quantiles).sort((a, b) => a - b);
  const bands = [];
  for (let k = 0; k < Math.floor(levels.length / 2); k++) {
    const low = levels[k], high = levels[levels.length - 1 - k];
    if (Math.abs(Number(low) + Number(high) - 1) < 1e-6) bands.push([low, high]);
  }
  const shown = bands.slice(0, 2);
  const all = [...known, ...point, ...(series.paths ?? []).flat(), ...shown.flatMap(([a, b]) => [...series.quantiles[a], ...series.quantiles[b]])];
  const wide = Math.max(320, at("chart").parentElement.clientWidth - 44), tall = wide < 500 ? 260 : 320;
  const left = 64, bottom = 26, top = 10, right = 8, count = known.length + point.length;
  const least = Math.min(...all), most = Math.max(...all), span = most - least || Math.abs(most) || 1;
  const x = (row) => left + (count > 1 ? row / (count - 1) : .5) * (wide - left - right);
  const y = (value) => top + (1 - (value - least + .04 * span) / (1.08 * span)) * (tall - top - bottom);
  const line = (values, from) => values.map((value, k) => `${x(from + k).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const parts = [];
  const [marks, written] = ticks(least, most);
  for (const value of marks) {
    parts.push(element("line", { class: "grid", x1: left, x2: wide - right, y1: y(value), y2: y(value) }));
    parts.push(element("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, written(value)));
  }
  const last = known.length ? [known[known.length - 1]] : [], from = known.length - last.length;
  shown.forEach(([low, high], k) => {
    const up = line([...last, ...series.quantiles[high]], from);
    const down = line([...last, ...series.quantiles[low]], from).split(" ").reverse().join(" ");
    parts.push(element("polygon", { class: k ? "inner" : "outer", points: `${up} ${down}` }));
  });
  for (const path of series.paths ?? []) parts.push(element("polyline", { class: "path", points: line([...last, ...path], from) }));
  if (known.length) parts.push(element("polyline", { class: "known", points: line(known, 0) }));
  parts.push(element("polyline", { class: "ahead", points: line([...last, ...point], from) }));
  const ends = [...new Set([series.dates[0], series.dates[point.length - 1]])].join(" to ");
  const middle = Math.min(Math.max((x(known.length) + x(count - 1)) / 2, left + 90), wide - right - 90);
  parts.push(element("text", { x: middle, y: tall - 8, "text-anchor": "middle" }, ends));
  const chart = at("chart");
  chart.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
  chart.replaceChildren(...parts);
  chart.removeAttribute("hidden");
  const widths = shown.map(([low, high]) => `${Math.round((high - low) * 100)} %`).join(" and ");
  at("legend").textContent = `Solid: what was sent. Dashed: the forecast of ${found.target}` + (widths ? `, in intervals of ${widths}.` : ".") +
    (series.paths ? ` Thin: ${series.paths.length} of its paths, each equally likely.` : "");
  at("legend").hidden = false;
}

function show() {
  const series = found.series[Number(at("series").value) || 0];
  draw(series);
  const levels = Object.keys(series.quantiles);
  const short = writer([...series.point, ...levels.flatMap((level) => series.quantiles[level])]);
  const row = (cells, kind) => {
    const made = document.createElement("tr");
    made.replaceChildren(...cells.map((cell, k) => {
      const each = document.createElement(kind === "td" && k === 0 ? "th" : kind);
      if (each.tagName === "TH") each.scope = kind === "td" ? "row" : "col";
      each.textContent = cell;
      return each;
    }));
    return made;
  };
  const head = document.createElement("thead"), body = document.createElement("tbody");
  head.append(row(["date", "forecast", ...levels], "th"));
  body.append(...series.dates.map((date, k) =>
    row([date, short(series.point[k]), ...levels.map((level) => short(series.quantiles[level][k]))], "td")));
  at("rows").replaceChildren(head, body);
  at("rows").parentElement.hidden = false;
}

function save() {
  const quoted = (cell) => `"${String(cell).replaceAll('"', '""')}"`;
  const levels = Object.keys(found.series[0].quantiles), ids = found.series[0].id !== null;
  const lines = [[...(ids ? ["id"] : []), "date", "forecast", ...levels.map((level) => `q${level}`)].join(",")];
  for (const series of found.series)
    series.dates.forEach((date, k) => lines.push(
      [...(ids ? [quoted(series.id)] : []), date, series.point[k], ...levels.map((level) => series.quantiles[level][k])].join(",")));
  URL.revokeObjectURL(url);
  url = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  at("save").href = url;
  at("save").hidden = false;
}

async function forecast(event) {
  event.preventDefault();
  const table = at("table").value;
  if (!table.trim()) { tell("Paste a table first, or drop a file.", "bad"); at("table").focus(); return; }
  const button = at("form").querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");  // it keeps the focus, which one that is disabled loses
  tell("Asking …");
  try {
    const path = `/v1/models/${encodeURIComponent(at("model").value)}/forecast`, steps = Number(at("steps").value);
    const model = models.find((each) => each.name === at("model").value);
    const future = at("ahead").hidden ? "" : at("future").value.trim();
    const paths = model && steps <= model.horizon ? Math.min(PATHS, model.paths) : 0;
    const whole = { history: table, steps, paths, ...(future ? { future } : {}) };
    const answer = future || paths
      ? await ask(path, JSON.stringify(whole), "application/json") : await ask(`${path}?steps=${steps}`, table);
    found = answer; sent = table;
    const several = found.series.length > 1;
    at("choice").hidden = !several;
    at("series").replaceChildren(...found.series.map((each, k) => new Option(each.id ?? found.target, k)));
    tell([`${found.series.length} series, ${found.series[0].dates.length} rows ahead, by ${found.model} (${found.sha256.slice(0, 12)}).`, ...found.notes].join(" "));
    show(); save();
  } catch (error) { tell(error.message, "bad"); }
  button.setAttribute("aria-disabled", "false");
}

async function post() {
  try {
    const said = await ask(`/v1/models/${encodeURIComponent(at("model").value)}/outcomes`, at("table").value);
    tell(`${said.rows} rows are kept as outcomes.`);
    await drift();
  } catch (error) { tell(error.message, "bad"); }
}

async function take(file) {
  if (!file) return;
  if (file.size > 64 * 2 ** 20) { tell("That file is too large for a page: send it to the server itself.", "bad"); return; }
  at("table").value = await file.text();
  tell(`${file.name} was read. Press Forecast.`);
}

at("form").addEventListener("submit", forecast);
at("model").addEventListener("change", about);
at("token").addEventListener("change", start);
at("series").addEventListener("change", show);
at("post").addEventListener("click", post);
at("file").addEventListener("change", (event) => take(event.target.files[0]));
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    at("table").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
window.addEventListener("resize", () => { if (found) draw(found.series[Number(at("series").value) || 0]); });
start();
