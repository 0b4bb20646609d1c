// Puts the page together. The charts come first, the 3-D view when they stand.

function csvTables(data, matrix) {
  const t = data.trace;
  return {
    rmsf: () => ["rmsf.csv", [["chain", "residue", "number", "rmsf_angstrom", "at_interface", ...(t.predicted ? ["predicted_angstrom", "low_angstrom", "high_angstrom"] : [])],
      ...t.rmsf.map((value, i) => [data.chains[t.chain[i]], t.residue[i], t.number[i], value, t.interface[i], ...(t.predicted ? [t.predicted[i] ?? "", t.low[i] ?? "", t.high[i] ?? ""] : [])])]],
    components: () => ["components.csv", [["frame", "component_1_angstrom", "component_2_angstrom", "rmsd_from_input_angstrom", "weight"],
      ...data.components.frames.map((f, i) => [i + 1, f[0], f[1], data.rmsd[i], data.weights ? data.weights[i] : 1 / data.rmsd.length])]],
    interfaces: () => ["interfaces.csv", [["first", "second", "contacts_input", "hold", "weaken", "break", "form", "native_fraction_mean", "buried_area_input_angstrom2", "buried_area_mean_angstrom2", "buried_area_sd_angstrom2"],
      ...data.interfaces.map((item) => {
        const count = (fate) => item.a.filter((_, i) => fateOf(item.input[i], item.persistence[i]) === fate).length;
        const weights = data.weights || item.native.map(() => 1 / item.native.length);
        const native = item.native.length ? item.native.reduce((sum, v, i) => sum + v * weights[i], 0).toFixed(4) : "";
        return [item.first, item.second, item.input.filter(Boolean).length, count("holds"), count("weakens"), count("breaks"), count("forms"), native, item.areaInput, item.areaMean, item.areaSd];
      })]],
    contacts: () => ["contacts.csv", [["first", "second", "residue_1", "residue_2", "in_input", "share_of_frames", "fate"],
      ...data.interfaces.flatMap((item) => item.a.map((a, i) => [item.first, item.second, a, item.b[i], item.input[i], item.persistence[i], fateOf(item.input[i], item.persistence[i])]))]],
    matrix: () => {
      const n = data.nGroups;
      const names = Array.from({ length: n }, (_, g) => matrix.name(g));
      return ["correlations.csv", [["", ...names], ...names.map((name, i) => [name, ...Array.from(matrix.full.subarray(i * n, (i + 1) * n), (v) => v.toFixed(2))])]];
    },
  };
}

async function openSolid(player, data) {
  const state = byId("viewer-state");
  if (location.hash === "#sketch") {
    state.textContent = "Simple view (asked for in the address).";
    return;
  }
  try {
    const canvas = document.createElement("canvas");
    if (!canvas.getContext("webgl2") && !canvas.getContext("webgl")) throw new Error("this browser offers no WebGL");
    const solid = await Solid.open(byId("stage"), player.scene, data.chains);
    await solid.colour(player.colourBy, data.chains);
    await solid.show(player.step);
    player.solid = solid;
    byId("viewer").classList.add("ready");
    state.textContent = "";
    solid.onHover(player.scene, (residue) => player.sayResidue(residue));
  } catch (error) {
    state.textContent = `Simple view: the full 3-D view is not available (${error.message}). Drag to turn.`;
  }
}

async function start() {
  theme.start();
  if (!globalThis.DecompressionStream) {
    byId("viewer-state").textContent = "This browser is too old to unpack the page’s data; the summary and the tables are complete.";
    return;
  }
  const data = JSON.parse(asText(await unpack("data")));
  const scene = new Scene(data.scene, await unpack("coordinates"));
  const player = new Player(data, scene);
  drawRmsf(data, (row) => player.goToResidue(row));
  startInterfaces(data);
  const full = readMatrix((await unpack("matrix")) || new Uint8Array(0), data.nGroups);
  const named = drawMatrix(data, full);
  drawComponents(data, (frame) => player.goToFrame(frame));
  const tables = csvTables(data, { full, name: named && named.name });
  document.querySelectorAll("[data-csv]").forEach((button) => button.addEventListener("click", () => saveCsv(...tables[button.dataset.csv]())));
  document.documentElement.dataset.charts = "ready";
  // let the charts be painted before the large script is read
  await new Promise((done) => setTimeout(done, 60));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!calm) player.play(true);
  await openSolid(player, data);
  document.documentElement.dataset.viewer = player.solid ? "solid" : "sketch";
}

start().catch((error) => {
  byId("viewer-state").textContent = `This page could not be drawn (${error.message}); the summary and the tables are complete.`;
  throw error;
});
