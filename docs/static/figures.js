"use strict";
// Draws the page's plotly figures as wide as the column, and again where its width changes.
for (const place of document.querySelectorAll(".figure")) {
  const { data, layout } = JSON.parse(place.querySelector("script").textContent);
  delete layout.width;
  const drawn = document.createElement("div");
  place.append(drawn);
  if (matchMedia("(max-width: 600px)").matches) {
    layout.title = { ...layout.title, font: { ...(layout.title || {}).font, size: 11 } };
    layout.margin = { ...layout.margin, l: 45, r: 10 };
  }
  Plotly.newPlot(drawn, data, { height: 420, ...layout, autosize: true }, { responsive: true, displayModeBar: false });
}
