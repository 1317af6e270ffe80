// Keys, the reader's own time zone, and the rotation of pages on a wall. Everything works without it, apart from the keys.
"use strict";
const HELP = [["/", "search"], ["j, k", "next or previous entry of a list"], ["Enter", "open the entry"], ["← →", "in a chart: the values before or after"], ["f", "full screen"], ["?", "this help"], ["Esc", "close; leave a zoomed range"]];
const ENTRIES = "main :is(tbody tr, .list > li, .tl > li, .firing > li, .lane, .trouble)";

// The zone of the browser is known here only.
function nameZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const link of document.querySelectorAll('a[data-zone="local"]')) {
    const url = new URL(link.href);
    url.searchParams.set("tz", zone);
    link.href = url;
  }
}

function help() {
  let dialog = document.getElementById("keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "keys";
    dialog.setAttribute("aria-label", "Keys");
    const list = document.createElement("dl");
    list.className = "facts list";
    for (const [key, what] of HELP) {
      const row = list.appendChild(document.createElement("div"));
      row.appendChild(document.createElement("dt")).appendChild(document.createElement("kbd")).textContent = key;
      row.appendChild(document.createElement("dd")).textContent = what;
    }
    dialog.append(list);
    document.body.append(dialog);
  }
  dialog.open ? dialog.close() : dialog.showModal();
}

function move(by) {
  const entries = [...document.querySelectorAll(ENTRIES)].filter((one) => one.querySelector("a, button") && one.offsetParent);
  if (!entries.length) return;
  const here = entries.findIndex((one) => one.contains(document.activeElement));
  const next = entries[Math.min(Math.max(here + by, 0), entries.length - 1)];
  next.querySelector("a, button").focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const does = {
    "/": () => document.getElementById("q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    "?": help,
    f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

// The next page of the wall is opened only once the hub answers, so that a hub that is gone leaves the last page, not the browser's error.
const wall = document.body.dataset.wall;
if (wall) setInterval(() => fetch(wall).then((answer) => answer.ok && location.assign(wall)).catch(() => null), 30_000);
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
nameZone();
document.addEventListener("dashboard:shown", nameZone);
