// How the card's fields shape what is typed, as Stripe's own do.

export const digits = (text) => text.replace(/\D/g, "");

const lengths = [[/^3[47]/, 15], [/^3[068]/, 14], [/^62/, 19]];

export const cardLength = (number) => (lengths.find(([prefix]) => prefix.test(number)) || [null, 16])[1];

export function formatCard(text) {
  const number = digits(text).slice(0, cardLength(digits(text)));
  const groups = /^3[47]/.test(number) ? /^(\d{1,4})(\d{1,6})?(\d{1,5})?$/ : null;
  if (groups && number) return number.match(groups).slice(1).filter(Boolean).join(" ");
  return (number.match(/\d{1,4}/g) || []).join(" ");
}

// "1230", "12/30", "1 / 30" and "12 / 2030" all become month and year; a first digit above 1 is a whole month.
export function formatExpiry(text, deleting) {
  let month, year;
  if (text.includes("/")) {
    [month, year] = text.split("/").map(digits);
    if (month.length === 1 && !deleting) month = month.padStart(2, "0");
  } else {
    const typed = digits(text);
    const short = Number(typed[0]) > 1;
    month = short ? `0${typed[0]}` : typed.slice(0, 2);
    year = typed.slice(short ? 1 : 2);
  }
  if (month.length > 2) [month, year] = [month.slice(0, 2), month.slice(2) + year];
  if (year.length === 4 && year.startsWith("20")) year = year.slice(2);
  year = year.slice(0, year.startsWith("20") && year.length > 2 ? 4 : 2);
  if (deleting && !year) return month;
  return month.length === 2 ? `${month} / ${year}` : month;
}

export function luhn(number) {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
