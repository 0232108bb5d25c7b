// Answers an application that asks whether its session_state still holds (OIDC Session Management §3.2).
"use strict";
const cookie = document.currentScript.dataset.cookie + "=";

function browserState() {
  const found = document.cookie.split("; ").find(part => part.startsWith(cookie));
  return found === undefined ? null : found.slice(cookie.length);
}

async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, "0")).join("");
}

async function check(message, origin) {
  const parts = typeof message === "string" ? message.split(" ") : [];
  if (parts.length !== 2 || !parts[0]) return "error";
  const [clientId, sessionState] = parts;
  const found = /^[0-9a-f]{64}\.([^.]+)$/.exec(sessionState);
  const state = browserState();
  // Without any state the browser keeps cookies from frames, or has none of ours: nobody can tell.
  if (!found || state === null) return "error";
  const now = await sha256([clientId, origin, state, found[1]].join(" "));
  return `${now}.${found[1]}` === sessionState ? "unchanged" : "changed";
}

addEventListener("message", async event => {
  if (!event.source || event.source === window || event.origin === "null") return;
  const answer = await check(event.data, event.origin).catch(() => "error");
  event.source.postMessage(answer, event.origin);
});
