"use strict";
(() => {
  const data = JSON.parse(document.getElementById("explain-data").textContent);
  const again = []; // what is drawn anew for another width or another scheme
  const named = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);
  const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const narrow = () => matchMedia("(max-width: 800px)").matches;

  function made(name, text, attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  }

  function plain(value) {
    const size = Math.abs(value);
    if (!Number.isFinite(value)) return "-";
    if (size && (size < 1e-3 || size >= 1e7)) return value.toExponential(3);
    return value.toLocaleString("en", { maximumSignificantDigits: 5 });
  }

  // A canvas as sharp as the screen, and its width and height as the page counts them.
  function sized(canvas, height) {
    const width = canvas.parentElement.clientWidth, sharp = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width, height };
  }

  function rgb(colour) {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }

  function valueAt(heat, row, column) {
    heat.numbers ??= bytes(heat.u1);
    return heat.low + (heat.numbers[row * heat.shape[1] + column] / 254) * (heat.high - heat.low);
  }

  // Cells from the colour of the card to blue, and below zero to orange.
  function painted(heat) {
    const [back, up, down] = ["--card", "--model", "--naive"].map((name) => rgb(tone(name)));
    const [rows, columns] = heat.shape;
    const image = new ImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = valueAt(heat, row, column);
        const share = heat.signed ? Math.abs(value) / heat.high : (value - heat.low) / (heat.high - heat.low);
        const end = heat.signed && value < 0 ? down : up;
        const mix = back.map((part, at) => part + (end[at] - part) * Math.min(1, share) ** 0.8);
        image.data.set([...mix, 255], 4 * (row * columns + column));
      }
    }
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = [columns, rows];
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  }

  // A heat map that says what is pointed at. `given()` has the map, `tell(row, column)` what to say, `line` values above.
  function heatMap(place, given, tell, line) {
    const canvas = made("canvas", "", { tabindex: 0, role: "img" });
    const ends = made("div", "", { class: "ends" }), said = made("p", "", { class: "said", "aria-live": "polite" });
    place.replaceChildren(canvas, ends, said);
    let at = null;
    const above = line ? 76 : 0;
    const height = (heat) => above + Math.max(36, Math.min(360, heat.shape[0] * Math.max(6, Math.min(26, 300 / heat.shape[0]))));
    function draw() {
      const heat = given();
      const { pen, width, height: tall } = sized(canvas, height(heat));
      const [rows, columns] = heat.shape;
      pen.imageSmoothingEnabled = false;
      pen.drawImage(painted(heat), 0, above, width, tall - above);
      if (line) {
        const [low, high] = [Math.min(...line), Math.max(...line)];
        pen.beginPath();
        line.forEach((value, column) => {
          const x = ((column + 0.5) / columns) * width, y = 66 - (56 * (value - low)) / (high - low || 1);
          if (column) pen.lineTo(x, y); else pen.moveTo(x, y);
        });
        pen.strokeStyle = tone("--actual");
        pen.lineWidth = 1.6;
        pen.stroke();
      }
      ends.replaceChildren(made("span", plain(heat.low)), made("i", ""), made("span", plain(heat.high)));
      const [from, to] = [heat.signed ? "var(--naive), var(--card)" : "var(--card)", "var(--model)"];
      ends.children[1].style.background = `linear-gradient(to right, ${from}, ${to})`;
      if (at) {
        const [row, column] = [Math.min(at[0], rows - 1), Math.min(at[1], columns - 1)];
        const [wide, high] = [width / columns, (tall - above) / rows];
        pen.strokeStyle = tone("--ink");
        pen.lineWidth = 1.5;
        pen.strokeRect(column * wide, above + row * high, Math.max(wide, 2), Math.max(high, 2));
        pen.globalAlpha = 0.35;
        pen.strokeRect((column + 0.5) * wide, 0, 0, tall);
        pen.globalAlpha = 1;
        said.replaceChildren(...tell(row, column));
        canvas.setAttribute("aria-label", said.textContent);
      } else {
        said.textContent = "";
        canvas.setAttribute("aria-label", `${rows} rows, ${columns} columns, between ${plain(heat.low)} and ${plain(heat.high)}. Move with the arrow keys.`);
      }
    }
    function point(event) {
      const box = canvas.getBoundingClientRect(), heat = given(), [rows, columns] = heat.shape;
      const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
      const row = Math.floor(((event.clientY - box.top - above) / (box.height - above)) * rows);
      at = [Math.max(0, Math.min(rows - 1, row)), Math.max(0, Math.min(columns - 1, column))];
      draw();
    }
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const [rows, columns] = given().shape, move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      const [row, column] = at ?? [0, columns];
      at = [Math.max(0, Math.min(rows - 1, row + move[0])), Math.max(0, Math.min(columns - 1, column + move[1]))];
      draw();
    });
    again.push(draw);
    draw();
    return draw;
  }

  const strong = (text) => made("b", text);

  function choice(place, title, options, change) {
    const label = made("label", title), select = made("select", "");
    options.forEach((option, at) => select.append(made("option", option, { value: at })));
    select.addEventListener("change", () => change(Number(select.value)));
    label.append(select);
    place.append(label);
    return select;
  }

  function slider(place, title, most, start, text, change) {
    const label = made("label", ""), output = made("output", text(start));
    const input = made("input", "", { type: "range", min: 0, max: most, step: 1 });
    input.value = start;
    input.addEventListener("input", () => { output.textContent = text(Number(input.value)); change(Number(input.value)); });
    label.append(made("span", title), output, input);
    place.append(label);
    return { input, set: (value) => { input.value = value; output.textContent = text(value); } };
  }

  // Lines over a common axis: each has a name, a colour, values (NaN is a gap) and the place of its first.
  function plot(place, given) {
    let edges = [0, 1, 0, 1]; // of the axis, in pixels and in places
    const names = made("div", "", { class: "names" }), canvas = made("canvas", "", { role: "img" });
    place.replaceChildren(names, canvas);
    function draw() {
      const { lines, from, to, labels, shades = [], zero } = given();
      const { pen, width, height } = sized(canvas, narrow() ? 220 : 280);
      const seen = lines.flatMap((line) => [...line.values].filter((value, at) => Number.isFinite(value) && line.first + at >= from && line.first + at <= to));
      if (zero) seen.push(0);
      let [low, high] = [seen.reduce((one, other) => Math.min(one, other), Infinity), seen.reduce((one, other) => Math.max(one, other), -Infinity)];
      if (!(low < high)) [low, high] = [low - 1, high + 1];
      const room = 0.08 * (high - low);
      [low, high] = [low - room, high + room];
      pen.font = "12px system-ui, sans-serif";
      const ticks = ticksOf(low, high);
      const left = Math.max(...ticks.map((tick) => pen.measureText(plain(tick)).width)) + 10, bottom = height - 24;
      const x = (at) => left + ((at - from) / (to - from || 1)) * (width - left - 8);
      edges = [left, width - 8, from, to];
      const y = (value) => 8 + ((high - value) / (high - low)) * (bottom - 8);
      pen.lineWidth = 1;
      ticks.forEach((tick) => {
        pen.strokeStyle = tone("--grid");
        pen.beginPath(); pen.moveTo(left, y(tick)); pen.lineTo(width - 8, y(tick)); pen.stroke();
        pen.fillStyle = tone("--soft");
        pen.textAlign = "right"; pen.textBaseline = "middle";
        pen.fillText(plain(tick), left - 6, y(tick));
      });
      for (const { first, last, colour } of shades) {
        pen.fillStyle = tone(colour);
        const begin = Math.max(x(first), left);
        pen.fillRect(begin, 8, Math.max(3, x(last) - begin), bottom - 8);
      }
      pen.save();
      pen.beginPath(); pen.rect(left, 0, width - left, bottom + 1); pen.clip();
      for (const line of lines) {
        pen.strokeStyle = tone(line.colour);
        pen.lineWidth = line.width ?? 1.6;
        pen.setLineDash(line.dash ?? []);
        pen.beginPath();
        let open = false;
        line.values.forEach((value, at) => {
          if (!Number.isFinite(value)) { open = false; return; }
          if (open) pen.lineTo(x(line.first + at), y(value)); else pen.moveTo(x(line.first + at), y(value));
          open = true;
        });
        pen.stroke();
      }
      pen.restore();
      pen.setLineDash([]);
      pen.fillStyle = tone("--soft");
      pen.textBaseline = "alphabetic";
      [[from, "left"], [to, "right"]].forEach(([at, side]) => {
        pen.textAlign = side;
        pen.fillText(labels(at), side === "left" ? left : width - 8, height - 6);
      });
      names.replaceChildren(...lines.filter((line) => line.name).map((line) => {
        const entry = made("span", ""), swatch = made("i", "");
        swatch.style.background = `var(${line.colour})`;
        entry.append(swatch, line.name);
        return entry;
      }));
      canvas.setAttribute("aria-label", lines.filter((line) => line.name).map((line) => `${line.name} from ${plain(line.values[0])} to ${plain(line.values[line.values.length - 1])}`).join("; "));
    }
    again.push(draw);
    draw();
    const pointed = (event) => {
      const [left, right, from, to] = edges;
      return Math.round(from + ((event.clientX - canvas.getBoundingClientRect().left - left) / (right - left)) * (to - from));
    };
    return { draw, canvas, pointed };
  }

  function ticksOf(low, high) {
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
    const ticks = [];
    for (let tick = Math.ceil(low / step); tick <= high / step; tick++) ticks.push(tick * step);
    return ticks;
  }

  function lags({ rows, columns, ...heat }) {
    heatMap(named("heat-lags"), () => heat, (row, column) => [`${columns[column]}, ${rows[row]}: `, strong(plain(valueAt(heat, row, column)))]);
  }

  function whatIf(grid) {
    const forecasts = floats(grid.forecasts), sizes = grid.sliders.map((each) => each.labels.length);
    const still = grid.sliders.map((each) => each.start);
    const places = [...still];
    const cell = (chosen) => {
      if (grid.together) return chosen.reduce((sum, place, which) => sum * sizes[which] + place, 0);
      const moved = Math.max(0, chosen.findIndex((place, which) => place !== still[which]));
      return sizes.slice(0, moved).reduce((sum, size) => sum + size, 0) + chosen[moved];
    };
    const at = (chosen) => [...forecasts.subarray(cell(chosen) * grid.steps, (cell(chosen) + 1) * grid.steps)];
    const chart = plot(named("plot-whatif"), () => ({
      lines: [
        { name: "as known", colour: "--other-2", values: [grid.naive, ...at(still)], first: 0, dash: [5, 4] },
        { name: "with these", colour: "--model", values: [grid.naive, ...at(places)], first: 0, width: 2.4 },
      ],
      from: 0, to: grid.steps, labels: (step) => (step ? grid.dates[step - 1] : "last known"),
    }));
    const handles = grid.sliders.map((each, which) => slider(
      named("whatif-sliders"), each.column, each.labels.length - 1, each.start, (place) => each.labels[place],
      (place) => {
        if (!grid.together) handles.forEach((handle, other) => { if (other !== which) { handle.set(still[other]); places[other] = still[other]; } });
        places[which] = place;
        chart.draw();
      },
    ));
  }

  function inside(found) {
    let [layer, quantity] = [0, 0];
    const kinds = Object.keys(found.layers[0].quantities);
    const heat = () => Object.values(found.layers[layer].quantities)[quantity];
    const draw = heatMap(named("heat-inside"), heat, (row, column) => {
      const { units, lives, quantities } = found.layers[layer];
      const all = Object.entries(quantities).flatMap(([name, each], at) => [at ? ", " : "", `${name} `, strong(plain(valueAt(each, row, column)))]);
      const life = lives ? `, half-life ${plain(lives[row])} rows` : "";
      return [`${found.dates[column]}: `, strong(plain(found.values[column])), `; unit ${units[row]}${life}: `, ...all];
    }, found.values);
    if (found.layers.length > 1) choice(named("inside-choices"), "Layer", found.layers.map(({ name }) => name), (at) => { layer = at; draw(); });
    choice(named("inside-choices"), "Show", kinds, (at) => { quantity = at; draw(); });
  }

  function attention({ layers }) {
    let layer = 0;
    const draw = heatMap(named("heat-attention"), () => layers[layer], (row, column) => {
      const { rows, columns } = layers[layer];
      return [`Rows ${rows[row]} take from rows ${columns[column]}: `, strong(`${(100 * valueAt(layers[layer], row, column)).toFixed(1)} %`)];
    });
    if (layers.length > 1) choice(named("attention-choices"), "Layer", layers.map((_, at) => `layer ${at + 1}`), (at) => { layer = at; draw(); });
  }

  // Stretches of states that lie closest to those of a chosen one, none over another.
  function alike(values, width, count, end, length) {
    const start = end - length + 1, found = [];
    for (let last = length - 1; last < count; last++) {
      if (Math.abs(last - end) < length) continue;
      let sum = 0;
      for (let step = 0; step < length * width; step++) {
        const away = values[(last - length + 1) * width + step] - values[start * width + step];
        sum += away * away;
      }
      found.push([Math.sqrt(sum / length), last]);
    }
    found.sort(([one], [other]) => one - other);
    const kept = [];
    for (const each of found) {
      if (kept.every(([, last]) => Math.abs(last - each[1]) >= length)) kept.push(each);
      if (kept.length === 5) break;
    }
    return kept;
  }

  function stretches(found) {
    const values = floats(found.values), { width, count, dates, series } = found;
    const longest = Math.max(2, Math.min(40, Math.floor(count / 6)));
    let [end, length] = [count - 1, Math.min(10, longest)];
    const after = () => Math.max(3, length);
    let matches = [];
    const overview = plot(named("plot-stretch"), () => ({
      lines: [{ colour: "--actual", values: series, first: 0, width: 1.2 }],
      from: 0, to: series.length - 1, labels: (at) => String(dates[at]),
      shades: [...matches.map(([, last]) => ({ first: last - length + 1, last, colour: "--edge" })), { first: end - length + 1, last: end, colour: "--naive" }],
    }));
    // From where the stretch ends: what came before and after, as a distance from there.
    const around = (last) => Array.from({ length: length + after() }, (_, step) => {
      const at = last - length + 1 + step;
      return at < series.length ? series[at] - series[last] : NaN;
    });
    const followed = plot(named("plot-followed"), () => ({
      lines: [
        ...matches.map(([, last], place) => ({ name: place ? "" : "alike", colour: "--edge", values: around(last), first: 1 - length, width: 1.3 })),
        { name: "chosen", colour: "--naive", values: around(end), first: 1 - length, width: 2.4 },
      ],
      from: 1 - length, to: after(), zero: true, labels: (at) => (at > 0 ? `${at} rows after` : `${-at} rows before its end`),
    }));
    const change = (last, rows) => (last + rows < series.length ? series[last + rows] - series[last] : NaN);
    function show() {
      matches = alike(values, width, count, end, length);
      const rows = after();
      const head = made("tr", "");
      ["alike", "distance", `change in the next ${rows} rows`].forEach((title) => head.append(made("th", title, { scope: "col" })));
      const body = matches.map(([away, last]) => {
        const row = made("tr", "");
        row.append(made("th", `${dates[last - length + 1]} to ${dates[last]}`, { scope: "row" }), made("td", away.toFixed(2)), made("td", plain(change(last, rows))));
        return row;
      });
      const [thead, tbody] = [made("thead", ""), made("tbody", "")];
      thead.append(head);
      tbody.append(...body);
      named("stretch-table").replaceChildren(thead, tbody);
      const changes = matches.map(([, last]) => change(last, rows)).filter(Number.isFinite);
      const up = changes.filter((each) => each > 0).length;
      const mean = changes.reduce((sum, each) => sum + each, 0) / changes.length;
      const own = change(end, rows);
      const told = [`Chosen: ${dates[end - length + 1]} to ${dates[end]}. After `, strong(String(changes.length)), " like it the target rose ", strong(`${up} times`), ", by ", strong(plain(mean)), ` on average over ${rows} rows`];
      if (Number.isFinite(own)) told.push("; after this one it changed by ", strong(plain(own)));
      named("stretch-said").replaceChildren(...told, ".");
      overview.draw();
      followed.draw();
    }
    const place = named("stretch-sliders");
    const last = slider(place, "Ends at", count - 1, end, (at) => String(dates[at]), (at) => { end = Math.max(at, length - 1); show(); });
    slider(place, "Rows", longest - 2, length - 2, (at) => String(at + 2), (at) => { length = at + 2; end = Math.max(end, length - 1); show(); });
    overview.canvas.addEventListener("click", (event) => {
      end = Math.max(length - 1, Math.min(count - 1, overview.pointed(event)));
      last.set(end);
      show();
    });
    show();
  }

  const parts = { lags, whatif: whatIf, inside, states: stretches, attention };
  Object.entries(parts).forEach(([name, show]) => data[name] && show(data[name]));
  let waiting = 0;
  const later = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => again.forEach((draw) => draw())); };
  window.addEventListener("resize", later);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
})();
