// Goes on when every application's frame has answered, and does not wait long for one that hangs.
// Where it leads to an application it stays in the history: if that does not lead back, Back does.
const main = document.getElementById("logout-continue");
let gone = false;
const goOn = () => {
  if (gone || !("goesOn" in main.dataset)) return;
  gone = true;
  if (document.getElementById("logout-skip")) location.assign(main.href);
  else location.replace(main.href);
};
// After the page has quite loaded: what a page does before replaces it in the history. The first
// time it is left for an application, its words can be read before.
addEventListener("load", () => setTimeout(goOn, Number(main.dataset.goesOn) || 0));
setTimeout(goOn, 4000);
// Shown again by Back as it was left: it has to say what is so now.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
