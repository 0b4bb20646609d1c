// Shared ground: unpacking what the page carries, making elements, tooltips, CSV files, colours, the theme.
// Text that comes from files only ever becomes a text node or an attribute set by name, never markup.

const byId = (id) => document.getElementById(id);
const RAMP = ["#3a6ea5", "#8fb3cf", "#e9dcc3", "#ee9b4f", "#c8321f"];
const CHAINS = ["#2f74b8", "#e08a2e", "#2f9577", "#b8508a", "#7c63c4", "#98852b", "#37a3bb", "#c95843", "#5e8a3a", "#8a6b5c"];
const DIVERGING = ["#2c5d9e", "#7fa6cf", "#f3f2ee", "#e08f6d", "#b2301f"];

async function unpack(id) {
  const text = byId("block-" + id).textContent;
  if (!text) return null;
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const asText = (bytes) => new TextDecoder().decode(bytes);

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "style") Object.assign(node.style, value);
    else node.setAttribute(key, value);
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}
const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function rgb(hex) {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}
function mix(stops, share) {
  const x = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(x));
  const a = rgb(stops[i]);
  const b = rgb(stops[i + 1]);
  return a.map((v, k) => Math.round(v + (b[k] - v) * (x - i)));
}
const cssMix = (stops, share) => `rgb(${mix(stops, share).join(" ")})`;
const chainColour = (chain) => CHAINS[chain % CHAINS.length];
const gradient = (stops) => `linear-gradient(90deg, ${stops.join(", ")})`;

const tip = {
  show(x, y, text) {
    const node = byId("tip");
    node.textContent = text;
    node.hidden = false;
    const box = node.getBoundingClientRect();
    node.style.left = Math.max(6, Math.min(x + 14, innerWidth - box.width - 6)) + "px";
    node.style.top = Math.max(6, y - box.height - 12) + "px";
  },
  hide() {
    byId("tip").hidden = true;
  },
};

function csvCell(value) {
  let text = String(value ?? "");
  // a spreadsheet must not take a name for a formula
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}
function saveCsv(name, rows) {
  const text = rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  const link = make("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function niceTicks(low, high, count) {
  const span = high - low || 1;
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const ticks = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + 1e-9 * span; t += step) ticks.push(+t.toFixed(10));
  return ticks;
}

const theme = {
  listeners: [],
  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  start() {
    const tell = () => theme.listeners.forEach((listener) => listener());
    byId("theme").addEventListener("click", () => {
      document.documentElement.dataset.theme = theme.dark ? "light" : "dark";
      tell();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
    byId("print").addEventListener("click", () => print());
  },
};
