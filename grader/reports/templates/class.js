// Sorts and filters the students of each lesson. Without it the page holds the same, in one order.
"use strict";
for (const section of document.querySelectorAll("section")) {
  const table = section.querySelector(".grades");
  if (!table) continue;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const tools = section.querySelector(".tools");
  const field = tools.querySelector("input");
  const told = tools.querySelector("output");
  const everybody = tools.querySelector("button");
  let failure = null; // the link to those of whom alone is asked

  const show = () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const met = (row.dataset.met || "").split(" ");
      const fits = words.get(row).includes(wanted) && (!failure || met.includes(failure.dataset.failure));
      row.hidden = !fits;
      shown += fits;
    }
    told.textContent = `${shown} of ${rows.length}` + (failure ? `: ${failure.title}` : "");
    everybody.hidden = !failure && !wanted;
  };
  field.addEventListener("input", show);
  everybody.addEventListener("click", () => {
    failure = null;
    field.value = "";
    show();
    field.focus();
  });
  for (const link of section.querySelectorAll("[data-failure]")) {
    link.addEventListener("click", () => {
      failure = link;
      field.value = "";
      show();
    });
  }

  const sorted = (column) => {
    const points = (row) => {
      const cell = row.cells[column];
      const found = cell && cell.colSpan === 1 && cell.textContent.match(/\d+(\.\d+)?/);
      return found ? Number(found[0]) : -1;
    };
    const key = column ? points : (row) => row.cells[0].textContent;
    const keys = new Map(rows.map((row) => [row, key(row)]));
    const compare = column ? (a, b) => a - b : new Intl.Collator().compare;
    return [...rows].sort((one, other) => compare(keys.get(one), keys.get(other)));
  };
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "none" }[heading.ariaSort] || "ascending";
      for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
      heading.ariaSort = next === "none" ? null : next;
      const order = next === "none" ? rows : sorted(column);
      body.append(...(next === "descending" ? order.reverse() : order));
    });
  });
  tools.hidden = false;
  show();
}
