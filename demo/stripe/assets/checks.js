// What is wrong with the form, field by field, in Stripe's words; the server checks again.

import { cardLength, digits, luhn } from "./formats.js";

const required = (text) => (text.trim() ? null : "Required");

function card(text) {
  const number = digits(text);
  if (!number) return "Required";
  if (number.length < cardLength(number)) return "Your card number is incomplete.";
  return luhn(number) ? null : "Your card number is invalid.";
}

function expiry(text) {
  const now = new Date();
  const typed = digits(text);
  if (!typed) return "Required";
  if (typed.length < 4) return "Your card's expiration date is incomplete.";
  const month = Number(typed.slice(0, 2));
  const year = 2000 + Number(typed.slice(2, 4));
  if (month < 1 || month > 12) return "Your card's expiration date is invalid.";
  if (year < now.getFullYear()) return "Your card's expiration year is in the past.";
  return year === now.getFullYear() && month < now.getMonth() + 1 ? "Your card's expiration date is in the past." : null;
}

function cvc(text, form) {
  const least = /^3[47]/.test(form.elements.cardNumber.value) ? 4 : 3;
  if (!text) return "Required";
  return digits(text).length < least ? "Your card's security code is incomplete." : null;
}

function email(text) {
  return required(text) || (/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text) ? null : "Your email is invalid.");
}

function phone(text) {
  return required(text) || (digits(text).length < 10 ? "Your phone number is incomplete." : null);
}

function zip(text, form) {
  if (form.elements.billingCountry.value !== "US") return required(text);
  return required(text) || (/^\d{5}(-\d{4})?$/.test(text.trim()) ? null : "Your ZIP is invalid.");
}

const checks = {
  email,
  cardNumber: card,
  cardExpiry: expiry,
  cardCvc: cvc,
  billingName: required,
  billingAddressLine1: required,
  billingLocality: required,
  billingPostalCode: zip,
  billingAdministrativeArea: required,
  phoneNumber: phone,
};

// The sentence for one field, or null. A field that is not shown is not asked for.
export function problem(form, name) {
  const input = form.elements[name];
  if (!input || !checks[name] || input.closest("[hidden]")) return null;
  return checks[name](input.value, form);
}

export const checked = Object.keys(checks);
