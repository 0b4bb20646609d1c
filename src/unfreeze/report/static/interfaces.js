// The table of interfaces (sorting, choosing a row) and the list of one interface's contacts.

const CONTACTS_AT_ONCE = 40;

function fateOf(inInput, persistence) {
  if (!inInput) return "forms";
  if (persistence > 0.9) return "holds";
  return persistence < 0.1 ? "breaks" : "weakens";
}

function startInterfaces(data) {
  const table = byId("interface-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const choose = (row) => {
    rows.forEach((other) => other.classList.toggle("chosen", other === row));
    rows.forEach((other) => other.querySelector("button").setAttribute("aria-pressed", String(other === row)));
    listContacts(data.interfaces[+row.dataset.row]);
  };
  rows.forEach((row) => row.addEventListener("click", () => choose(row)));
  choose(rows[0]);
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value !== undefined ? +cell.dataset.value : parseFloat(cell.textContent.replaceAll(",", ""));
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.dataset.sort) return;
    head.tabIndex = 0;
    head.setAttribute("role", "columnheader");
    const sort = () => {
      const text = head.dataset.sort === "text";
      const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "descending" : text;
      [...table.tHead.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => (text ? a.cells[column].textContent.trim().localeCompare(b.cells[column].textContent.trim()) : value(a, column) - value(b, column));
      rows.sort((a, b) => (up ? order(a, b) : order(b, a))).forEach((row) => body.append(row));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort();
    });
  });
}

function listContacts(item) {
  const host = byId("contacts");
  const order = item.a.map((_, i) => i);
  const change = (i) => item.persistence[i] - item.input[i];
  const sorts = {
    "Steadiest first": (i, j) => item.persistence[j] - item.persistence[i] || item.input[j] - item.input[i],
    "Largest change first": (i, j) => Math.abs(change(j)) - Math.abs(change(i)),
    "By residue": (i, j) => i - j,
  };
  const list = make("ul", { class: "contact-list" });
  const more = make("button", { type: "button", class: "quiet" });
  let all = false;
  let kind = "Steadiest first";
  const render = () => {
    list.textContent = "";
    order.sort(sorts[kind]);
    const shown = all ? order : order.slice(0, CONTACTS_AT_ONCE);
    for (const i of shown) {
      const fate = fateOf(item.input[i], item.persistence[i]);
      const percent = (100 * item.persistence[i]).toFixed(0);
      const words = `${item.a[i]} – ${item.b[i]}: in ${percent} % of frames, ${item.input[i] ? "a contact of the input" : "not in the input"}, ${fate}`;
      list.append(make("li", { title: words, "aria-label": words },
        make("span", {}, `${item.a[i]} – ${item.b[i]}`),
        make("span", { class: "track", "aria-hidden": "true" },
          make("span", { class: "fill " + fate, style: { width: percent + "%" } }),
          make("span", { class: "was", style: { left: `calc(${100 * item.input[i]}% - ${item.input[i] ? 2 : 0}px)` } })),
        make("span", { class: "n" }, percent + " %")));
    }
    more.hidden = all || order.length <= CONTACTS_AT_ONCE;
    more.textContent = `Show all ${order.length} contacts`;
  };
  more.addEventListener("click", () => {
    all = true;
    render();
  });
  const select = make("select", { "aria-label": "Order of the contacts" }, ...Object.keys(sorts).map((key) => make("option", {}, key)));
  select.addEventListener("change", () => {
    kind = select.value;
    render();
  });
  render();
  host.textContent = "";
  host.append(
    make("div", { class: "head" }, make("h3", {}, `Contacts of ${item.first} – ${item.second}`), make("span", { class: "player" }, select)),
    make("p", { class: "caption" }, "Bars: share of frames that have the contact. The thin mark is the input (right: present, left: absent), so the gap between bar and mark is the change."),
    list, more);
}
