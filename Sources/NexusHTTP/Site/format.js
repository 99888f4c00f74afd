const counts = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** Stands where a figure is not known. */
export const unknown = "–";

/**
 * An amount of LAI for reading. Amounts are decimal strings and stay so: a binary fraction would round money.
 * Trailing zeros go, every digit that counts stays.
 */
export function amount(text) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? "");
  if (!match) return unknown;
  const [, sign, whole, fraction = ""] = match;
  const kept = fraction.replace(/0+$/, "");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + grouped + (kept ? "." + kept : "");
}

/** A whole number with separators. */
export function count(value) {
  return Number.isFinite(value) ? counts.format(value) : unknown;
}

/** A measured figure: one decimal below ten, none from ten on. */
export function figure(value) {
  if (!Number.isFinite(value)) return unknown;
  return value < 10 ? String(Math.round(value * 10) / 10) : counts.format(Math.round(value));
}

/** A long hash or peer id, shortened in the middle. */
export function short(text, head = 8, tail = 4) {
  if (!text) return unknown;
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** The time of day, with the date where it was not today. */
export function moment(seconds, now = new Date()) {
  if (!Number.isFinite(seconds)) return unknown;
  const date = new Date(seconds * 1000);
  return date.toDateString() === now.toDateString() ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** What a person calls a node: its name, else its number. */
export function nodeTitle(node) {
  if (!node) return unknown;
  return node.name ? `${node.name} #${node.id}` : `node #${node.id}`;
}

/** "1 node", "2 nodes". */
export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}
