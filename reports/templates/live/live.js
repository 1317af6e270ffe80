// Keeps the page fresh without a full reload; without it the page works, and is as fresh as its last load.
"use strict";
const every = Number(document.body.dataset.refresh) * 1000;
const silent = document.getElementById("silent");
let last = Date.now();

// What the reader has opened stays open, and where the focus is stays the focus.
function put(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  // What a reader is choosing or typing is not taken from under the hand.
  if (part.contains(document.activeElement) && document.activeElement.matches("select, input:not([type=hidden]), textarea")) return;
  if (part.querySelector("details.custom[open]")) return;
  const open = new Set([...part.querySelectorAll("details[open]")].map((d) => d.id));
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  for (const d of fresh.querySelectorAll("details")) if (open.has(d.id)) d.open = true;
  part.innerHTML = fresh.innerHTML;
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.assign(answer.url); // the session is over
    if (answer.status === 404) return location.reload(); // the page is gone, or its share link was closed
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh) put(part, fresh);
    }
    document.body.className = page.body.className;
    document.title = page.title;
    last = Date.now();
    silent.hidden = true;
  } catch {
    silent.textContent = `The hub does not answer; this is what it said ${Math.round((Date.now() - last) / 1000)} s ago.`;
    silent.hidden = false;
  }
}
if (every) setInterval(refresh, every);
document.addEventListener("visibilitychange", refresh);

document.addEventListener("submit", async (event) => {
  if ("leaves" in event.target.dataset) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  await fetch(event.target.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  refresh();
});
