"use strict";
(async () => {
  const ROWS = 25; // of the list, at once
  const FOUND = 40; // series that the search box lists
  const series = await readSeries();
  const { head, count } = series;
  const named = (id) => document.getElementById(id);
  const [search, found, filter] = ["series-search", "series-found", "list-search"].map(named);
  const lower = head.ids.map((id) => id.toLowerCase());
  const scored = Array.from({ length: count }, (_, place) => place).filter((place) => series.rank(place) < head.scored);
  const half = (head.scored - 1) / 2;
  const middle = scored.reduce((best, place) =>
    Math.abs(series.rank(place) - half) < Math.abs(series.rank(best) - half) ? place : best, 0);
  let current = middle;
  let sorted = { name: "mase", up: true };
  let order = []; // places in the list, as sorted and filtered
  let page = 0;
  let active = -1; // of the series that the search box lists

  // The text of an element without children, or one made of it.
  function made(name, text, attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  }

  // Plotly's script is unpacked by the page's own.
  function plotly() {
    return new Promise((done) => {
      const look = () => (window.Plotly ? done() : setTimeout(look, 30));
      look();
    });
  }

  async function draw(id, { data, layout }) {
    await plotly();
    const style = getComputedStyle(document.documentElement);
    const narrow = matchMedia("(max-width: 800px)").matches;
    const shown = colouredBy(layout, style);
    if (narrow) shown.legend = { ...shown.legend, entrywidth: 0.5, entrywidthmode: "fraction", font: { size: 11 } };
    if (matchMedia("(pointer: coarse)").matches) shown.dragmode = false; // a finger on a chart scrolls the page
    const settings = { responsive: true, displaylogo: false, displayModeBar: false };
    return Plotly.react(id, colouredBy(data, style), shown, settings);
  }

  // Shows a series above; `come` brings the reader there.
  function pick(place, come = false) {
    current = place;
    const rank = series.rank(place), note = series.note(place);
    const where = rank < head.scored ? `${(rank + 1).toLocaleString("en")} of ${head.scored.toLocaleString("en")} by MASE, best first` : "not scored";
    named("series-name").textContent = head.ids[place];
    named("series-place").textContent = [where, note].filter(Boolean).join("; ");
    const there = head.scores.filter(([name]) => !Number.isNaN(series.score(name, place)));
    const facts = there.map(([name, title, form]) => {
      const pair = document.createElement("div");
      const words = /^(best|naive)_mase$/.test(name) ? `MASE of ${title}` : title;
      pair.append(made("dt", words), made("dd", series.scoreText(series.score(name, place), form)));
      return pair;
    });
    named("series-facts").replaceChildren(...facts);
    tellAhead(place);
    document.querySelectorAll(".small").forEach((each) => mark(each));
    document.querySelectorAll("#series-list tbody button").forEach((each) => mark(each));
    draw("series-chart", figureOf(series, place));
    if (come) {
      const name = named("series-name");
      name.closest("section").scrollIntoView();
      name.tabIndex = -1;
      name.focus({ preventScroll: true });
    }
  }

  function mark(button) {
    if (Number(button.dataset.place) === current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  // The rows to come as a table, and the chart in words.
  function tellAhead(place) {
    const rows = [0, 1, 2].map((line) => series.curve("ahead", place, line));
    const dates = series.moments("coming", place);
    const titles = ["", "forecast", ...(head.interval ? [`${head.interval}, from`, "to"] : [])];
    const top = document.createElement("tr");
    titles.forEach((title) => top.append(made("th", title, { scope: "col" })));
    const body = dates.flatMap((moment, at) => {
      if (Number.isNaN(rows[0][at])) return [];
      const row = document.createElement("tr");
      row.append(made("th", series.stamp(moment), { scope: "row" }));
      titles.slice(1).forEach((_, line) => row.append(made("td", series.number(rows[line][at], place))));
      return [row];
    });
    const [thead, tbody] = [document.createElement("thead"), document.createElement("tbody")];
    thead.append(top);
    tbody.append(...body);
    named("series-ahead").replaceChildren(thead, tbody);
    const known = series.curve("known", place), rowsOf = series.moments("rows", place);
    const told = [`last known ${series.number(known[known.length - 1], place)} at ${series.stamp(rowsOf[known.length - 1])}`];
    const end = body[body.length - 1]?.cells;
    if (end) told.push(`forecast of ${end[0].textContent} ${end[1].textContent}`);
    named("series-chart").setAttribute("aria-label", `${head.ids[place]}: ${told.join("; ")}.`);
  }

  function step(by) {
    const at = order.indexOf(current);
    if (order.length) pick(order[at < 0 ? 0 : (at + by + order.length) % order.length]);
  }

  // The search box lists what its text is part of: first what begins with it.
  function matches() {
    const query = search.value.trim().toLowerCase();
    const all = order.filter((place) => lower[place].includes(query));
    const first = all.filter((place) => lower[place].startsWith(query));
    return [...first, ...all.filter((place) => !lower[place].startsWith(query))];
  }

  function list(open) {
    const places = open ? matches() : [];
    const options = places.slice(0, FOUND).map((place, at) => {
      const option = made("li", head.ids[place], { role: "option", id: `found-${at}` });
      option.dataset.place = place;
      option.append(made("span", series.scoreText(series.score("mase", place), 3)));
      return option;
    });
    if (open && !options.length) options.push(made("li", "No such series on this page.", { role: "option", "aria-disabled": "true" }));
    if (places.length > FOUND) options.push(made("li", `and ${(places.length - FOUND).toLocaleString("en")} more`, { role: "option", "aria-disabled": "true" }));
    found.replaceChildren(...options);
    found.hidden = !open;
    search.setAttribute("aria-expanded", String(open));
    activate(-1);
  }

  function activate(at) {
    const options = [...found.querySelectorAll("[data-place]")];
    active = options.length ? Math.max(-1, Math.min(at, options.length - 1)) : -1;
    options.forEach((option, other) => option.setAttribute("aria-selected", String(other === active)));
    if (active >= 0) {
      options[active].scrollIntoView({ block: "nearest" });
      search.setAttribute("aria-activedescendant", options[active].id);
    } else search.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    if (!option?.dataset.place) return;
    ask("");
    list(false);
    pick(Number(option.dataset.place));
  }

  // Both boxes hold the same text: one finds a series, the other shortens the list.
  function ask(text) {
    search.value = filter.value = text;
    arrange();
  }

  function arrange() {
    const query = filter.value.trim().toLowerCase();
    const { name, up } = sorted;
    const names = new Intl.Collator("en", { numeric: true });
    const value = (place) => (name === "note" ? series.note(place) : series.score(name, place));
    const compare = (one, other) => {
      if (name === "id") return (up ? 1 : -1) * names.compare(head.ids[one], head.ids[other]);
      const [mine, theirs] = [value(one), value(other)];
      if (name === "note") return (up ? 1 : -1) * names.compare(mine, theirs) || one - other;
      if (Number.isNaN(mine) || Number.isNaN(theirs)) return Number.isNaN(mine) - Number.isNaN(theirs) || one - other;
      return (up ? mine - theirs : theirs - mine) || one - other;
    };
    order = Array.from({ length: count }, (_, place) => place).filter((place) => lower[place].includes(query)).sort(compare);
    page = 0;
    show();
  }

  function heading(name, title) {
    const cell = made("th", "", { scope: "col" });
    const own = sorted.name === name;
    const button = made("button", `${title}${own ? (sorted.up ? " ↑" : " ↓") : ""}`, { type: "button" });
    if (own) cell.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
    button.addEventListener("click", () => {
      sorted = { name, up: own ? !sorted.up : true };
      arrange();
      document.querySelector(`#series-list th[aria-sort] button`)?.focus();
    });
    cell.append(button);
    return cell;
  }

  function show() {
    const notes = head.notes.some(Boolean);
    const [thead, tbody, top] = ["thead", "tbody", "tr"].map((name) => document.createElement(name));
    top.append(heading("id", head.key), ...head.scores.map(([name, title]) => heading(name, title)));
    if (notes) top.append(heading("note", "note"));
    thead.append(top);
    const shown = order.slice(page * ROWS, (page + 1) * ROWS);
    for (const place of shown) {
      const row = document.createElement("tr");
      const [name, button] = [made("th", "", { scope: "row" }), made("button", head.ids[place], { type: "button" })];
      button.dataset.place = place;
      mark(button);
      button.addEventListener("click", () => pick(place, true));
      name.append(button);
      row.append(name, ...head.scores.map(([key, , form]) => made("td", series.scoreText(series.score(key, place), form))));
      if (notes) row.append(made("td", series.note(place)));
      tbody.append(row);
    }
    named("series-list").replaceChildren(thead, tbody);
    const [from, to] = [page * ROWS + 1, page * ROWS + shown.length].map((row) => row.toLocaleString("en"));
    const said = order.length ? `${from} to ${to} of ${order.length.toLocaleString("en")}` : "No such series on this page.";
    named("list-said").textContent = said;
    named("list-before").disabled = page === 0;
    named("list-after").disabled = (page + 1) * ROWS >= order.length;
  }

  function smalls() {
    for (const [name, places] of Object.entries(head.ends)) {
      const buttons = places.map((place) => {
        const button = made("button", "", { type: "button", class: "small", title: head.ids[place] });
        button.dataset.place = place;
        button.append(made("span", head.ids[place]), made("span", `MASE ${series.scoreText(series.score("mase", place), 3)}`));
        button.append(smallPicture(series, place));
        button.addEventListener("click", () => pick(place, true));
        return button;
      });
      named(`smalls-${name}`)?.replaceChildren(...buttons);
    }
  }

  // A dot a series: below the line the model is the better one.
  function pairs() {
    const places = scored.filter((place) => series.score("mase", place) > 0 && series.score("best_mase", place) > 0);
    const [x, y] = ["best_mase", "mase"].map((name) => places.map((place) => series.score(name, place)));
    const ends = [x, y].flat().reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 0]);
    const plain = (id) => id.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`); // plotly takes text for markup
    const ticks = [];
    for (let power = Math.floor(Math.log10(ends[0])); power <= Math.log10(ends[1]); power++) {
      ticks.push(...(ends[1] > 8 * ends[0] ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7]).map((digit) => Number(`${digit}e${power}`)));
    }
    const texts = ticks.map((tick) => (tick >= 1e-4 && tick < 1e6 ? String(tick) : tick.toExponential()));
    const axis = (axis, text) => ({ ...axis, type: "log", tickvals: ticks, ticktext: texts, title: { text, standoff: 8 } });
    const dots = { type: "scatter", mode: "markers", name: "series", x, y, customdata: places,
      text: places.map((place) => plain(head.ids[place])), hovertemplate: "%{text}<br>model %{y:.3f}, best simple %{x:.3f}<extra></extra>",
      marker: { color: "--model", size: places.length > 500 ? 4 : 6, opacity: places.length > 500 ? 0.5 : 0.75 } };
    const even = { type: "scatter", mode: "lines", name: "as good", x: ends, y: ends, hoverinfo: "skip", line: { color: "--naive", width: 1.5, dash: "dash" } };
    const layout = { ...head.looks, hovermode: "closest", showlegend: true, margin: { ...head.looks.margin, t: 34 },
      xaxis: axis(head.looks.xaxis, "MASE of the best simple forecast"), yaxis: axis(head.looks.yaxis, "MASE of the model") };
    return { data: [even, dots], layout };
  }

  async function drawPairs() {
    if (named("pairs-chart")) await draw("pairs-chart", pairs());
  }

  function listen() {
    search.addEventListener("input", () => { ask(search.value); list(true); });
    filter.addEventListener("input", () => ask(filter.value));
    search.addEventListener("blur", () => list(false));
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (found.hidden) list(true);
        activate(active + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter") choose(found.querySelectorAll("[data-place]")[Math.max(0, active)]);
      else if (event.key === "Escape") { ask(""); list(false); }
    });
    found.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(event.target.closest("li")); });
    named("series-before").addEventListener("click", () => step(-1));
    named("series-after").addEventListener("click", () => step(1));
    named("list-before").addEventListener("click", () => { page--; show(); });
    named("list-after").addEventListener("click", () => { page++; show(); });
    const again = () => { draw("series-chart", figureOf(series, current)); drawPairs(); };
    ["(prefers-color-scheme: dark)", "(max-width: 800px)"].forEach((media) => matchMedia(media).addEventListener("change", again));
  }

  listen();
  arrange();
  smalls();
  pick(current);
  await drawPairs();
  named("pairs-chart")?.on("plotly_click", ({ points }) => points[0].customdata !== undefined && pick(points[0].customdata, true));
})();
