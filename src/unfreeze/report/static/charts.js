// Line charts of RMSF, a panel a chain, and the scatter of principal components. Plain SVG.

const PANELS_AT_ONCE = 6;

function drawRmsf(data, goTo) {
  const host = byId("rmsf");
  if (!host) return;
  const trace = data.trace;
  const largest = Math.max(...trace.rmsf, ...(trace.predicted || []), 0.1);
  // the band may leave the picture, the curves may not
  const top = Math.min(Math.max(largest, ...(trace.high || [])), 1.6 * largest) * 1.06;
  const members = new Map();
  trace.chain.forEach((chain, i) => {
    if (!members.has(chain)) members.set(chain, []);
    members.get(chain).push(i);
  });
  const lists = [...members];
  const render = () => {
    host.textContent = "";
    const shown = host.dataset.all ? lists : lists.slice(0, PANELS_AT_ONCE);
    for (const [chain, rows] of shown) host.append(rmsfPanel(data, chain, rows, top, host.clientWidth, goTo));
    if (shown.length < lists.length) {
      const more = make("button", { type: "button", class: "quiet" }, `Show all ${lists.length} chains`);
      more.addEventListener("click", () => {
        host.dataset.all = "1";
        render();
      });
      host.append(more);
    }
  };
  render();
  onResize(host, render);
}

function onResize(host, render) {
  let width = host.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(host.clientWidth - width) < 2) return;
    width = host.clientWidth;
    render();
  }).observe(host);
}

function rmsfPanel(data, chain, rows, top, width, goTo) {
  const { rmsf, number, residue, predicted, low, high } = data.trace;
  const W = Math.max(280, width);
  const H = 168;
  const [left, right, above, below] = [38, 8, 8, 30];
  const x = (k) => left + ((W - left - right) * (rows.length > 1 ? k / (rows.length - 1) : 0.5));
  const y = (v) => H - below - ((H - above - below) * v) / top;
  const name = data.chains[chain];
  const values = rows.map((i) => rmsf[i]);
  const peak = values.indexOf(Math.max(...values));
  const label = `RMSF of chain ${name}: ${rows.length} residues, largest ${values[peak].toFixed(2)} ångström at ` +
    `${residue[rows[peak]]} ${number[rows[peak]]}. Arrow keys move along the chain.`;
  const svg = draw("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", tabindex: "0", "aria-label": label });
  for (const t of niceTicks(0, top, 3)) {
    svg.append(draw("line", { class: "grid", x1: left, x2: W - right, y1: y(t), y2: y(t) }));
    svg.append(draw("text", { x: left - 6, y: y(t) + 4, "text-anchor": "end" }, String(t)));
  }
  svg.append(draw("text", { x: 4, y: above + 2, "text-anchor": "start", "font-size": 11 }, "Å"));
  const every = Math.max(1, Math.ceil(rows.length / Math.max(3, Math.floor(W / 74))));
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => s >= every) || every;
  let lastTick = -1e9;
  rows.forEach((i, k) => {
    const n = parseInt(number[i], 10);
    const wanted = n % step === 0 || (k === 0 && rows.length < step);
    if (!wanted || x(k) - lastTick < 44) return;
    lastTick = x(k);
    svg.append(draw("text", { x: x(k), y: H - 4, "text-anchor": "middle" }, number[i]));
    svg.append(draw("line", { class: "grid", x1: x(k), x2: x(k), y1: H - below + 9, y2: H - below + 13 }));
  });
  if (lastTick < 0) {
    for (const k of [0, rows.length - 1]) svg.append(draw("text", { x: x(k), y: H - 4, "text-anchor": k ? "end" : "start" }, number[rows[k]]));
  }
  const pieces = [];
  let area = "";
  let band = "";
  let dashes = "";
  let run = [];
  const close = () => {
    if (!run.length) return;
    const points = run.map((k) => `${x(k).toFixed(1)},${y(values[k]).toFixed(1)}`);
    if (run.length === 1) points.push(`${(x(run[0]) + 1).toFixed(1)},${y(values[run[0]]).toFixed(1)}`);
    pieces.push("M" + points.join("L"));
    area += `M${x(run[0]).toFixed(1)},${y(0)}L${points.join("L")}L${x(run[run.length - 1]).toFixed(1)},${y(0)}Z`;
    const told = predicted ? run.filter((k) => predicted[rows[k]] !== null) : [];
    const line = (list, of) => list.map((k) => `${x(k).toFixed(1)},${y(Math.min(of[rows[k]], top)).toFixed(1)}`).join("L");
    if (told.length > 1) {
      band += `M${line(told, high)}L${line([...told].reverse(), low)}Z`;
      dashes += `M${line(told, predicted)}`;
    }
    run = [];
  };
  rows.forEach((i, k) => {
    const jump = k ? parseInt(number[i], 10) - parseInt(number[rows[k - 1]], 10) : 0;
    if (jump > 1 || jump < 0) close();
    run.push(k);
  });
  close();
  if (band) {
    svg.append(draw("path", { class: "band", d: band, fill: "var(--ink)", "fill-opacity": 0.1 }));
    svg.append(draw("path", { class: "predicted", d: dashes, fill: "none", stroke: "var(--ink)", "stroke-opacity": 0.55, "stroke-width": 1.2, "stroke-dasharray": "4 3" }));
  } else svg.append(draw("path", { d: area, fill: chainColour(chain), "fill-opacity": 0.14 }));
  svg.append(draw("path", { d: pieces.join(""), fill: "none", stroke: chainColour(chain), "stroke-width": 1.8, "stroke-linejoin": "round" }));
  const marks = rows.map((i, k) => (data.trace.interface[i] ? `M${x(k).toFixed(1)},${H - below + 3}v5` : "")).join("");
  if (marks) svg.append(draw("path", { d: marks, stroke: chainColour(chain), "stroke-width": Math.max(1, Math.min(3, (W - left - right) / rows.length)) }));
  const cursor = draw("g", { visibility: "hidden" },
    draw("line", { class: "cursor", y1: above, y2: H - below }), draw("circle", { r: 4, fill: chainColour(chain) }));
  svg.append(cursor);
  let at = peak;
  const point = (k, tell) => {
    at = Math.max(0, Math.min(rows.length - 1, k));
    cursor.setAttribute("visibility", "visible");
    fill(cursor.firstChild, { x1: x(at), x2: x(at) }, []);
    fill(cursor.lastChild, { cx: x(at), cy: y(values[at]) }, []);
    const box = svg.getBoundingClientRect();
    const scale = box.width / W;
    const where = data.trace.interface[rows[at]] ? "\nat an interface" : "";
    const i = rows[at];
    const said = predicted && predicted[i] !== null ? `\npredicted ${predicted[i].toFixed(2)} Å (${low[i].toFixed(2)} to ${high[i].toFixed(2)})` : "";
    if (tell) tip.show(box.left + x(at) * scale, box.top + y(values[at]) * scale, `${name} ${residue[i]} ${number[i]}: ${values[at].toFixed(2)} Å${said}${where}`);
  };
  const leave = () => {
    cursor.setAttribute("visibility", "hidden");
    tip.hide();
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * W - left) / (W - left - right);
    point(Math.round(share * (rows.length - 1)), true);
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("focus", () => svg.matches(":focus-visible") && point(at, true));
  svg.addEventListener("keydown", (event) => {
    const jump = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -rows.length, End: rows.length }[event.key];
    if (event.key === "Enter") goTo(rows[at]);
    if (jump === undefined) return;
    event.preventDefault();
    point(at + jump, true);
  });
  svg.addEventListener("click", () => goTo(rows[at]));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return make("div", { class: "panel" },
    make("h3", {}, `Chain ${name} `, make("small", {}, `${rows.length} residues, mean ${mean.toFixed(2)} Å, largest ${values[peak].toFixed(2)} Å at ${residue[rows[peak]]} ${number[rows[peak]]}`)), svg);
}

function drawComponents(data, goToFrame) {
  const host = byId("pca");
  if (!host || !data.components) return;
  const { frames, share, input } = data.components;
  const every = Math.ceil(frames.length / 3000);
  const weights = data.weights || frames.map(() => 1 / frames.length);
  const heaviest = Math.max(...weights);
  const range = (axis) => {
    const values = frames.map((f) => f[axis]).concat(input[axis]);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const pad = 0.07 * (high - low || 1);
    return [low - pad, high + pad];
  };
  const [x0, x1] = range(0);
  const [y0, y1] = range(1);
  const W = Math.max(300, Math.min(560, host.clientWidth));
  const H = Math.round(0.85 * W);
  const [left, right, above, below] = [48, 12, 10, 44];
  const x = (v) => left + ((W - left - right) * (v - x0)) / (x1 - x0);
  const y = (v) => H - below - ((H - above - below) * (v - y0)) / (y1 - y0);
  const percent = share.map((s) => (100 * s).toFixed(0));
  const svg = draw("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", tabindex: "0",
    "aria-label": `Scatter of ${frames.length} frames on principal components 1 (${percent[0]} % of variance) and 2 (${percent[1]} %). Arrow keys step through frames.` });
  for (const t of niceTicks(x0, x1, 5)) {
    svg.append(draw("line", { class: "grid", x1: x(t), x2: x(t), y1: above, y2: H - below }));
    svg.append(draw("text", { x: x(t), y: H - below + 17, "text-anchor": "middle" }, String(t).replace("-", "−")));
  }
  for (const t of niceTicks(y0, y1, 5)) {
    svg.append(draw("line", { class: "grid", x1: left, x2: W - right, y1: y(t), y2: y(t) }));
    svg.append(draw("text", { x: left - 7, y: y(t) + 4, "text-anchor": "end" }, String(t).replace("-", "−")));
  }
  svg.append(draw("text", { x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle" }, `Component 1 (Å), ${percent[0]} % of variance`));
  svg.append(draw("text", { transform: `translate(13 ${(above + H - below) / 2}) rotate(-90)`, "text-anchor": "middle" }, `Component 2 (Å), ${percent[1]} %`));
  const farthest = Math.max(...data.rmsd, 1e-9);
  const nearest = Math.min(...data.rmsd);
  const dots = [];
  for (let i = 0; i < frames.length; i += every) {
    const r = data.weights ? 1.5 + 5.5 * Math.sqrt(weights[i] / heaviest) : frames.length > 800 ? 2.6 : 4;
    const colour = cssMix(RAMP, (data.rmsd[i] - nearest) / (farthest - nearest || 1));
    const dot = draw("circle", { cx: x(frames[i][0]).toFixed(1), cy: y(frames[i][1]).toFixed(1), r: r.toFixed(1), fill: colour });
    dots.push([i, dot]);
    svg.append(dot);
  }
  const [ix, iy] = [x(input[0]), y(input[1])];
  svg.append(draw("path", { d: `M${ix},${iy - 9}l8,9l-8,9l-8,-9z`, fill: "var(--card)", stroke: "var(--ink)", "stroke-width": 2 }));
  const ring = draw("circle", { r: 8, fill: "none", stroke: "var(--ink)", "stroke-width": 2, visibility: "hidden" });
  svg.append(ring);
  let at = 0;
  const point = (k) => {
    at = (k + dots.length) % dots.length;
    const i = dots[at][0];
    const [cx, cy] = [x(frames[i][0]), y(frames[i][1])];
    fill(ring, { cx, cy, visibility: "visible" }, []);
    const box = svg.getBoundingClientRect();
    const weight = data.weights ? `\nweight ${weights[i].toPrecision(3)}` : "";
    tip.show(box.left + (cx * box.width) / W, box.top + (cy * box.height) / H, `Frame ${i + 1}: RMSD ${data.rmsd[i].toFixed(2)} Å from the input${weight}`);
  };
  const leave = () => {
    ring.setAttribute("visibility", "hidden");
    tip.hide();
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const [mx, my] = [((event.clientX - box.left) / box.width) * W, ((event.clientY - box.top) / box.height) * H];
    let best = -1;
    let least = 20 ** 2;
    dots.forEach(([i], k) => {
      const d = (x(frames[i][0]) - mx) ** 2 + (y(frames[i][1]) - my) ** 2;
      if (d < least) [best, least] = [k, d];
    });
    if (best < 0) leave();
    else point(best);
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("click", () => ring.getAttribute("visibility") === "visible" && goToFrame(dots[at][0] + 1));
  svg.addEventListener("keydown", (event) => {
    const jump = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter") goToFrame(dots[at][0] + 1);
    if (jump === undefined) return;
    event.preventDefault();
    point(at + jump);
  });
  host.append(svg, make("div", { class: "legend" },
    make("span", {}, `RMSD from the input ${nearest.toFixed(1)} Å`), make("span", { class: "ramp", style: { background: gradient(RAMP) } }), make("span", {}, `${farthest.toFixed(1)} Å`),
    data.weights ? make("span", {}, "Larger dots weigh more") : null));
}
