// A drawing of backbone traces on a 2-D canvas: shown until the 3-D view is ready, where there is none, and in print.

class Sketch {
  constructor(canvas, scene) {
    this.canvas = canvas;
    this.scene = scene;
    this.turn = [0.35, 0.5];
    this.zoom = 1;
    this.colourBy = "rmsf";
    this.step = 0;
    const { base, layout } = scene;
    let far = 1;
    for (let i = 0; i < base.length; i += 3) far = Math.max(far, Math.hypot(base[i], base[i + 1], base[i + 2]));
    this.radius = far;
    const traced = new Set(layout.trace);
    this.dots = scene.residueOf.reduce((kept, r, atom) => (layout.kind[r] === 3 && kept.length < 3000 ? (kept.push(atom), kept) : kept), []);
    this.pairs = [];
    for (let k = 1; k < layout.trace.length; k++) {
      const [a, b] = [layout.trace[k - 1], layout.trace[k]];
      if (layout.chain[scene.residueOf[a]] !== layout.chain[scene.residueOf[b]]) continue;
      const limit = layout.kind[scene.residueOf[b]] === 0 ? 4.6 : 9;
      const d = Math.hypot(base[3 * a] - base[3 * b], base[3 * a + 1] - base[3 * b + 1], base[3 * a + 2] - base[3 * b + 2]);
      if (d < limit) this.pairs.push([a, b]);
    }
    if (!traced.size) this.dots = Array.from({ length: Math.min(3000, scene.n) }, (_, i) => i);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  listen() {
    let from = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.turn[0] += (event.clientX - from[0]) * 0.01;
      this.turn[1] += (event.clientY - from[1]) * 0.01;
      from = [event.clientX, event.clientY];
      this.draw();
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (from = null));
  }

  reset() {
    this.turn = [0.35, 0.5];
    this.draw();
  }

  draw() {
    const { canvas, scene } = this;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [W, H] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    if (!W || !H) return;
    if (canvas.width !== Math.round(W) || canvas.height !== Math.round(H)) [canvas.width, canvas.height] = [Math.round(W), Math.round(H)];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, W, H);
    const points = scene.at(this.step);
    const [ca, sa, cb, sb] = [Math.cos(this.turn[0]), Math.sin(this.turn[0]), Math.cos(this.turn[1]), Math.sin(this.turn[1])];
    const size = (0.47 * Math.min(W, H)) / this.radius;
    const place = (atom) => {
      const [x, y, z] = [points[3 * atom], points[3 * atom + 1], points[3 * atom + 2]];
      const x1 = ca * x + sa * z;
      const z1 = -sa * x + ca * z;
      return [W / 2 + size * x1, H / 2 - size * (cb * y - sb * z1), sb * y + cb * z1];
    };
    const parts = this.pairs.map(([a, b]) => {
      const [p, q] = [place(a), place(b)];
      return [0.5 * (p[2] + q[2]), p, q, b];
    });
    for (const atom of this.dots) {
      const p = place(atom);
      parts.push([p[2], p, null, atom]);
    }
    parts.sort((a, b) => a[0] - b[0]);
    const paper = rgb(theme.dark ? "#10171d" : "#fbfcfd");
    const width = Math.max(1.6, Math.min(9, size * 1.5));
    context.lineCap = "round";
    for (const [depth, p, q, atom] of parts) {
      const near = 0.5 + (0.5 * depth) / this.radius;
      const fade = 0.72 * (1 - Math.max(0, Math.min(1, near)));
      const colour = scene.colour(atom, this.colourBy).map((v, k) => Math.round(v + (paper[k] - v) * fade));
      context.strokeStyle = context.fillStyle = `rgb(${colour.join(",")})`;
      context.beginPath();
      if (q) {
        context.lineWidth = width * (0.7 + 0.5 * near);
        context.moveTo(p[0], p[1]);
        context.lineTo(q[0], q[1]);
        context.stroke();
      } else {
        context.arc(p[0], p[1], width * 0.7, 0, 7);
        context.fill();
      }
    }
  }
}
