/**
 * Makes an element. Attributes that are `undefined`, `null` or `false` are left out; children are nodes or text.
 * Text only ever becomes text nodes, so nothing that a model or a node says can become markup.
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with this id. */
export const byID = (id) => document.getElementById(id);

/** Sets text only where it differs: a refresh then neither loses a selection nor speaks in a screen reader. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Copies text. Pages over plain HTTP from another machine have no clipboard API, so the older way stands in. */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const carrier = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: -1 });
  const focused = document.activeElement;
  carrier.value = text;
  document.body.append(carrier);
  carrier.select();
  const copied = document.execCommand("copy");
  carrier.remove();
  focused?.focus();
  if (!copied) throw new Error("The browser refused to copy.");
}

/** A button that copies what `text()` gives, and says so for a moment. */
export function copyButton(label, text) {
  const button = make("button", { type: "button", class: "quiet" }, label);
  button.addEventListener("click", async () => {
    try {
      await copyText(text());
      flash(button, "Copied", label);
    } catch {
      flash(button, "Not copied", label);
    }
  });
  return button;
}

function flash(button, said, label) {
  button.textContent = said;
  say(said);
  setTimeout(() => (button.textContent = label), 1500);
}

/** Says something through a screen reader, politely. */
export function say(text) {
  byID("announcement").textContent = text;
}
