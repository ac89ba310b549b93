"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 800px)");
  const coarse = matchMedia("(pointer: coarse)").matches;

  // Figures name their colours as style variables ("--model"); the style sheet has them for light and dark.
  function coloured(part, key, style) {
    if (typeof part === "string") {
      return /color$/.test(key) && part.startsWith("--") ? style.getPropertyValue(part).trim() : part;
    }
    if (Array.isArray(part)) return part.map((inner) => coloured(inner, key, style));
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, coloured(inner, name, style)]));
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    figures.forEach((figure, number) => {
      const { data, layout } = coloured(figure, "", style);
      if (narrow.matches) {
        Object.assign(layout.legend, { entrywidth: 0.5, entrywidthmode: "fraction" });
        layout.annotations = []; // no room: the names of neighbouring marks would meet
      }
      if (coarse) layout.dragmode = false; // a finger on a chart scrolls the page
      Plotly.react(`figure-${number}`, data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
    });
  }

  draw();
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
})();
