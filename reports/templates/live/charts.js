// Charts that are explored: a crosshair with the values of all charts of the page, a range that is dragged, and the run behind a point.
// Without it every chart can be read, and its table has the same numbers.
"use strict";
const CHARTS = ".chart > svg.plot[data-points]";
const SVG = "http://www.w3.org/2000/svg";
const SHORTEST = 300; // seconds; the hub shows no shorter range
const DRAGGED = 6; // pixels; less is a click with an unsteady hand
const read = new WeakMap();
let drag = null; // {svg, from, to, pointer} in shares of the chart's width
let touched = null; // the moment that a finger chose: a second touch on it opens its run

function chartOf(svg) {
  if (!read.has(svg)) {
    const { since, until, zone, names, points } = svg.dataset;
    let time = Number(since), step = 0;
    const moments = points.split("|").map((one) => {
      const [after, ...values] = one.split(";");
      step = after === "" ? step : Number(after);
      time += step;
      return { time, values };
    });
    read.set(svg, { since: Number(since), until: Number(until), zone, names: names.split(";"), moments });
  }
  return read.get(svg);
}

// As the tables write it: the time, with the day where the chart is longer than one, and the day alone in one that is longer than ten.
function clock(chart, time) {
  const length = chart.until - chart.since;
  const form = { timeZone: chart.zone };
  if (length > 26 * 3600) Object.assign(form, { day: "numeric", month: "short" });
  if (length <= 10 * 86400) Object.assign(form, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  else form.year = "numeric";
  return new Intl.DateTimeFormat("en-GB", form).format(time * 1000).replace(",", "").replace("Sept", "Sep");
}

const shareAt = (svg, event) => {
  const box = svg.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
};
const timeAt = (chart, share) => chart.since + share * (chart.until - chart.since);
const shareOf = (chart, time) => (time - chart.since) / (chart.until - chart.since);

function nearest(chart, time) {
  return chart.moments.reduce((best, one) => (Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best));
}

function part(parent, name, kind) {
  const found = parent.querySelector(`:scope > .${kind}`) || parent.appendChild(name === "div" ? document.createElement(name) : document.createElementNS(SVG, name));
  found.setAttribute("class", kind);
  return found;
}

// One chart's line and values: those measured nearest to the time, unless that is further away than the next one would be.
function mark(svg, time) {
  const chart = chartOf(svg);
  const inside = time !== null && time >= chart.since && time <= chart.until;
  if (!inside) return unmark(svg);
  const share = shareOf(chart, time);
  const line = part(svg, "line", "hair");
  line.setAttribute("x1", `${share * 100}%`);
  line.setAttribute("x2", `${share * 100}%`);
  line.setAttribute("y1", "0");
  line.setAttribute("y2", "100%");
  const said = part(svg.parentElement, "div", "readout");
  said.setAttribute("aria-hidden", "true"); // the table of the chart says it, and the live region below
  const one = nearest(chart, time);
  const gap = chart.moments.length > 1 ? (chart.moments.at(-1).time - chart.moments[0].time) / (chart.moments.length - 1) : Infinity;
  const known = Math.abs(one.time - time) <= Math.max(gap * 1.5, 60);
  said.replaceChildren();
  const head = said.appendChild(document.createElement("span"));
  head.appendChild(document.createElement("b")).textContent = known ? clock(chart, one.time) : "no data";
  if (known) chart.names.forEach((name, number) => {
    if (one.values[number] !== "–") said.appendChild(document.createElement("span")).textContent = `${name} ${one.values[number]}`;
  });
  const frame = svg.parentElement.getBoundingClientRect(), box = svg.getBoundingClientRect();
  const x = box.left - frame.left + share * box.width;
  const width = said.offsetWidth;
  said.style.left = `${Math.max(0, x + 8 + width > frame.width ? x - 8 - width : x + 8)}px`;
}

function unmark(svg) {
  svg.querySelector(":scope > .hair")?.remove();
  svg.parentElement.querySelector(":scope > .readout")?.remove();
}

function markAll(time) {
  for (const svg of document.querySelectorAll(CHARTS)) mark(svg, time);
}

function openRun(svg, time) {
  const path = svg.dataset.run;
  if (!path) return;
  location.assign(path + Math.round(nearest(chartOf(svg), time).time));
}

function choose(svg, from, to) {
  const chosen = part(svg, "rect", "chosen");
  chosen.setAttribute("x", `${Math.min(from, to) * 100}%`);
  chosen.setAttribute("width", `${Math.abs(to - from) * 100}%`);
  chosen.setAttribute("y", "0");
  chosen.setAttribute("height", "100%");
}

function endDrag() {
  drag?.svg.querySelector(":scope > .chosen")?.remove();
  drag = null;
}

// The range is a part of the address: the browser's own way back leads to the range before, Escape to the one that was not zoomed.
function zoom(chart, first, last) {
  const ranges = document.querySelector("[data-range]");
  if (!ranges) return;
  const middle = (first + last) / 2, half = Math.max(SHORTEST, last - first) / 2;
  const end = Math.floor(Math.min(middle + half, chart.until)), begin = Math.floor(Math.min(middle - half, end - SHORTEST));
  const url = new URL(location.href);
  const back = ranges.dataset.range === "custom" ? url.searchParams.get("back") : ranges.dataset.range;
  const moment = (time) => `${new Date(time * 1000).toISOString().slice(0, 19)}Z`;
  for (const key of ["page", "part", "period"]) url.searchParams.delete(key);
  url.searchParams.set("range", "custom");
  url.searchParams.set("from", moment(begin));
  url.searchParams.set("to", moment(end));
  if (back) url.searchParams.set("back", back);
  location.assign(url);
}

const canZoom = () => Boolean(document.querySelector("[data-range]"));

document.addEventListener("pointermove", (event) => {
  if (drag) {
    drag.to = shareAt(drag.svg, event);
    if (canZoom()) choose(drag.svg, drag.from, drag.to);
    return markAll(timeAt(chartOf(drag.svg), drag.to));
  }
  const svg = event.target.closest?.(CHARTS);
  if (svg) markAll(timeAt(chartOf(svg), shareAt(svg, event)));
  else if (document.querySelector(".readout") && event.pointerType !== "touch" && !document.activeElement?.matches(CHARTS)) markAll(null);
});

document.addEventListener("pointerdown", (event) => {
  const svg = event.target.closest?.(CHARTS);
  if (!svg) return event.pointerType === "touch" ? markAll(null) : undefined;
  if (event.button || event.pointerType === "touch") return; // a finger scrolls the page
  event.preventDefault(); // no text is selected
  svg.focus({ preventScroll: true });
  const share = shareAt(svg, event);
  drag = { svg, from: share, to: share, x: event.clientX };
});

document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { svg, from, x } = drag;
  const chart = chartOf(svg), to = shareAt(svg, event);
  const isDragged = Math.abs(event.clientX - x) > DRAGGED;
  endDrag();
  if (!isDragged) openRun(svg, timeAt(chart, to));
  else if (canZoom()) zoom(chart, timeAt(chart, Math.min(from, to)), timeAt(chart, Math.max(from, to)));
});
document.addEventListener("pointercancel", endDrag);

document.addEventListener("click", (event) => {
  const svg = event.target.closest?.(CHARTS);
  if (!svg || event.pointerType !== "touch") return;
  const chart = chartOf(svg), time = timeAt(chart, shareAt(svg, event)), at = nearest(chart, time).time;
  if (touched === at) return openRun(svg, time);
  touched = at;
  markAll(time);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (drag) return endDrag();
    if (document.querySelector("dialog[open]") || event.target.closest?.("input, select, textarea")) return;
    const back = document.querySelector("[data-unzoom]");
    return back ? location.assign(back.href) : markAll(null);
  }
  const svg = event.target.matches?.(CHARTS) ? event.target : null;
  if (!svg || event.ctrlKey || event.metaKey || event.altKey) return;
  const chart = chartOf(svg);
  const here = chart.moments.findIndex((one) => String(one.time) === svg.dataset.here);
  if (event.key === "Enter" && here >= 0) return openRun(svg, chart.moments[here].time);
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const next = here < 0 ? (by > 0 ? 0 : chart.moments.length - 1) : Math.min(Math.max(here + by, 0), chart.moments.length - 1);
  const one = chart.moments[next];
  svg.dataset.here = one.time;
  markAll(one.time);
  say(`${clock(chart, one.time)}: ${chart.names.map((name, number) => `${name} ${one.values[number]}`).join(", ")}`);
});

function say(text) {
  let region = document.getElementById("chart-said");
  if (!region) {
    region = document.body.appendChild(document.createElement("p"));
    region.id = "chart-said";
    region.className = "hidden";
    region.setAttribute("role", "status");
  }
  region.textContent = text;
}

// A keyboard reaches a chart only where this script can answer it.
function reachable() {
  for (const svg of document.querySelectorAll(CHARTS)) svg.setAttribute("tabindex", "0");
}
reachable();
document.addEventListener("dashboard:shown", reachable);
new MutationObserver(reachable).observe(document.querySelector("main") || document.body, { childList: true, subtree: true });
