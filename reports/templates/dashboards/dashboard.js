// Keeps a dashboard fresh without a full reload. Without it the page works, and is as fresh as its last load.
"use strict";
const live = document.getElementById("live");
const every = Number(document.body.dataset.refresh) * 1000;
let tag = "";
let last = Date.now();

function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}

function showAges() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (seconds >= 0) time.textContent = `${span(seconds)} ago`;
  }
}

// What the reader has opened stays open, and where the focus is stays the focus.
function put(html) {
  const open = [...live.querySelectorAll("details[open]")].map((one) => one.id);
  const focused = document.activeElement;
  if (focused && focused.closest("form") && live.contains(focused)) return;
  if (live.querySelector("details.custom[open]")) return; // what a reader is choosing is not taken from under the hand
  const place = live.contains(focused) ? [...live.querySelectorAll("a, summary, [tabindex]")].indexOf(focused) : -1;
  live.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (place >= 0) live.querySelectorAll("a, summary, [tabindex]")[place]?.focus({ preventScroll: true });
  document.dispatchEvent(new Event("dashboard:shown"));
}

function say(text) {
  const notice = document.getElementById("silent");
  notice.textContent = text;
  notice.hidden = !text;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const url = new URL(location.href);
    url.searchParams.set("part", "live");
    const answer = await fetch(url, { headers: { Accept: "text/html", ...(tag && { "If-None-Match": tag }) } });
    if (answer.redirected) return location.assign(answer.url); // the session is over
    if (answer.status === 404) return location.reload(); // the page is gone, or its share link was closed
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(answer.status);
      tag = answer.headers.get("ETag") || "";
      put(await answer.text());
    }
    last = Date.now();
    say("");
    showAges();
  } catch {
    say(`The hub does not answer; this is what it said ${span(Math.round((Date.now() - last) / 1000))} ago.`);
  }
}

if (every) setInterval(refresh, every);
setInterval(showAges, 1000);
document.addEventListener("visibilitychange", refresh);
