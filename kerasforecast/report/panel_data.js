"use strict";
// The series of this page, as kerasforecast/report/carried.py writes them.
async function readSeries() {
  const MISSING = 65535;
  const KINDS = { f8: Float64Array, f4: Float32Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };
  const head = JSON.parse(document.getElementById("series").textContent);
  const count = head.ids.length;
  const arrays = await unpacked();
  const widths = { rows: head.tail, known: head.tail, tested: head.tail, coming: head.steps, ahead: head.steps };
  Object.entries(widths).forEach(([name, width]) => addUp(arrays[name], width));

  async function unpacked() {
    const packed = Uint8Array.from(atob(document.getElementById("curves").textContent), (sign) => sign.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const content = await new Response(stream).arrayBuffer();
    const view = ([kind, begin, length]) => new KINDS[kind](content, begin, length);
    return Object.fromEntries(Object.entries(head.arrays).map(([name, where]) => [name, view(where)]));
  }

  // Each number is its difference from the one before; the array's type takes care of the modulus.
  function addUp(array, width) {
    for (let at = 0; at < array.length; at++) if (at % width) array[at] += array[at - 1];
  }

  // A line of a curve: 0 the forecast, 1 and 2 the ends of its interval. NaN stands where there is nothing.
  function curve(name, place, line = 0) {
    const width = widths[name], begin = (line * count + place) * width;
    const [low, room] = [arrays.low[place], arrays.high[place] - arrays.low[place]];
    return Array.from(arrays[name].subarray(begin, begin + width), (step) =>
      step === MISSING ? NaN : low + (step / (MISSING - 1)) * room);
  }

  function moments(name, place) {
    const width = widths[name];
    return Array.from(arrays[name].subarray(place * width, (place + 1) * width), (at) => arrays.when[at]);
  }

  // ISO 8601, with the time of day only where a date of this page has one.
  const days = arrays.when.every((moment) => moment % 86400000 === 0);
  function stamp(moment) {
    if (head.kind === "text") return head.labels[moment];
    if (head.kind === "step") return String(moment);
    const date = new Date(moment);
    return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, days ? 10 : 19);
  }

  // How many decimals the steps between a series' numbers leave, and a number with them.
  function decimals(place) {
    const step = (arrays.high[place] - arrays.low[place]) / (MISSING - 1) || 1e-3;
    return Math.floor(-Math.log10(step));
  }
  function number(value, place) {
    if (Number.isNaN(value)) return "-";
    const places = decimals(place);
    if (places > 8 || Math.abs(value) >= 1e15) return value.toPrecision(5);
    const digits = Math.max(0, places);
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function score(name, place) {
    return arrays[`score-${name}`]?.[place] ?? NaN;
  }

  function scoreText(value, form) {
    if (Number.isNaN(value)) return "-";
    if (form === "truth") return value ? "yes" : "no";
    if (form === "share") return `${(100 * value).toFixed(1)}%`;
    if (form === "percent") return `${value.toFixed(2)} %`;
    if (form === null || Math.abs(value) >= 1e6) return value.toPrecision(5).replace("+", "");
    return value.toLocaleString("en", { minimumFractionDigits: form, maximumFractionDigits: form });
  }

  const begins = (place) => arrays.begins.subarray(place * head.tail, (place + 1) * head.tail);
  const note = (place) => head.notes[arrays.note[place]];
  const rank = (place) => arrays.rank[place];
  return { head, count, curve, moments, begins, stamp, decimals, number, score, scoreText, note, rank };
}
