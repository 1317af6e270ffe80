// The shop in the browser: a small router and the pages that it fills. No framework, and the traps of the real site.
"use strict";

const boot = JSON.parse(document.getElementById("shop-data").textContent);
const root = document.getElementById("root");
const DETAILS = "6fb-registration-data";
const CITY = "6fb-city-selection";
let data = boot;

// -- small things -----------------------------------------------------------------------------------------------------

const dollars = (amount) => "$" + amount.toLocaleString("en-US", { minimumFractionDigits: Number.isInteger(amount) ? 0 : 2, maximumFractionDigits: 2 });
const stored = (key) => { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } };
const store = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));

// Builds an element: h("p", { class: "quiet", onclick }, "text", child). Text is text, never markup.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  if ((attributes && attributes.class || "").split(" ").includes("fade")) fadeIn(element);
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

// Frame by frame, as the real site's animation library does it: whoever looks at once sees nothing, or half of it.
function fadeIn(element) {
  const began = performance.now();
  const frame = () => {
    const part = Math.min(1, (performance.now() - began) / 500);
    const eased = 1 - (1 - part) ** 3;
    element.style.opacity = part < 1 ? String(eased) : "";
    element.style.transform = part < 1 ? `translateY(${14 * (1 - eased)}px)` : "";
    if (part < 1) requestAnimationFrame(frame);
  };
  element.style.opacity = "0";
  requestAnimationFrame(frame);
}
const button = (text, onclick, more) => h("button", { type: "button", class: "button", onclick, ...more }, text);
const isOn = (fault) => data.faults.includes(fault);
const show = (...children) => root.replaceChildren(...children);

// -- navigation -------------------------------------------------------------------------------------------------------

async function go(path) {
  const mark = (path.includes("?") ? "&" : "?") + "_rsc=" + Math.random().toString(36).slice(2, 7);
  const answer = await fetch(path + mark, { headers: { RSC: "1" } });
  if (!answer.ok) { location.href = path; return; }
  data = await answer.json();
  history.pushState({}, "", path);
  render({ clicked: true });
  document.getElementById("route-announcer").textContent = document.title;
}

addEventListener("popstate", () => location.reload());

function render({ clicked = false } = {}) {
  window.scrollTo(0, 0);
  if (isOn("crash_page_200") && data.page === "register") crash();
  else if (data.page === "home") home();
  else if (data.page === "pricing") pricing();
  else if (data.page === "register") register();
  else if (data.page === "success") success();
  disturb(clicked);
}

// -- home: it comes whole from the server, and is deaf until this has run ---------------------------------------------

function home() {
  if (data.html) root.innerHTML = data.html; // the server's own page, rendered by it
  for (const toggle of root.querySelectorAll(".city-toggle")) {
    toggle.addEventListener("click", () => expand(toggle));
    toggle.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); expand(toggle); } });
  }
  root.querySelectorAll("[data-does=scroll]").forEach((b) => b.addEventListener("click", () => document.getElementById("cities").scrollIntoView()));
}

function expand(toggle) {
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", open);
  toggle.setAttribute("aria-label", `${open ? "Collapse" : "Expand"} details for ${toggle.dataset.label} workshop`);
  const details = toggle.parentElement.querySelector(".city-details");
  if (!open) { details.replaceChildren(); return; }
  const id = toggle.closest("[data-city]").dataset.city;
  const { name, dates, venue } = details.dataset;
  details.replaceChildren(h("div", { class: "fade" },
    h("p", { class: "quiet" }, `${dates} at ${venue}. Two days of pricing, marketing and retention, with your own numbers.`),
    button(`Select ${name} Workshop`, () => go(`/pricing?city=${id}`), { class: "button full" })));
}

// -- pricing ----------------------------------------------------------------------------------------------------------

function pricing() {
  const city = data.city;
  if (!city) { go("/"); return; }
  const state = { quantity: 1, member: null, refused: false, promo: null, promoText: "", busy: false, email: "" };
  const body = h("div", {});
  const draw = () => body.replaceChildren(memberPanel(state, draw), tiers(city, state, draw));
  show(h("main", { class: "page" },
    h("button", { type: "button", class: "back", onclick: () => go("/") }, "Back to Cities"),
    h("h1", {}, "Choose Your Experience Level"),
    h("span", { class: "badge" }, `${city.cityName} • ${city.month}`),
    body));
  draw();
}

function memberPanel(state, draw) {
  if (state.member) {
    return h("section", { class: "panel fade" },
      h("h3", {}, "Verified 6FB Member!"),
      h("p", {}, `Welcome back, ${state.member.name}`),
      h("span", { class: "badge good" }, `${data.memberPercent.vip}% Discount Applied`));
  }
  if (state.refused) {
    return h("section", { class: "panel fade" },
      h("p", { class: "problem" }, "Email not found in our 6FB member database"),
      button("Try Different Email", () => { state.refused = false; state.email = ""; draw(); }, { class: "button ghost" }));
  }
  const input = h("input", { type: "email", placeholder: "Enter your 6FB registered email" });
  input.value = state.email;
  const check = button(state.busy ? "Verifying..." : "Verify Membership", () => verify(state, input.value, draw), { disabled: state.busy || !state.email });
  input.addEventListener("input", () => { state.email = input.value; check.disabled = !input.value; });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && input.value) verify(state, input.value, draw); });
  return h("section", { class: "panel" },
    h("h3", {}, "6FB Members save"),
    h("p", { class: "quiet" }, "Give the address you registered with, and the member price is yours."),
    h("div", { class: "row" }, input, check));
}

async function verify(state, email, draw) {
  state.busy = true;
  draw();
  let found = null;
  try {
    const answer = await fetch("/api/verify-member", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ email }) });
    found = await answer.json();
  } catch { /* a dead check looks like a stranger */ }
  state.busy = false;
  state.member = found && found.isVerified ? found.member : null;
  state.refused = !state.member;
  draw();
}

// What the page believes an order costs.
function quote(state, tier) {
  const unit = data.prices[tier];
  const quantity = tier === "ga" ? state.quantity : 1;
  const original = unit * quantity;
  if (state.member) {
    const own = data.memberPercent[tier];
    const rest = quantity > 1 ? bulk(quantity) : 0;
    const final = unit * (100 - own) / 100 + unit * (quantity - 1) * (100 - rest) / 100;
    return { original, final, reason: own ? `6FB Member Discount (${own}% off)` : "" };
  }
  if (tier === "ga" && state.promo) {
    return { original, final: original * (100 - data.promoPercent) / 100, reason: `Promo Code: ${state.promo} (${data.promoPercent}% off)` };
  }
  const percent = tier === "ga" ? bulk(quantity) : 0;
  return { original, final: original * (100 - percent) / 100, reason: percent ? `Bulk Discount (${quantity} tickets) (${percent}% off)` : "" };
}
const bulk = (quantity) => data.bulkPercent[quantity] ?? data.bulkPercent.more;

function priceLines(price) {
  const saved = price.original - price.final;
  if (!saved) return [h("p", { class: "price" }, dollars(price.final))];
  return [
    h("p", {}, h("span", { class: "struck" }, dollars(price.original)), h("span", { class: "save" }, `Save ${dollars(saved)}`)),
    h("p", { class: "price" }, dollars(price.final)),
    h("p", { class: "quiet" }, price.reason),
  ];
}

function tiers(city, state, draw) {
  const ga = quote(state, "ga"), vip = quote(state, "vip");
  const step = (by) => () => { state.quantity += by; draw(); };
  const first = !state.drawn;
  state.drawn = true;
  return h("div", { class: first ? "two fade" : "two" },
    h("section", { class: "panel" },
      h("h3", {}, "General Admission"), priceLines(ga),
      h("ul", { class: "perks" }, ["Both workshop days", "The 6FB workbook", "Lunch and coffee"].map((perk) => h("li", {}, perk))),
      h("span", { class: "label" }, "Quantity"),
      h("div", { class: "count" },
        h("button", { type: "button", onclick: step(-1), disabled: state.quantity === 1 }, "-"), h("span", {}, String(state.quantity)),
        h("button", { type: "button", onclick: step(1), disabled: state.quantity === 10 }, "+")),
      state.member ? null : promo(state, draw),
      data.soldOut ? soldOut() : button(`Secure Your ${city.name} General Admission Spot`, () => choose(city, state, "ga"), { class: "button full" })),
    h("section", { class: "panel best" },
      h("h3", {}, "VIP Experience"), priceLines(vip),
      h("ul", { class: "perks" }, ["Everything in the other ticket", "Front row seats", "Dinner with the coaches", "A private review of your numbers"].map((perk) => h("li", {}, perk))),
      data.soldOut ? soldOut() : button(`Secure Your ${city.name} VIP Experience Spot`, () => choose(city, state, "vip"), { class: "button full" })));
}

const soldOut = () => h("button", { type: "button", class: "button full", disabled: true }, "Sold Out");

function promo(state, draw) {
  const input = h("input", { placeholder: "Enter promo code" });
  input.value = state.promoText;
  const apply = () => {
    state.promoText = input.value.trim().toUpperCase();
    state.promo = data.promoCodes.includes(state.promoText) ? state.promoText : null;
    state.promoBad = !state.promo;
    draw();
  };
  return h("div", {},
    h("div", { class: "row" }, input, button("Apply", apply, { class: "button ghost" })),
    state.promo ? h("p", { class: "save" }, `Valid promo code! ${data.promoPercent}% discount applied`) : null,
    state.promoBad ? h("p", { class: "problem" }, "Invalid promo code") : null);
}

function choose(city, state, type) {
  const price = quote(state, type);
  const quantity = type === "ga" ? state.quantity : 1;
  store(DETAILS, {
    pricing: { originalAmount: price.original, finalAmount: price.final, discountAmount: price.original - price.final, discountReason: price.reason },
    ticketInfo: { type, quantity, memberPercent: data.memberPercent[type] },
    userInfo: { isMember: Boolean(state.member), email: state.member ? state.member.email : "", name: state.member ? state.member.name : "" },
    promoInfo: { code: state.promo || "" },
  });
  store(CITY, { cityId: city.cityId, cityName: city.cityName, month: city.month, dates: city.dates, location: city.location });
  go(`/register?city=${city.cityId}&type=${type}&quantity=${quantity}`);
}

// -- register ---------------------------------------------------------------------------------------------------------

function register() {
  const asked = new URLSearchParams(location.search);
  const order = {
    type: asked.get("type") || "GA", quantity: asked.get("quantity") || "1",
    kept: stored(DETAILS), city: stored(CITY), step: 1, busy: false,
    form: { firstName: "", lastName: "", email: "", phone: "", businessType: "Individual Barber", yearsExperience: "1-2" },
  };
  const holder = h("div", {});
  const city = order.city;
  show(h("main", { class: "page slim" },
    h("h1", {}, "Complete Your Registration"),
    city ? h("span", { class: "badge" }, `${city.cityName} • ${city.month}`) : null,
    city ? h("p", { class: "quiet" }, `Secure your spot at the ${city.cityName} 6FB Methodologies Workshop`) : null,
    holder,
    isOn("guest_form_with_password") ? login() : null));
  const turn = (step) => {
    const old = holder.firstElementChild;
    const draw = () => { order.step = step; holder.replaceChildren(part(order, turn)); };
    if (!old) { draw(); return; }
    old.classList.add("leaving");
    setTimeout(draw, 300);
  };
  turn(1);
  prefill(order, holder);
}

// For returning customers, who nobody has to be.
function login() {
  return h("form", { class: "panel", onsubmit: (event) => event.preventDefault() },
    h("h3", {}, "Returning customer?"),
    h("input", { type: "email", placeholder: "Your account's e-mail" }), h("input", { type: "password", placeholder: "Password" }),
    h("div", { class: "ends" }, h("a", { href: "/refund" }, "Forgot it?"), h("button", { class: "button ghost" }, "Log in")));
}

// A member's name arrives by an effect, after the first paint, over whatever stands there already.
function prefill(order, holder) {
  const user = order.kept && order.kept.userInfo;
  if (!user || !user.isMember) return;
  requestAnimationFrame(() => setTimeout(() => {
    const [first, ...rest] = user.name.split(" ");
    order.form.firstName = first;
    order.form.lastName = rest.join(" ");
    const inputs = holder.querySelectorAll("input");
    if (order.step === 1 && inputs.length) { inputs[0].value = first; inputs[1].value = rest.join(" "); inputs[0].dispatchEvent(new Event("filled")); }
  }, 0));
}

function part(order, turn) {
  const bars = h("div", { class: "steps" }, [1, 2, 3].map((n) => h("i", { class: n <= order.step ? "done" : "" })));
  const inner = order.step === 1 ? personal(order, turn) : order.step === 2 ? business(order, turn) : review(order, turn);
  return h("section", { class: "panel fade" }, bars, inner);
}

const looksLikeEmail = (text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
const asPhone = (text) => {
  const digits = text.replace(/\D/g, "").slice(0, 10);
  return digits.length === 10 ? `(${digits.slice(0, 3)}) ${digits.slice(3, 6)}-${digits.slice(6)}` : text;
};

function personal(order, turn) {
  const form = order.form;
  const next = button("Next", () => turn(2));
  const check = () => { next.disabled = !(form.firstName && form.lastName && looksLikeEmail(form.email) && form.phone); };
  const field = (label, key, type, placeholder) => {
    const input = h("input", { type, placeholder });
    input.value = form[key];
    input.addEventListener("input", () => { if (key === "phone") input.value = asPhone(input.value); form[key] = input.value; check(); });
    input.addEventListener("filled", check);
    return [h("span", { class: "label" }, label), input];
  };
  check();
  return h("div", {}, h("h3", {}, "Personal Info"),
    field("First Name", "firstName", "text", "Enter your first name"), field("Last Name", "lastName", "text", "Enter your last name"),
    field("Email Address", "email", "email", "your.email@example.com"), field("Phone Number", "phone", "tel", "(555) 123-4567"),
    h("div", { class: "ends" }, h("span"), next));
}

function business(order, turn) {
  const form = order.form;
  const kinds = ["Individual Barber", "Shop Owner", "Salon Owner", "Student"];
  const choices = kinds.map((kind) => h("div", { class: "choice" + (kind === form.businessType ? " chosen" : ""), onclick: (event) => {
    form.businessType = kind;
    choices.forEach((c) => c.classList.toggle("chosen", c === event.currentTarget));
  } }, kind));
  const years = h("select", { onchange: () => { form.yearsExperience = years.value; } },
    [["less-than-1", "Less than 1 year"], ["1-2", "1-2 years"], ["3-5", "3-5 years"], ["6-10", "6-10 years"], ["more-than-10", "More than 10 years"]]
      .map(([value, text]) => h("option", { value, selected: value === form.yearsExperience }, text)));
  return h("div", {}, h("h3", {}, "Business Details"),
    h("span", { class: "label" }, "Business Type"), h("div", { class: "choices" }, choices),
    h("span", { class: "label" }, "Years of Experience"), years,
    h("div", { class: "ends" }, button("Previous", () => turn(1), { class: "button ghost" }), button("Next", () => turn(3))));
}

function review(order, turn) {
  const kept = order.kept;
  // Without what the pricing page left, only the upper-case VIP is known here, and the quantity is forgotten.
  const fallback = order.type === "VIP" ? data.prices.vip : data.prices.ga;
  const price = kept ? kept.pricing : { originalAmount: fallback, finalAmount: fallback, discountAmount: 0, discountReason: "" };
  const isMember = Boolean(kept && kept.userInfo.isMember && price.discountAmount);
  const reason = isMember ? "6FB Member Discount" : price.discountReason;
  const pay = button(isOn("renamed_button") ? "Complete My Order" : "Proceed to Payment", () => checkout(order, pay));
  const line = (label, value, more) => h("div", { class: "line " + (more || "") }, h("span", {}, label), h("span", {}, value));
  return h("div", {}, h("h3", {}, "Review & Payment"), h("h4", {}, "Order Summary"),
    isMember ? h("span", { class: "badge good" }, `6FB Member - ${kept.ticketInfo.memberPercent}% Discount Applied`) : null,
    line(`${order.type} Ticket × ${order.quantity}`, dollars(price.originalAmount)),
    price.discountAmount ? line(reason, `-${dollars(price.discountAmount)}`) : null,
    line("Total", dollars(price.finalAmount), "total"),
    h("h4", {}, "Registration Details"),
    h("p", { class: "quiet" }, `${order.form.firstName} ${order.form.lastName}, ${order.form.email}, ${order.form.phone}`),
    h("div", { class: "ends" }, button("Previous", () => turn(2), { class: "button ghost" }), pay));
}

async function checkout(order, pay) {
  if (isOn("caught_exception")) { caught(() => order.totals.final); return; }
  const name = pay.textContent;
  pay.disabled = true;
  pay.textContent = "Loading...";
  const { form, kept, city } = order;
  try {
    const answer = await fetch("/api/create-checkout-session", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        ticketType: order.type, quantity: Number(order.quantity), customerEmail: form.email, customerName: `${form.firstName} ${form.lastName}`,
        isSixFBMember: Boolean(kept && kept.userInfo.isMember), registrationData: { ...form, city: city ? city.cityName : "" },
      }),
    });
    const session = await answer.json();
    if (!session.success) throw new Error(session.error);
    if (isOn("new_tab")) { open(session.checkoutUrl, "_blank"); pay.textContent = "Continue in the other tab"; return; }
    location.href = session.checkoutUrl;
  } catch (error) {
    console.error("Checkout failed:", error.message);
    pay.disabled = false;
    pay.textContent = name;
    alert("Failed to proceed to payment. Please try again.");
  }
}

// -- success: whatever happened, it is content ------------------------------------------------------------------------

async function success() {
  const sessionId = new URLSearchParams(location.search).get("session_id");
  let session = null;
  if (sessionId) {
    try {
      const answer = await fetch(`/api/create-checkout-session?session_id=${encodeURIComponent(sessionId)}`);
      const told = await answer.json();
      session = told.success ? told.session : null;
    } catch { /* the page is as happy without */ }
  }
  const late = h("div", {});
  const line = (label, value, more) => h("div", { class: "line" }, h("span", {}, label), h("span", { class: more || "" }, value));
  show(h("main", { class: "page slim" }, late,
    h("h1", {}, "Registration Successful!"),
    h("p", { class: "lead" }, "Your spot is secured. See you on December 14-15, 2025."),
    h("section", { class: "panel" }, h("h3", {}, "Order Confirmation"),
      session ? [line("Order ID", session.id, "order-id"), line("Amount Paid", `$${session.amountTotal}`), line("Email", session.customerEmail || ""), line("Payment Status", "Paid")] : null),
    h("div", { class: "ends" }, button("Print Confirmation", () => print(), { class: "button ghost" }), button("Return to Home", () => go("/")))));
  // A banner that comes late and shoves everything down, every time.
  setTimeout(() => late.replaceChildren(h("div", { class: "late" }, "Check your inbox for the workbook")), 120);
}

// -- faults that live in the browser ----------------------------------------------------------------------------------

// As a framework does it: what a handler or a page throws is caught, and written to the console.
function caught(action) {
  try { action(); } catch (error) { console.error(error); }
}

function crash() {
  caught(() => data.tickets.length);
  show(h("div", {}, h("h2", {}, `Application error: a client-side exception has occurred while loading ${location.hostname} (see the browser console for more information).`)));
}

function cover(bar, heading, text, ...buttons) {
  const layer = h("div", { class: bar ? "layer bar-below" : "layer", role: "dialog" });
  const close = () => { layer.remove(); store("6fb-layer-closed", true); };
  layer.append(h("div", { class: "panel" }, h("h2", {}, heading), h("p", {}, text), h("div", { class: "ends" }, buttons.map((name) => button(name, close)))));
  if (!stored("6fb-layer-closed") && !document.querySelector(".layer")) document.body.append(layer);
}

function disturb(clicked) {
  if (isOn("overlay")) cover(false, "Join our newsletter", "One letter a week, and $50 off your first workshop.", "Subscribe", "No, thank you");
  if (isOn("cookie_bar")) cover(true, "We use cookies", "Choose before you go on.", "Accept all", "Reject all");
  if (isOn("telemetry_down")) fetch("/api/telemetry", { method: "POST", body: JSON.stringify({ page: data.page }) }).catch(() => {});
  if (isOn("guest_401")) fetch("/api/account").catch(() => {});
  if (data.faults.includes("js_error")) setTimeout(() => { throw new TypeError("Cannot read properties of undefined (reading 'trackVisit')"); }, 50);
  if (data.faults.includes("layout_shift") && data.page !== "success") {
    const shift = document.getElementById("shift");
    shift.replaceChildren();
    // A page that a click made may move for 500 ms without anybody's counting it.
    const late = clicked ? 700 : 300;
    setTimeout(() => shift.replaceChildren(h("div", { class: "shove" }, "Limited time: bring a friend")), late);
  }
}

// -- start ------------------------------------------------------------------------------------------------------------

if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch((error) => console.warn("Service Worker registration failed:", error.message));
if (boot.page !== "plain") {
  if (boot.hydrationDelayMs) addEventListener("load", () => setTimeout(render, boot.hydrationDelayMs));
  else render();
}
