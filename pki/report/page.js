
"use strict";
(() => {
  const body = document.querySelector("#all tbody");
  const heads = [...document.querySelectorAll("#all th")];
  const rows = [...body.rows];
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.rank ?? cell.textContent;
    const number = Number(text);
    return Number.isNaN(number) ? text : number;
  };
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    const keys = new Map(rows.map((row) => [row, key(row, column)]));
    rows.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    body.append(...rows);
  }));
  const wanted = document.querySelector("#wanted");
  const found = document.querySelector("#found");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  wanted.addEventListener("input", () => {
    const text = wanted.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !texts.get(row).includes(text);
      shown += row.hidden ? 0 : 1;
    }
    found.textContent = `${shown} of ${rows.length}`;
  });
  document.querySelector("#finder").hidden = false;
})();
