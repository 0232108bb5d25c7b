// The preview follows the typing, rows can be added and moved. Without this file one button does it.
const preview = document.getElementById("preview");
const form = preview.closest("form");
const answer = document.getElementById("preview-result");
const status = document.getElementById("preview-state");
const rows = document.getElementById("mapping-rows");
const total = form.querySelector("[name$='mappings-TOTAL_FORMS']");
let waiting, running;

async function show() {
  running?.abort();
  running = new AbortController();
  const data = new FormData(form);
  for (const name of [...data.keys()]) if (data.get(name) instanceof File) data.delete(name);
  data.delete("_preview");
  status.textContent = "…";
  try {
    const response = await fetch(preview.dataset.previewUrl, { method: "POST", body: data, signal: running.signal, redirect: "error" });
    if (!response.ok) throw new Error(response.status);
    const open = answer.querySelector("details.out")?.open ?? false;
    answer.innerHTML = await response.text();
    const out = answer.querySelector("details.out");
    if (out) out.open = open;
    status.textContent = "";
    mark();
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = "No answer. Press Preview to try again.";
  }
}

function mark() {
  const wrong = [...answer.querySelectorAll("[data-row]")].map((item) => item.dataset);
  for (const input of rows.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const row of rows.children) row.classList.remove("errors");
  const kept = [...rows.children].filter(counts).sort((a, b) => order(a) - order(b));
  for (const { row, field: name } of wrong) {
    const place = kept[row - 1];
    place?.classList.add("errors");
    if (place) field(place, name)?.setAttribute("aria-invalid", "true");
  }
}

const field = (row, name) => row.querySelector(`[name$='-${name}']`);
const order = (row) => Number(field(row, "position").value) || 1000;
const counts = (row) => !field(row, "DELETE")?.checked && (field(row, "id")?.value || ["claim", "key", "transforms"].some((name) => field(row, name).value.trim()));

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(show, 350);
}

form.addEventListener("input", soon);
form.addEventListener("change", soon);
preview.querySelector("[name=_preview]").addEventListener("click", (event) => {
  event.preventDefault();
  show();
});

const add = document.getElementById("mapping-add");
add.hidden = false;
add.addEventListener("click", () => {
  const copy = document.getElementById("mapping-empty").content.cloneNode(true);
  const number = Number(total.value);
  for (const element of copy.querySelectorAll("*")) {
    for (const name of ["id", "name", "for"]) {
      if (element.hasAttribute(name)) element.setAttribute(name, element.getAttribute(name).replace("__prefix__", number));
    }
  }
  const places = [...rows.children].map(order).filter((place) => place < 1000);
  rows.append(copy);
  total.value = number + 1;
  const row = rows.lastElementChild;
  field(row, "position").value = Math.max(0, ...places) + 1;
  field(row, "claim").focus();
});
