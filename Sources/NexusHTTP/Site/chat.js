import { byID, make, say, setText } from "./dom.js";
import { amount, count, plural } from "./format.js";
import { explain } from "./problem.js";
import { Turn } from "./turn.js";

/** Steadier than the API's default of 1, which small models lose the thread with. */
const temperature = 0.6;
/** Closer to the end than this many pixels, the reader follows the answer. */
const nearEnd = 48;
const modelMemory = "lattice.model";

/** The conversation: it lives in this page only and is gone with it. */
export class Chat {
  #api;
  #hooks;
  #turns = [];
  #models = [];
  #running = null;
  #follows = true;

  #log = byID("log");
  #list = byID("turns");
  #prompt = byID("prompt");
  #send = byID("send");
  #model = byID("model");

  /** `onSettled` is called when an answer has ended, `onKey` when the reader wants to give another key. */
  constructor(api, { onSettled, onKey }) {
    this.#api = api;
    this.#hooks = { onSettled, onKey };
    byID("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running) this.stop();
      else this.#ask(this.#prompt.value);
    });
    this.#prompt.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.#running) this.#ask(this.#prompt.value);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector(":popover-open")) this.stop();
    });
    byID("ideas").addEventListener("click", (event) => {
      const idea = event.target.closest("button");
      if (idea) this.#ask(idea.textContent);
    });
    byID("fresh").addEventListener("click", () => this.#begin());
    byID("latest").addEventListener("click", () => this.#follow());
    this.#log.addEventListener("scroll", () => this.#watch(), { passive: true });
    // A turned phone or an opened keyboard moves the end.
    new ResizeObserver(() => this.#stick()).observe(this.#log);
    this.#model.addEventListener("change", () => {
      localStorage.setItem(modelMemory, this.#model.value);
      this.#showPrice();
    });
  }

  /** Offers these models; the choice stays where it can. */
  offer(models) {
    if (JSON.stringify(models) === JSON.stringify(this.#models)) return;
    const wanted = this.#models.length ? this.#model.value : localStorage.getItem(modelMemory);
    this.#models = models;
    const options = models.map(({ id }) => make("option", { value: id }, id));
    this.#model.replaceChildren(...(options.length ? options : [make("option", { value: "" }, "No model is served")]));
    this.#model.disabled = options.length === 0;
    if (models.some(({ id }) => id === wanted)) this.#model.value = wanted;
    this.#showPrice();
  }

  /** Stops the answer that is being written. */
  stop() {
    this.#running?.abort();
  }

  #showPrice() {
    const model = this.#models.find(({ id }) => id === this.#model.value);
    if (!model) {
      const text = this.#model.disabled ? "Start a node with a model, and it can be chosen here." : "";
      setText(byID("price"), text);
      return;
    }
    const price = `${amount(model.pricing?.input)} in, ${amount(model.pricing?.output)} out`;
    byID("price").replaceChildren(
      make("span", {}, `${price} LAI per million tokens`),
      make("span", {}, `${count(model.context_length)} token context`),
      make("span", {}, plural(model.nodes, "node")),
    );
  }

  #ask(text) {
    const prompt = text.trim();
    if (!prompt || this.#running) return;
    if (!this.#model.value) {
      say("No model is served. Start a node first.");
      return;
    }
    byID("welcome").hidden = true;
    byID("fresh").disabled = false;
    this.#prompt.value = "";
    this.#prompt.focus();
    const turn = new Turn(prompt, { onAgain: () => this.#answer(turn), onGrowth: () => this.#stick() });
    this.#turns.push(turn);
    this.#list.append(turn.element);
    this.#follow();
    this.#answer(turn);
  }

  /** Gets an answer for the last turn, also in place of an earlier one. */
  async #answer(turn) {
    if (this.#running || turn !== this.#turns.at(-1)) return;
    const model = this.#model.value;
    const running = new AbortController();
    this.#setRunning(running);
    turn.open(model);
    this.#prompt.focus();
    say("Answering.");
    try {
      await this.#api.chat({ model, temperature, messages: this.#messages(turn) }, running.signal, {
        opened: (headers) => turn.know({ node: nodeFromHeader(headers.get("x-lattice-node")) }),
        figures: (figures) => turn.know(figures),
        thought: (piece) => turn.think(piece),
        text: (piece) => turn.add(piece),
      });
      turn.close("complete");
    } catch (error) {
      if (running.signal.aborted) turn.close("stopped");
      else turn.close("failed", explain(error), this.#hooks.onKey);
    }
    this.#hooks.onSettled();
    // An answer of a conversation that was left is not this one's any more.
    if (this.#running !== running) return;
    this.#setRunning(null);
    say(turn.summary);
  }

  /** The conversation up to this turn. Questions without an answer are left out, so that turns keep alternating. */
  #messages(turn) {
    const earlier = this.#turns.filter((other) => other !== turn && other.text);
    const said = earlier.flatMap(({ prompt, text }) => [
      { role: "user", content: prompt },
      { role: "assistant", content: text },
    ]);
    return [...said, { role: "user", content: turn.prompt }];
  }

  #setRunning(running) {
    this.#running = running;
    this.#send.classList.toggle("stop", running !== null);
    setText(this.#send, running ? "Stop" : "Send");
  }

  /** Begins a new conversation. */
  #begin() {
    this.stop();
    this.#setRunning(null);
    this.#turns = [];
    this.#list.replaceChildren();
    byID("welcome").hidden = false;
    byID("fresh").disabled = true;
    byID("latest").hidden = true;
    this.#prompt.focus();
    say("New conversation.");
  }

  #watch() {
    this.#follows = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < nearEnd;
    byID("latest").hidden = this.#follows;
  }

  #stick() {
    if (this.#follows) this.#log.scrollTop = this.#log.scrollHeight;
    else this.#watch();
  }

  #follow() {
    this.#follows = true;
    this.#stick();
  }
}

/** The header names a node by its number and name, such as `1 quiet-heron`, before its first word arrives. */
function nodeFromHeader(value) {
  const match = /^(\d+) ?(.*)$/.exec(value ?? "");
  return match ? { id: match[1], name: match[2] } : undefined;
}
