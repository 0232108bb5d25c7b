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

const tabs = document.querySelector(".tabs");
if (tabs) {
  const links = [...tabs.querySelectorAll("a")];
  const part = (link) => document.getElementById(link.hash.slice(1));
  const open = (link) => {
    for (const other of links) {
      part(other).hidden = other !== link;
      if (other === link) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  };
  tabs.classList.add("live");
  for (const link of links) {
    const wrong = part(link).querySelectorAll(".errorlist").length;
    if (wrong) link.insertAdjacentHTML("beforeend", ` <span class="state bad">${wrong}</span>`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", link.hash);
      open(link);
    });
  }
  const asked = () => links.find((link) => link.hash === location.hash);
  addEventListener("hashchange", () => asked() && open(asked()));
  open(asked() || links.find((link) => part(link).querySelector(".errorlist")) || links[0]);
}

// After an error the first field that is wrong has the focus; its message is read with it.
const wrongs = [...document.querySelectorAll("main [aria-invalid=true]")];
wrongs.find((field) => field.checkVisibility())?.focus();
