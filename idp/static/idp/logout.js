// Goes on when every application's frame has answered, and does not wait long for one that hangs.
const goOn = () => location.replace(document.getElementById("logout-continue").href);
addEventListener("load", goOn);
setTimeout(goOn, 4000);
