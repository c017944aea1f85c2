// A line of what a rate was lately; the number beside it says the same to who cannot see it.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 28;

function sparkline(rates) {
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (rates.length > 1) {
    const line = points(rates);
    const first = line[0].split(" ")[0];
    svg.append(drawn("path", { class: "area", d: `M${first} ${HEIGHT}L${line.join("L")}L${WIDTH} ${HEIGHT}` }));
    svg.append(drawn("path", { class: "line", d: `M${line.join("L")}` }));
  }
  return svg;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The newest at the right edge.
function points(rates) {
  const most = Math.max(...rates) || 1;
  const step = WIDTH / (KEPT - 2);
  return rates.map((rate, index) => {
    const x = WIDTH - step * (rates.length - 1 - index);
    const y = HEIGHT - 1 - (rate / most) * (HEIGHT - 3);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
}
