import { byID, make, setText } from "./dom.js";
import { count, moment, short } from "./format.js";

/** The head of the ledger and its newest entries. */
export class LedgerPanel {
  #shown = "";
  #head = null;
  #list = byID("ledger-list");

  /** Whether a reader can see it. */
  get isShown() {
    return byID("ledger").checkVisibility();
  }

  /** Shows this listing. */
  show(listing) {
    const signature = JSON.stringify(listing);
    if (signature === this.#shown) return;
    const { head, hash, entries } = listing;
    setText(byID("ledger-head"), `block ${count(head)}, ${short(hash)}`);
    byID("ledger-head").title = hash;
    byID("ledger-none").hidden = entries.length > 0;
    this.#list.hidden = entries.length === 0;
    this.#list.replaceChildren(...entries.map((entry) => this.#row(entry)));
    this.#shown = signature;
    this.#head = head;
  }

  #row({ block, time, event, summary }) {
    const at = new Date(time * 1000);
    const isFresh = this.#head !== null && block > this.#head;
    return make(
      "li",
      { class: isFresh ? "entry fresh" : "entry" },
      make(
        "p",
        { class: "title" },
        make("span", { class: "name" }, event),
        " ",
        make("span", { class: "number" }, `block ${count(block)}`),
        make("time", { datetime: Number.isNaN(at.getTime()) ? null : at.toISOString() }, moment(time)),
      ),
      make("p", { class: "summary", title: summary }, readable(summary)),
    );
  }
}

/** A summary with its addresses and hashes shortened, and its amounts without empty decimals. */
function readable(summary) {
  return summary
    .replace(/0x[0-9a-f]{16,}/gi, (hash) => short(hash))
    .replace(/\b(\d+\.\d*?)0+(?=,|$)/g, (_, amount) => amount.replace(/\.$/, ""));
}
