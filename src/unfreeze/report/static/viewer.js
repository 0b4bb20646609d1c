// The moving structure: coordinates out of the page, a player, and Mol* for the 3-D view.

class Scene {
  constructor(layout, bytes) {
    this.layout = layout;
    this.n = layout.atomName.length;
    this.keys = layout.frames.length;
    const size = 3 * this.n;
    const plane = (start, count) => {
      const out = new Float32Array(count);
      for (let i = 0; i < count; i++) out[i] = ((bytes[start + i] | (bytes[start + count + i] << 8)) << 16 >> 16) * layout.step;
      return out;
    };
    this.base = plane(0, size);
    this.frames = plane(2 * size, size * this.keys);
    for (let f = 0; f < this.keys; f++) for (let i = 0; i < size; i++) this.frames[f * size + i] += this.base[i];
    this.residueOf = new Int32Array(this.n);
    let residue = 0;
    layout.atomResidue.forEach((jump, i) => (this.residueOf[i] = residue += jump));
    const sorted = [...layout.rmsf].sort((a, b) => a - b);
    // the scale goes from the 2nd to the 98th percentile, so that one floppy tail does not turn all else blue
    this.low = sorted[Math.floor(0.02 * (sorted.length - 1))] || 0;
    this.top = Math.max(sorted[Math.ceil(0.98 * (sorted.length - 1))] || 0, this.low + 0.2);
    // blended pictures between frames: as many as memory allows
    this.blend = this.keys < 2 ? 1 : Math.max(1, Math.min(8, Math.floor(1e8 / (12 * this.n * this.keys))));
    this.steps = this.keys * this.blend;
    this.scratch = new Float32Array(size);
    this.ramp = Array.from({ length: 101 }, (_, k) => mix(RAMP, k / 100));
  }

  /** Coordinates (Å) of step 0 … steps − 1: a frame, or a blend of it and the next one. */
  at(step) {
    const size = 3 * this.n;
    const key = Math.floor(step / this.blend) % this.keys;
    const share = (step % this.blend) / this.blend;
    const a = this.frames.subarray(key * size, (key + 1) * size);
    if (!share) return a;
    const next = (key + 1) % this.keys;
    const b = this.frames.subarray(next * size, (next + 1) * size);
    const s = share * share * (3 - 2 * share);
    for (let i = 0; i < size; i++) this.scratch[i] = a[i] + (b[i] - a[i]) * s;
    return this.scratch;
  }

  mobility(residue) {
    return Math.max(0, Math.min(1, (this.layout.rmsf[residue] - this.low) / (this.top - this.low)));
  }

  colour(atom, by) {
    const residue = this.residueOf[atom];
    if (by === "chain") return rgb(chainColour(this.layout.chain[residue]));
    return this.ramp[Math.round(100 * this.mobility(residue))];
  }

  /** mmCIF of the input; B-factors carry RMSF on a scale of 0–100 for colouring. */
  cif(chainNames) {
    const { layout, base, residueOf } = this;
    const quote = (text) => (/^[A-Za-z0-9][A-Za-z0-9.+*\-]*$/.test(text) ? text : /["\n\r]/.test(text) ? text.replace(/[^A-Za-z0-9]/g, "_") : `"${text}"`);
    const chains = chainNames.map((name, i) => (/^[A-Za-z0-9]+$/.test(name) ? name : "c" + (i + 1)));
    const at = new Map();
    layout.trace.forEach((atom) => at.set(residueOf[atom], atom));
    const sequence = [];
    const poly = new Map();
    let [before, count] = [-1, 0];
    for (let r = 0; r < layout.number.length; r++) {
      if (layout.kind[r] === 3) {
        sequence.push(".");
        continue;
      }
      if (before < 0 || layout.chain[before] !== layout.chain[r]) count = 1;
      else {
        const [a, b] = [at.get(before), at.get(r)];
        const d = a === undefined || b === undefined ? 0 : Math.hypot(base[3 * a] - base[3 * b], base[3 * a + 1] - base[3 * b + 1], base[3 * a + 2] - base[3 * b + 2]);
        // a number left out tells the viewer that the chain is broken here
        count += d > (layout.kind[r] === 0 ? 4.6 : 9) ? 2 : 1;
      }
      if (!poly.has(layout.chain[r])) poly.set(layout.chain[r], layout.kind[r]);
      sequence.push(count);
      before = r;
    }
    const types = ["polypeptide(L)", "polydeoxyribonucleotide", "polyribonucleotide"];
    const links = ["'L-peptide linking'", "'DNA linking'", "'RNA linking'"];
    const lines = ["data_ensemble", "loop_", "_entity.id", "_entity.type"];
    const others = new Set();
    layout.kind.forEach((kind, r) => kind === 3 && others.add(layout.component[r]));
    const offset = chainNames.length + 1;
    for (const chain of poly.keys()) lines.push(`${chain + 1} polymer`);
    for (const component of others) lines.push(`${offset + component} non-polymer`);
    if (poly.size) {
      lines.push("loop_", "_entity_poly.entity_id", "_entity_poly.type");
      for (const [chain, kind] of poly) lines.push(`${chain + 1} ${types[kind]}`);
    }
    lines.push("loop_", "_chem_comp.id", "_chem_comp.type");
    const seen = new Set();
    layout.component.forEach((component, r) => {
      if (seen.has(component)) return;
      seen.add(component);
      lines.push(`${quote(layout.components[component])} ${links[layout.kind[r]] || "non-polymer"}`);
    });
    lines.push("loop_");
    for (const item of ["group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv", "auth_seq_id", "auth_asym_id", "pdbx_PDB_model_num"]) lines.push("_atom_site." + item);
    const atomNames = layout.atomNames.map(quote);
    const elements = layout.elements.map((e) => quote(e || "X"));
    const components = layout.components.map(quote);
    for (let i = 0; i < this.n; i++) {
      const r = residueOf[i];
      const other = layout.kind[r] === 3;
      const chain = layout.chain[r];
      const b = (100 * this.mobility(r)).toFixed(1);
      lines.push([other ? "HETATM" : "ATOM", i + 1, elements[layout.element[i]], atomNames[layout.atomName[i]], ".", components[layout.component[r]],
        other ? "L" + r : "P" + chain, other ? offset + layout.component[r] : chain + 1, sequence[r], layout.insertion[r] || "?",
        base[3 * i].toFixed(3), base[3 * i + 1].toFixed(3), base[3 * i + 2].toFixed(3), "1", b, layout.number[r], chains[chain], "1"].join(" "));
    }
    return lines.join("\n") + "\n";
  }

  /** All steps as a CHARMM DCD file, the simplest of the trajectory formats that Mol* reads. */
  dcd() {
    const { n, steps } = this;
    const bytes = new ArrayBuffer(92 + 92 + 12 + steps * 3 * (8 + 4 * n));
    const view = new DataView(bytes);
    let at = 0;
    const int = (value) => {
      view.setInt32(at, value, true);
      at += 4;
    };
    const text = (value) => [...value].forEach((c) => view.setUint8(at++, c.charCodeAt(0)));
    int(84);
    text("CORD");
    for (let k = 0; k < 20; k++) int(k === 0 ? steps : k === 1 || k === 2 ? 1 : k === 19 ? 24 : 0);
    int(84);
    int(84);
    int(1);
    text("blended frames".padEnd(80));
    int(84);
    [4, n, 4].forEach(int);
    for (let s = 0; s < steps; s++) {
      const points = this.at(s);
      for (let axis = 0; axis < 3; axis++) {
        int(4 * n);
        const out = new Float32Array(bytes, at, n);
        for (let i = 0; i < n; i++) out[i] = points[3 * i + axis];
        at += 4 * n;
        int(4 * n);
      }
    }
    return new Uint8Array(bytes);
  }
}

class Solid {
  /** The Mol* view of a scene; throws where there is no WebGL. */
  static async open(host, scene, chainNames) {
    if (!globalThis.molstar) {
      const [script, style] = [await unpack("viewer-script"), await unpack("viewer-style")];
      if (!script) throw new Error("the viewer was not installed when this page was written");
      if (style) document.head.prepend(make("style", {}, asText(style)));
      document.head.append(make("script", {}, asText(script)));
    }
    if (!globalThis.molstar) throw new Error("the viewer did not start in this browser");
    const off = ["layoutIsExpanded", "layoutShowControls", "layoutShowRemoteState", "layoutShowSequence", "layoutShowLog", "layoutShowLeftPanel",
      "viewportShowExpand", "viewportShowControls", "viewportShowSettings", "viewportShowSelectionMode", "viewportShowAnimation", "viewportShowTrajectoryControls"];
    const options = Object.fromEntries(off.map((key) => [key, false]));
    const viewer = await molstar.Viewer.create(host, { ...options, extensions: [], powerPreference: "default" });
    const solid = new Solid();
    solid.plugin = viewer.plugin;
    if (!solid.plugin.canvas3d) throw new Error("WebGL could not start");
    await viewer.loadTrajectory({
      model: { kind: "model-data", data: scene.cif(chainNames), format: "mmcif" },
      coordinates: { kind: "coordinates-data", data: scene.dcd(), format: "dcd" },
      preset: "default",
    });
    const models = solid.plugin.managers.structure.hierarchy.current.models;
    solid.model = models[models.length - 1].cell.transform.ref;
    solid.paint();
    solid.frameAll(0);
    return solid;
  }

  paint() {
    const card = getComputedStyle(document.documentElement).getPropertyValue("--stage").trim();
    this.plugin.canvas3d.setProps({
      renderer: { backgroundColor: parseInt(card.slice(1), 16) },
      camera: { helper: { axes: { name: "off", params: {} } } },
    });
  }

  async colour(by, chainNames) {
    const number = (hex) => parseInt(hex.slice(1), 16);
    const components = this.plugin.managers.structure.hierarchy.current.structures.flatMap((s) => s.components);
    const manager = this.plugin.managers.structure.component;
    if (by === "rmsf") {
      const colors = [...RAMP].reverse().map(number);
      await manager.updateRepresentationsTheme(components, { color: "uncertainty", colorParams: { domain: [0, 100], list: { kind: "interpolate", colors } } });
      return;
    }
    const colors = chainNames.map((_, i) => number(chainColour(i)));
    const palette = { name: "colors", params: { list: { kind: "set", colors: colors.length > 1 ? colors : [...colors, ...colors] } } };
    await manager.updateRepresentationsTheme(components, { color: "chain-id", colorParams: { asymId: "auth", palette } });
  }

  async show(step) {
    await this.plugin.state.data.build().to(this.model).update({ modelIndex: step }).commit({ doNotLogTiming: true });
  }

  /** Turn the camera to one residue of the scene and mark it. */
  focus(scene, residue) {
    const { structures } = this.plugin.managers.structure.hierarchy.current;
    const structure = structures[structures.length - 1].cell.obj.data;
    const elements = [];
    for (const unit of structure.units) {
      const id = unit.model.atomicConformation.atomId;
      const indices = [];
      unit.elements.forEach((element, i) => scene.residueOf[id.value(element) - 1] === residue && indices.push(i));
      if (indices.length) elements.push({ unit, indices: Int32Array.from(indices) });
    }
    if (!elements.length) return;
    const loci = { kind: "element-loci", structure, elements };
    this.plugin.managers.camera.focusLoci(loci, { extraRadius: 12 });
    this.plugin.managers.interactivity.lociHighlights.highlightOnly({ loci }, false);
  }

  /** Call back with the residue of the scene under the pointer, or −1. */
  onHover(scene, tell) {
    this.plugin.behaviors.interaction.hover.subscribe(({ current }) => {
      const found = current.loci.kind === "element-loci" ? current.loci.elements[0] : null;
      if (!found) return tell(-1);
      // an ordered set of one piece is an array, or a number that packs its ends; both name the first atom by `start`
      const first = typeof found.indices === "number" ? new Int32Array(new Float64Array([found.indices]).buffer)[0] : found.indices[0];
      return tell(scene.residueOf[found.unit.model.atomicConformation.atomId.value(found.unit.elements[first]) - 1]);
    });
  }

  reset() {
    this.plugin.managers.interactivity.lociHighlights.clearHighlights();
    this.frameAll(400);
  }

  /** All of the structure in view, a little closer than Mol* puts the camera. */
  frameAll(durationMs) {
    const { clientWidth, clientHeight } = byId("stage");
    const close = clientWidth > 1.4 * clientHeight ? 0.8 : 1.05;
    const snapshot = (_, camera) => {
      const radius = camera.state.radiusMax || this.plugin.canvas3d.boundingSphereVisible.radius;
      return { ...camera.getFocus(this.plugin.canvas3d.boundingSphereVisible.center, close * radius), radius };
    };
    this.plugin.canvas3d.requestCameraReset({ durationMs, snapshot });
  }
}

class Player {
  constructor(data, scene) {
    [this.data, this.scene] = [data, scene];
    this.sketch = new Sketch(byId("sketch"), scene);
    this.solid = null;
    this.step = 0;
    this.playing = false;
    this.visible = true;
    this.colourBy = "rmsf";
    this.slider = byId("frame");
    this.slider.max = scene.keys - 1;
    this.listen();
    this.legend();
    this.label();
    this.sketch.draw();
  }

  listen() {
    const one = this.scene.keys < 2;
    for (const id of ["play", "frame", "speed", "smooth"]) byId(id).disabled = one;
    byId("play").addEventListener("click", () => this.play(!this.playing));
    this.slider.addEventListener("input", () => {
      this.play(false);
      this.show(+this.slider.value * this.scene.blend);
    });
    document.querySelectorAll("[data-colour]").forEach((button) => button.addEventListener("click", () => {
      this.colourBy = this.sketch.colourBy = button.dataset.colour;
      document.querySelectorAll("[data-colour]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      this.legend();
      this.sketch.draw();
      if (this.solid) this.solid.colour(this.colourBy, this.data.chains);
    }));
    byId("reset-view").addEventListener("click", () => {
      this.sketch.reset();
      if (this.solid) {
        this.solid.reset();
        byId("viewer-state").textContent = "";
      }
    });
    theme.listeners.push(() => {
      this.sketch.draw();
      if (this.solid) this.solid.paint();
    });
    new IntersectionObserver((entries) => (this.visible = entries[0].isIntersecting)).observe(byId("viewer"));
    addEventListener("beforeprint", () => {
      this.sketch.step = this.step;
      this.sketch.draw();
    });
    // the wheel scrolls the page until the view has been clicked
    const host = byId("viewer");
    let awake = false;
    host.addEventListener("pointerdown", () => (awake = true), true);
    host.addEventListener("pointerleave", () => (awake = false));
    host.addEventListener("wheel", (event) => awake || event.stopPropagation(), { capture: true });
  }

  legend() {
    const host = byId("viewer-legend");
    host.textContent = "";
    if (this.colourBy === "rmsf") {
      host.append(make("span", {}, `RMSF ${this.scene.low.toFixed(1)} Å`), make("span", { class: "ramp", style: { background: gradient(RAMP) } }), make("span", {}, `${this.scene.top.toFixed(1)} Å`));
      return;
    }
    this.data.chains.slice(0, 24).forEach((name, i) => host.append(
      make("span", { class: "key" }, make("span", { class: "dot", style: { background: chainColour(i) } }), `Chain ${name}`)));
    if (this.data.chains.length > 24) host.append(`and ${this.data.chains.length - 24} more`);
  }

  label() {
    const key = Math.round(this.step / this.scene.blend) % this.scene.keys;
    this.slider.value = key;
    const text = `Frame ${this.scene.layout.frames[key]}`;
    byId("frame-label").textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }

  async show(step) {
    this.step = ((step % this.scene.steps) + this.scene.steps) % this.scene.steps;
    this.label();
    this.sketch.step = this.step;
    if (this.solid) {
      // one update at a time; the last one asked for wins
      if (this.busy) return;
      this.busy = true;
      let shown;
      do {
        shown = this.step;
        await this.solid.show(shown);
      } while (shown !== this.step && !this.playing);
      this.busy = false;
    } else this.sketch.draw();
  }

  play(on) {
    if (this.scene.keys < 2) return;
    const was = this.playing;
    this.playing = on;
    byId("play").querySelector("path").setAttribute("d", on ? "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z" : "M4.5 2.5v11l9-5.5z");
    byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
    if (on && !was) this.run();
  }

  async run() {
    const turn = (this.turn = {});
    while (this.playing && this.turn === turn) {
      const started = performance.now();
      if (this.visible && !document.hidden) {
        const { blend } = this.scene;
        const smooth = byId("smooth").checked;
        await this.show(smooth ? this.step + 1 : (Math.floor(this.step / blend) + 1) * blend);
      }
      // 2.5 frames a second, whatever lies between them
      const pace = 400 / +byId("speed").value / (byId("smooth").checked ? this.scene.blend : 1);
      await new Promise((done) => setTimeout(done, Math.max(12, pace - (performance.now() - started))));
    }
  }

  sayResidue(residue) {
    const { layout } = this.scene;
    byId("viewer-state").textContent = residue < 0 ? "" :
      `${this.data.chains[layout.chain[residue]]} ${layout.components[layout.component[residue]]} ${layout.number[residue]}${layout.insertion[residue]}: RMSF ${layout.rmsf[residue].toFixed(2)} Å`;
  }

  goToResidue(row) {
    tip.hide();
    const { trace } = this.data;
    byId("viewer").scrollIntoView({ behavior: "smooth", block: "center" });
    const { layout } = this.scene;
    const wanted = layout.trace.length === trace.chain.length ? this.scene.residueOf[layout.trace[row]] : -1;
    if (this.solid && wanted >= 0) this.solid.focus(this.scene, wanted);
    byId("viewer-state").textContent = `${this.data.chains[trace.chain[row]]} ${trace.residue[row]} ${trace.number[row]}: RMSF ${trace.rmsf[row].toFixed(2)} Å`;
  }

  goToFrame(number) {
    const { frames } = this.scene.layout;
    const shown = frames.indexOf(number);
    if (shown < 0) return;
    this.play(false);
    this.show(shown * this.scene.blend);
  }
}
