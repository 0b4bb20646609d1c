// Sorts the tables of an evaluation page. The page is complete without it.

function startSorting(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const amount = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.replaceAll(",", "").trim();
    return text === "" ? NaN : parseFloat(text);
  };
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const sort = () => {
      const now = head.getAttribute("aria-sort");
      const up = now ? now === "descending" : kind === "text";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sign = up ? 1 : -1;
      const order = (a, b) => {
        if (kind === "text") return sign * a.cells[column].textContent.trim().localeCompare(b.cells[column].textContent.trim(), undefined, { numeric: true });
        const [x, y] = [amount(a, column), amount(b, column)];
        // rows without a number stay at the end
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return sign * (x - y);
      };
      body.append(...rows.sort(order));
    };
    const button = make("button", { type: "button", class: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", sort);
  });
}

theme.start();
document.querySelectorAll("table[data-sortable]").forEach(startSorting);
document.documentElement.dataset.page = "ready";
