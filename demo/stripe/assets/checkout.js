// The hosted page: puts up the form, shapes and checks what is typed, sends the payment, and leaves for the shop.

import { checked, problem } from "./checks.js";
import { digits, formatCard, formatExpiry } from "./formats.js";

const APPEARS_AFTER = 250; // ms; like the real page, the form is not there yet when the document is
const REPORT_EVERY = 200; // ms

let typed = 0;
let reporting = null;

function report(session) {
  clearTimeout(reporting);
  reporting = null;
  if (typed) navigator.sendBeacon(`/c/pay/${session}/keystrokes`, String(typed));
  typed = 0;
}

function countKeystroke(session) {
  typed += 1;
  reporting ??= setTimeout(() => report(session), REPORT_EVERY);
}

function shape(input, event) {
  const deleting = (event.inputType || "").startsWith("delete");
  if (input.id === "cardNumber") input.value = formatCard(input.value);
  if (input.id === "cardExpiry") input.value = formatExpiry(input.value, deleting);
  if (input.id === "cardCvc") input.value = digits(input.value).slice(0, 4);
}

function tell(form, name, sentence) {
  const input = form.elements[name];
  input.setAttribute("aria-invalid", String(Boolean(sentence)));
  const field = input.closest(".Field");
  field.querySelector(".FieldError")?.remove();
  if (!sentence) return;
  const error = document.createElement("span");
  error.className = "FieldError";
  error.setAttribute("role", "alert");
  error.textContent = sentence;
  field.append(error);
}

function tellPayment(form, sentence) {
  const box = form.querySelector("#payment-error");
  box.textContent = sentence || "";
  if (sentence) box.setAttribute("role", "alert");
  else box.removeAttribute("role");
}

// Shows what is wrong and goes to the first such field; true when nothing is.
function complete(form) {
  const wrong = checked.filter((name) => {
    const sentence = problem(form, name);
    if (form.elements[name]) tell(form, name, sentence);
    return sentence;
  });
  if (wrong.length) form.elements[wrong[0]].focus();
  return wrong.length === 0;
}

function payment(form) {
  const value = (name) => {
    const input = form.elements[name];
    return input && !input.closest("[hidden]") ? input.value.trim() : "";
  };
  const expiry = digits(value("cardExpiry"));
  return new URLSearchParams({
    key: form.dataset.key,
    "card[number]": digits(value("cardNumber")),
    "card[exp_month]": String(Number(expiry.slice(0, 2))),
    "card[exp_year]": `20${expiry.slice(2, 4)}`,
    "card[cvc]": value("cardCvc"),
    "billing_details[email]": value("email"),
    "billing_details[name]": value("billingName"),
    "billing_details[phone]": value("phoneNumber"),
    "billing_details[address][country]": value("billingCountry"),
    "billing_details[address][postal_code]": value("billingPostalCode"),
    "billing_details[address][line1]": value("billingAddressLine1"),
    "billing_details[address][line2]": value("billingAddressLine2"),
    "billing_details[address][city]": value("billingLocality"),
    "billing_details[address][state]": value("billingAdministrativeArea"),
  });
}

function busy(form, on) {
  const button = form.querySelector(".SubmitButton");
  button.disabled = on;
  button.classList.toggle("SubmitButton--processing", on);
  button.querySelector(".SubmitButton-text").textContent = on ? "Processing…" : "Pay";
}

async function send(form) {
  const answer = await fetch(form.action, { method: "POST", body: payment(form) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.page_message || body.error.message);
  return body.redirect_url;
}

async function submit(form) {
  tellPayment(form, null);
  if (!methodChosen(form)) return tellPayment(form, "Select a payment method.");
  if (!complete(form)) return;
  report(form.dataset.session);
  busy(form, true);
  try {
    window.top.location.assign(await send(form));
  } catch (error) {
    busy(form, false);
    tellPayment(form, error instanceof TypeError ? "We are experiencing issues connecting. Try again." : error.message);
  }
}

function methodChosen(form) {
  const radios = [...form.querySelectorAll(".AccordionItem-radio")];
  return radios.length === 0 || radios.some((radio) => radio.checked && radio.value === "card");
}

function choose(form, method) {
  for (const item of form.querySelectorAll(".AccordionItem")) {
    const chosen = item.dataset.method === method;
    item.querySelector(".AccordionItem-radio").checked = chosen;
    item.querySelector(".AccordionItem-button").setAttribute("aria-expanded", String(chosen));
    item.querySelector(".AccordionItem-body").hidden = !chosen;
    item.classList.toggle("AccordionItem--chosen", chosen);
  }
}

// The state is asked for in the United States only; a phone number where the account is to be remembered.
function adapt(form) {
  const american = form.elements.billingCountry.value === "US";
  const area = form.querySelector("[data-field=billingAdministrativeArea]");
  if (area) area.hidden = !american;
  form.elements.billingPostalCode.placeholder = american ? "ZIP" : "Postal code";
  const phone = form.querySelector("#phone");
  phone.hidden = phone.dataset.always !== "true" && !form.elements.enableStripePass.checked;
}

function listen(form) {
  const session = form.dataset.session;
  form.addEventListener("input", (event) => {
    shape(event.target, event);
    countKeystroke(session);
    if (event.target.getAttribute("aria-invalid") === "true") tell(form, event.target.name, null);
  });
  form.addEventListener("change", () => adapt(form));
  form.addEventListener("focusout", ({ target }) => {
    if (target.value && checked.includes(target.name)) tell(form, target.name, problem(form, target.name));
  });
  form.addEventListener("click", ({ target }) => {
    const item = target.closest(".AccordionItem");
    if (item) choose(form, item.dataset.method);
    if (target.closest(".LinkButton")) tellPayment(form, "The stand-in takes cards only.");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  window.addEventListener("pagehide", () => report(session));
}

function mount() {
  const template = document.querySelector("template#form");
  document.querySelector("#skeleton").replaceWith(template.content.cloneNode(true));
  const form = document.querySelector("form.PaymentForm-form");
  adapt(form);
  listen(form);
}

setTimeout(mount, APPEARS_AFTER);
