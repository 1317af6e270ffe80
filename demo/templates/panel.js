// Keeps the panel fresh without a full reload; without it the page works, and is as fresh as its last load.
"use strict";
const live = document.getElementById("live");

async function refresh() {
  if (document.hidden || live.contains(document.activeElement) && document.activeElement.matches(":active")) return;
  const answer = await fetch("/live").catch(() => null);
  if (!answer || !answer.ok) return;
  const focused = document.activeElement && document.activeElement.id;
  live.innerHTML = await answer.text();
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}
setInterval(refresh, 2000);

live.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(event.target.action, { method: "POST", redirect: "manual" });
  refresh();
});
