// The page of a prediction: values under the pointer in the heat map, and the structure coloured by effect.

const GREY = "#c9ced3";
const AT_INTERFACE = "#c26a12";

class EffectScene extends Scene {
  /** A scene of one frame whose residues have a value, or none. */
  constructor(layout, bytes, data) {
    super(layout, bytes);
    this.data = data;
    this.by = "effect";
    this.stops = Array.from({ length: 21 }, (_, k) => "#" + mix(DIVERGING, k / 20).map((v) => v.toString(16).padStart(2, "0")).join(""));
  }

  /** 0 for residues without a value, else 0.09 … 1 from best to worst: two grey stops go before the colours. */
  mobility(residue) {
    if (this.by === "interface") return this.data.interface[residue] ? 1 : 0;
    const value = this.data.effect[residue];
    if (value === null) return 0;
    const share = 0.5 + (0.5 * this.data.worse * value) / this.data.effectLimit;
    return (2 + 20 * Math.max(0, Math.min(1, share))) / 22;
  }

  colours() {
    return this.by === "interface" ? [GREY, AT_INTERFACE] : [GREY, GREY, ...this.stops];
  }

  colour(atom, by) {
    const residue = this.residueOf[atom];
    if (by === "chain") return rgb(chainColour(this.layout.chain[residue]));
    return mix(this.colours(), this.mobility(residue));
  }

  name(residue) {
    const { layout, data } = this;
    const text = `${data.chains[layout.chain[residue]]} ${layout.components[layout.component[residue]]} ${layout.number[residue]}${layout.insertion[residue]}`;
    const value = data.effect[residue];
    return value === null ? text : `${text}: mean ΔΔG ${signed(value)} kJ/mol`;
  }
}

const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(1);

class EffectView {
  constructor(data, bytes) {
    this.data = data;
    this.bytes = bytes;
    this.scene = new EffectScene(data.scene, bytes, data);
    this.sketch = new Sketch(byId("sketch"), this.scene);
    this.solid = null;
    this.buttons = [...document.querySelectorAll("[data-colour]")];
    this.by = this.buttons[0].dataset.colour;
    this.listen();
    this.choose(this.by);
  }

  listen() {
    this.buttons.forEach((button) => button.addEventListener("click", () => this.choose(button.dataset.colour)));
    byId("reset-view").addEventListener("click", () => {
      this.sketch.reset();
      if (this.solid) this.solid.reset();
      if (this.solid) byId("viewer-state").textContent = "";
    });
    theme.listeners.push(() => {
      this.sketch.draw();
      if (this.solid) this.solid.paint();
    });
    addEventListener("beforeprint", () => this.sketch.draw());
    // the wheel scrolls the page until the view has been clicked
    const host = byId("viewer");
    let awake = false;
    host.addEventListener("pointerdown", () => (awake = true), true);
    host.addEventListener("pointerleave", () => (awake = false));
    host.addEventListener("wheel", (event) => awake || event.stopPropagation(), { capture: true });
  }

  async choose(by) {
    this.by = this.sketch.colourBy = by;
    if (by !== "chain") this.scene.by = by;
    this.buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.colour === by)));
    this.legend();
    this.sketch.draw();
    if (this.solid) await this.paintSolid();
  }

  /** Mol* colours by B-factors; another value a residue needs the structure anew. */
  async paintSolid() {
    const wanted = this.by === "chain" ? this.shown : this.by;
    if (wanted !== this.shown) await this.openSolid();
    else await this.colourSolid();
  }

  async colourSolid() {
    const { solid, scene, data } = this;
    if (this.by === "chain") {
      await solid.colour("chain", data.chains);
      return;
    }
    const colors = [...scene.colours()].reverse().map((hex) => parseInt(hex.slice(1), 16));
    const components = solid.plugin.managers.structure.hierarchy.current.structures.flatMap((s) => s.components);
    await solid.plugin.managers.structure.component.updateRepresentationsTheme(components, {
      color: "uncertainty", colorParams: { domain: [0, 100], list: { kind: "interpolate", colors } },
    });
  }

  async openSolid() {
    if (this.solid) {
      this.solid.plugin.dispose();
      byId("stage").textContent = "";
    }
    this.shown = this.scene.by;
    this.solid = await Solid.open(byId("stage"), this.scene, this.data.chains);
    await this.colourSolid();
    this.solid.onHover(this.scene, (residue) => (byId("viewer-state").textContent = residue < 0 ? "" : this.scene.name(residue)));
  }

  legend() {
    const host = byId("viewer-legend");
    host.textContent = "";
    const key = (colour, text) => make("span", { class: "key" }, make("span", { class: "dot", style: { background: colour } }), text);
    const { data } = this;
    if (this.by === "effect") {
      const [worse, better] = data.task === "affinity" ? ["weakens", "strengthens"] : ["destabilises", "stabilises"];
      host.append(make("span", {}, `${better}, ${data.effectLimit} kJ/mol`), make("span", { class: "ramp", style: { background: gradient(DIVERGING) } }),
        make("span", {}, `${worse}`), key(GREY, "not asked"));
    } else if (this.by === "interface") host.append(key(AT_INTERFACE, "at the interface"), key(GREY, "elsewhere"));
    else data.chains.slice(0, 24).forEach((name, i) => host.append(key(chainColour(i), `Chain ${name}`)));
  }

  goTo(chain, number) {
    const { layout } = this.scene;
    const row = layout.number.findIndex((n, r) => layout.kind[r] === 0 && `${n}${layout.insertion[r]}` === number && this.data.chains[layout.chain[r]] === chain);
    if (row < 0) return;
    byId("viewer").scrollIntoView({ behavior: "smooth", block: "center" });
    if (this.solid) this.solid.focus(this.scene, row);
    byId("viewer-state").textContent = this.scene.name(row);
  }
}

function startHeat(heat, goTo) {
  const [left, top, wide, high] = heat.cell;
  document.querySelectorAll("svg.heat").forEach((picture) => {
    const at = (event) => {
      const box = picture.getBoundingClientRect();
      const scale = picture.viewBox.baseVal.width / box.width;
      const column = Math.floor(((event.clientX - box.left) * scale - left) / wide);
      const row = Math.floor(((event.clientY - box.top) * scale - top) / high);
      const site = column >= 0 ? +picture.dataset.start + column : -1;
      const last = Math.floor((picture.viewBox.baseVal.width - left - 2) / wide);
      return site >= 0 && column < last && row >= 0 && row < 20 && heat.sites[site] ? [site, row] : null;
    };
    picture.addEventListener("pointermove", (event) => {
      const found = at(event);
      if (!found) return tip.hide();
      const [site, row] = found;
      const [chain, number, letter] = heat.sites[site];
      const name = `${chain ? chain + ":" : ""}${letter}${number}`;
      const [value, error] = [heat.values[site][row], heat.errors[site][row]];
      let text = `${name}${heat.order[row]}: not asked`;
      if (heat.order[row] === letter) text = `${name}: the wild type`;
      else if (value !== null) text = `${name}${heat.order[row]}: ΔΔG ${signed(value)} ± ${error.toFixed(1)} kJ/mol\n95 %: ${signed(value - 1.96 * error)} to ${signed(value + 1.96 * error)}\n${heat.said[heat.words[site][row]]}`;
      return tip.show(event.clientX, event.clientY, text);
    });
    picture.addEventListener("pointerleave", () => tip.hide());
    picture.addEventListener("click", (event) => {
      const found = at(event);
      if (found) goTo(heat.sites[found[0]][0], heat.sites[found[0]][1]);
    });
  });
}

async function startPrediction() {
  if (!globalThis.DecompressionStream) return;
  const data = JSON.parse(asText(await unpack("data")));
  let view = null;
  if (data.heat) startHeat(data.heat, (chain, number) => view && view.goTo(chain, number));
  if (data.scene) {
    view = new EffectView(data, await unpack("coordinates"));
    document.documentElement.dataset.charts = "ready";
    const state = byId("viewer-state");
    if (location.hash === "#sketch") state.textContent = "Simple view (asked for in the address).";
    else {
      try {
        const canvas = document.createElement("canvas");
        if (!canvas.getContext("webgl2") && !canvas.getContext("webgl")) throw new Error("this browser offers no WebGL");
        // let the page be painted before the large script is read
        await new Promise((done) => setTimeout(done, 60));
        await view.openSolid();
        byId("viewer").classList.add("ready");
        state.textContent = "";
      } catch (error) {
        view.solid = null;
        state.textContent = `Simple view: the full 3-D view is not available (${error.message}). Drag to turn.`;
      }
    }
  }
  document.documentElement.dataset.viewer = view ? (view.solid ? "solid" : "sketch") : "none";
}

startPrediction().catch((error) => {
  const state = byId("viewer-state");
  if (state) state.textContent = `This page could not be drawn (${error.message}); the summary and the tables are complete.`;
  throw error;
});
