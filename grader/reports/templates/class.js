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

  const number = (row, column) => {
    const found = row.cells.length > column && row.cells[column].textContent.match(/\d+(\.\d+)?/);
    return found && row.cells[column].colSpan === 1 ? Number(found[0]) : -1;
  };
  const name = (row) => row.cells[0].textContent;
  const by = (column) =>
    column
      ? (one, other) => number(one, column) - number(other, column)
      : (one, other) => name(one).localeCompare(name(other));
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "none" }[heading.ariaSort] || "ascending";
      for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
      heading.ariaSort = next === "none" ? null : next;
      const sorted = next === "none" ? rows : [...rows].sort(by(column));
      body.append(...(next === "descending" ? sorted.reverse() : sorted));
    });
  });
  tools.hidden = false;
  show();
}
