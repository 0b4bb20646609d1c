// The map of cross-correlations: one canvas pixel a cell, scaled up by the browser.

function readMatrix(bytes, n) {
  const values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const full = new Float32Array(n * n);
  let k = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++, k++) full[i * n + j] = full[j * n + i] = values[k] / 100;
  }
  return full;
}

function drawMatrix(data, full) {
  const host = byId("matrix");
  const n = data.nGroups;
  if (!host || !n) return;
  const { group, chain, number, residue } = data.trace;
  const first = new Array(n).fill(-1);
  const last = new Array(n).fill(0);
  group.forEach((g, i) => {
    if (first[g] < 0) first[g] = i;
    last[g] = i;
  });
  const name = (g) => {
    const one = (i) => `${data.chains[chain[i]]} ${residue[i]} ${number[i]}`;
    return first[g] === last[g] ? one(first[g]) : `${one(first[g])}–${number[last[g]]}`;
  };
  const canvas = make("canvas", { width: n, height: n, tabindex: "0", role: "img",
    "aria-label": `Cross-correlation map, ${n} by ${n} cells. Arrow keys read single cells.` });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(n, n);
  const palette = Array.from({ length: 201 }, (_, k) => mix(DIVERGING, k / 200));
  for (let k = 0; k < n * n; k++) {
    const colour = palette[Math.round(full[k] * 100) + 100];
    picture.data.set([colour[0], colour[1], colour[2], 255], 4 * k);
  }
  context.putImageData(picture, 0, 0);
  const starts = [];
  for (let g = 0; g < n; g++) if (g === 0 || chain[first[g]] !== chain[first[g - 1]]) starts.push(g);
  const lines = draw("svg", { viewBox: `0 0 ${n} ${n}`, preserveAspectRatio: "none", "aria-hidden": "true",
    style: { position: "absolute", inset: "0", width: "100%", height: "100%", pointerEvents: "none" } });
  for (const g of starts.slice(1)) {
    const d = `M${g},0V${n}M0,${g}H${n}`;
    lines.append(draw("path", { d, stroke: "#fff", "stroke-width": 3, "vector-effect": "non-scaling-stroke", "stroke-opacity": 0.7, fill: "none" }));
    lines.append(draw("path", { d, stroke: "#13212b", "stroke-width": 1, "vector-effect": "non-scaling-stroke", fill: "none" }));
  }
  const names = make("div", { class: "names", "aria-hidden": "true" });
  const side = make("div", { class: "side", "aria-hidden": "true" });
  starts.forEach((g, k) => {
    const end = k + 1 < starts.length ? starts[k + 1] : n;
    if ((end - g) / n < 0.03) return;
    const middle = `${(50 * (g + end)) / n}%`;
    names.append(make("span", { style: { left: middle } }, data.chains[chain[first[g]]].slice(0, 6)));
    side.append(make("span", { style: { top: middle } }, data.chains[chain[first[g]]].slice(0, 3)));
  });
  let [row, column] = [0, 0];
  const point = (i, j) => {
    [row, column] = [Math.max(0, Math.min(n - 1, i)), Math.max(0, Math.min(n - 1, j))];
    const box = canvas.getBoundingClientRect();
    const value = full[row * n + column].toFixed(2).replace("-", "−");
    tip.show(box.left + ((column + 0.5) / n) * box.width, box.top + ((row + 0.5) / n) * box.height, `${name(row)}\n${name(column)}\n${value}`);
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    point(Math.floor(((event.clientY - box.top) / box.height) * n), Math.floor(((event.clientX - box.left) / box.width) * n));
  });
  canvas.addEventListener("pointerleave", tip.hide);
  canvas.addEventListener("blur", tip.hide);
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move) return;
    event.preventDefault();
    point(row + move[0], column + move[1]);
  });
  host.append(names, make("div", { class: "row" }, side, make("div", { class: "frame", style: { position: "relative" } }, canvas, lines)),
    make("div", { class: "scale" }, "−1", make("i", { style: { background: gradient(DIVERGING) } }), "+1"));
  return { name };
}
