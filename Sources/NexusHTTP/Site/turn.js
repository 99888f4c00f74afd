import { copyButton, make, setText } from "./dom.js";
import { amount, count, figure, nodeTitle, short, unknown } from "./format.js";
import { MarkdownView } from "./markdown.js";

/** Why an answer ended, for people: the API's finish reasons. */
const endings = {
  stop: "complete",
  length: "length limit",
  cancelled: "stopped",
  content_filter: "filtered",
  tool_calls: "tool call",
};

/** Pieces that arrive within this many milliseconds were sent at once: a speed taken from them would be made up. */
const shortestSpan = 20;

/** One question and its answer, with the element that shows both. */
export class Turn {
  prompt;
  text = "";
  /** What the model thought before it answered; it is no part of the conversation that goes on. */
  thoughts = "";
  /** `waiting`, `thinking`, `writing`, `complete`, `stopped` or `failed`. */
  state = "waiting";
  figures = {};
  element;

  #view;
  #words;
  #thinking;
  #values = {};
  #actions;
  #problem = null;
  #frame = 0;
  #first = 0;
  #last = 0;
  #onGrowth;

  /** `onAgain` is called when the reader asks for another answer, `onGrowth` after the element may have grown. */
  constructor(prompt, { onAgain, onGrowth }) {
    this.prompt = prompt;
    this.#onGrowth = onGrowth;
    this.#words = make("div", { class: "words" });
    this.#view = new MarkdownView(this.#words);
    this.#thinking = make("details", { class: "thoughts" }, make("summary", {}, "Thoughts"), make("p", {}));
    const strip = make("dl", { class: "figures" });
    for (const name of ["Model", "Node", "State", "Tokens", "Speed", "Receipt", "Cost"]) {
      this.#values[name] = make("dd", {}, unknown);
      strip.append(make("div", { "data-figure": name.toLowerCase() }, make("dt", {}, name), this.#values[name]));
    }
    const again = make("button", { type: "button", class: "quiet again" }, "Regenerate");
    again.addEventListener("click", onAgain);
    this.#actions = make("div", { class: "actions" }, copyButton("Copy answer", () => this.text), again);
    this.element = make(
      "li",
      { class: "turn" },
      make("div", { class: "asked" }, make("h3", { class: "unseen" }, "You"), make("p", {}, prompt)),
      make("div", { class: "answer" }, make("h3", { class: "unseen" }, "Answer"), this.#thinking, this.#words, strip, this.#actions),
    );
    this.#enter("waiting");
  }

  /** Whether an answer is on its way. */
  get isOpen() {
    return ["waiting", "thinking", "writing"].includes(this.state);
  }

  /** Begins to wait for an answer of this model; what an earlier one left goes. */
  open(model) {
    this.text = this.thoughts = "";
    this.#thinking.open = false;
    this.figures = { model };
    this.#first = this.#last = 0;
    this.#problem?.remove();
    this.#problem = null;
    this.#draw();
    this.#words.hidden = false;
    this.#enter("waiting");
  }

  /** Takes the next piece of thoughts. */
  think(piece) {
    this.thoughts += piece;
    this.#grow("thinking");
  }

  /** Takes the next piece of text. */
  add(piece) {
    this.text += piece;
    this.#grow("writing");
  }

  /** Takes figures as they become known. */
  know(figures) {
    for (const [name, value] of Object.entries(figures)) if (value !== undefined) this.figures[name] = value;
    this.#fill();
  }

  /** Ends the answer; `problem` is what `explain` gave, `onKey` opens the key form. */
  close(state, problem, onKey) {
    this.#draw();
    if (problem) {
      const box = make("div", { class: "problem", role: "alert" }, make("strong", {}, problem.title));
      if (problem.detail) box.append(make("p", {}, problem.detail));
      box.append(make("p", { class: "remedy" }, problem.remedy));
      if (problem.needsKey) {
        const button = make("button", { type: "button" }, "Enter a key");
        button.addEventListener("click", onKey);
        box.append(button);
      }
      this.#problem = box;
      this.#words.after(box);
    }
    this.#enter(state);
    this.#words.hidden = !this.text;
    this.#onGrowth();
  }

  /** What a screen reader says when the answer has ended. */
  get summary() {
    if (this.state === "failed") return "The answer failed.";
    if (this.state === "stopped") return "Stopped.";
    const { usage, lattice } = this.figures;
    return `Answer complete. ${count(usage?.completion_tokens)} tokens, ${amount(lattice?.cost)} LAI.`;
  }

  #grow(state) {
    this.#last = performance.now();
    this.#first ||= this.#last;
    if (this.state !== state) this.#enter(state);
    // One rebuild for each frame, however many pieces it brings.
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#thinking.hidden = !this.thoughts.trim();
    setText(this.#thinking.lastChild, this.thoughts.trim());
    this.#view.show(this.text);
    this.#onGrowth();
  }

  #enter(state) {
    this.state = state;
    this.element.dataset.state = state;
    // Read aloud once it is whole, and not word by word.
    this.#words.setAttribute("aria-busy", String(this.isOpen));
    this.#actions.inert = this.isOpen;
    setText(this.#actions.querySelector(".again"), state === "complete" ? "Regenerate" : "Try again");
    this.#actions.firstChild.hidden = !this.isOpen && !this.text;
    this.#fill();
  }

  #fill() {
    const { model, node, usage, lattice, finish } = this.figures;
    const cost = amount(lattice?.cost);
    const figures = {
      Model: model ?? unknown,
      Node: nodeTitle(lattice?.node ?? node),
      State: this.#said(finish),
      Tokens: usage ? `${count(usage.prompt_tokens)} in, ${count(usage.completion_tokens)} out` : unknown,
      Speed: this.#speed(usage),
      Receipt: short(lattice?.receipt),
      Cost: cost === unknown ? unknown : `${cost} LAI`,
    };
    for (const [name, text] of Object.entries(figures)) {
      setText(this.#values[name], text);
      this.#values[name].parentElement.classList.toggle("unknown", text === unknown);
    }
    this.#values.Receipt.title = lattice?.receipt ?? "";
    this.#values.Node.title = lattice?.node?.peer ?? "";
  }

  #speed(usage) {
    const span = this.#last - this.#first;
    if (!usage || span < shortestSpan) return unknown;
    return `${figure(((usage.completion_tokens - 1) * 1000) / span)} tok/s`;
  }

  #said(finish) {
    switch (this.state) {
      case "waiting":
        return "waiting…";
      case "thinking":
        return "thinking…";
      case "writing":
        return "writing…";
      case "stopped":
        return "stopped by you";
      case "failed":
        return "failed";
      default:
        return endings[finish] ?? finish ?? unknown;
    }
  }
}
