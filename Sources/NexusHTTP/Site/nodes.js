import { byID, make, setText } from "./dom.js";
import { amount, count, figure, unknown } from "./format.js";

/** Live nodes come first. */
const order = { live: 0, silent: 1, gone: 2 };

/** The list of nodes. Rows are kept and only their text changes, so that a refresh moves nothing. */
export class NodesPanel {
  #rows = new Map();
  #list = byID("nodes-list");

  /** Whether a reader can see it. */
  get isShown() {
    return byID("nodes").checkVisibility();
  }

  /** Shows these nodes. */
  show(nodes) {
    const sorted = [...nodes].sort((a, b) => (order[a.state] ?? 3) - (order[b.state] ?? 3) || a.id - b.id);
    const live = nodes.filter(({ state }) => state === "live").length;
    setText(byID("nodes-count"), nodes.length ? `${count(live)} live of ${count(nodes.length)}` : "");
    byID("nodes-none").hidden = nodes.length > 0;
    this.#list.hidden = nodes.length === 0;
    const known = new Set(nodes.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (known.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    sorted.forEach((node, place) => {
      const row = this.#rows.get(node.id) ?? new Row();
      this.#rows.set(node.id, row);
      row.show(node);
      if (this.#list.children[place] !== row.element) this.#list.insertBefore(row.element, this.#list.children[place] ?? null);
    });
  }
}

class Row {
  #name = make("span", { class: "name" });
  #number = make("span", { class: "number" });
  #state = make("span", { class: "state" });
  #models = make("p", { class: "models" });
  #active = make("span");
  #load = make("meter", { min: 0, "aria-label": "Load" });
  #figures = Object.fromEntries(["Load", "Round trip", "Speed", "Earned"].map((name) => [name, make("dd")]));
  element;

  constructor() {
    this.#figures.Load.append(this.#active, this.#load);
    const strip = Object.entries(this.#figures).map(([name, value]) => make("div", {}, make("dt", {}, name), value));
    this.element = make(
      "li",
      { class: "node" },
      make("p", { class: "title" }, this.#name, " ", this.#number, this.#state),
      this.#models,
      make("dl", {}, ...strip),
    );
  }

  show(node) {
    setText(this.#name, node.name || "node");
    setText(this.#number, `#${node.id}`);
    setText(this.#state, node.state);
    this.element.dataset.state = node.state;
    this.#name.title = node.peer ?? "";
    setText(this.#models, node.models?.length ? node.models.join(", ") : "no models");
    setText(this.#active, `${count(node.active)} of ${count(node.capacity)}`);
    setText(this.#figures["Round trip"], node.latency_ms === null ? unknown : `${figure(node.latency_ms)} ms`);
    setText(this.#figures.Speed, node.tokens_per_second === null ? unknown : `${figure(node.tokens_per_second)} tok/s`);
    setText(this.#figures.Earned, `${amount(node.earned)} LAI`);
    this.#load.max = Math.max(1, node.capacity);
    this.#load.value = node.active;
  }
}
