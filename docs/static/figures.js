"use strict";
// Draws the page's plotly figures as wide as the column, and again where its width changes.
for (const place of document.querySelectorAll(".plotly-figure")) {
  const { data, layout } = JSON.parse(place.querySelector("script").textContent);
  const narrow = matchMedia("(max-width: 600px)").matches;
  if (narrow) {
    layout.title = { ...layout.title, font: { ...(layout.title || {}).font, size: 11 } };
    layout.margin = { ...layout.margin, l: 48, r: 12 };
    layout.legend = { ...layout.legend, orientation: "h", x: 0, xanchor: "left", y: -0.2, yanchor: "top" };
  }
  const drawn = document.createElement("div");
  place.append(drawn);
  Plotly.newPlot(drawn, data, { height: narrow ? 460 : 420, ...layout, width: place.clientWidth }, { displayModeBar: false });
  addEventListener("resize", () => Plotly.relayout(drawn, { width: place.clientWidth }));
}
