// "/" goes to the search field; copy buttons say "Copied". Every page works without this file.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.getElementById("searchbar") || document.getElementById("find-term");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, 2500);
  });
}

for (const box of document.querySelectorAll("#action-toggle")) {
  box.addEventListener("change", () => {
    for (const other of document.querySelectorAll(".action-select")) other.checked = box.checked;
  });
}
