// Two conveniences: copying a command, and searching a list. Everything works without them.
"use strict";
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text and copy it";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
for (const box of document.querySelectorAll("[data-search]")) {
  const rows = document.getElementById(box.dataset.search).rows;
  const output = box.querySelector("output");
  box.hidden = false;
  box.querySelector("input").addEventListener("input", event => {
    const text = event.target.value.trim().toLowerCase();
    let hits = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(text);
      hits += row.hidden ? 0 : 1;
    }
    output.textContent = text ? `${hits} found` : "";
  });
}
