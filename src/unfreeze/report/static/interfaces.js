// The table of interfaces (sorting, choosing a row) and the list of one interface's contacts.

const CONTACTS_AT_ONCE = 12;

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

function contactLine(item, i) {
  const fate = fateOf(item.input[i], item.persistence[i]);
  const percent = (100 * item.persistence[i]).toFixed(0);
  const words = `${item.a[i]} – ${item.b[i]}: in ${percent} % of frames, ${item.input[i] ? "a contact of the input" : "not in the input"}, ${fate}`;
  return make("li", { title: words, "aria-label": words },
    make("span", {}, `${item.a[i]} – ${item.b[i]}`),
    make("span", { class: "track", "aria-hidden": "true" },
      make("span", { class: "fill " + fate, style: { width: percent + "%" } }),
      make("span", { class: "was", style: { left: item.input[i] ? "calc(100% - 2px)" : "0" } })),
    make("span", { class: "n" }, percent + "\u00a0%"));
}

function listContacts(item) {
  const host = byId("contacts");
  const order = item.a.map((_, i) => i);
  const change = (i) => Math.abs(item.persistence[i] - item.input[i]);
  const list = (rows) => make("ul", { class: "contact-list" }, ...rows.map((i) => contactLine(item, i)));
  const some = innerWidth < 600 ? 8 : CONTACTS_AT_ONCE;
  const steady = order.filter((i) => item.input[i]).sort((i, j) => item.persistence[j] - item.persistence[i] || i - j).slice(0, some);
  const changed = order.filter((i) => change(i) > 0.1).sort((i, j) => change(j) - change(i) || i - j).slice(0, some);
  const none = (text) => make("p", { class: "caption" }, text);
  const few = make("div", { class: "two" },
    make("div", {}, make("h4", {}, "Steadiest contacts of the input"), steady.length ? list(steady) : none("The input has no contact here.")),
    make("div", {}, make("h4", {}, "Largest changes from the input"), changed.length ? list(changed) : none("No contact changes by more than 10 % of the frames.")));
  const more = make("button", { type: "button", class: "quiet" }, `Show all ${order.length} contacts by residue`);
  more.addEventListener("click", () => {
    const whole = list(order);
    whole.classList.add("columned");
    few.replaceWith(whole);
    more.remove();
  });
  host.textContent = "";
  host.append(
    make("h3", {}, `Contacts of ${item.first} – ${item.second}`),
    make("p", { class: "explain" }, "A bar is the share of frames that have the contact. The thin mark is the input: at the right end the contact is there, at the left end it is not, so the gap between bar and mark is the change."),
    few, more);
}
