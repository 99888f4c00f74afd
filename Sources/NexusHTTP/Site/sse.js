/** An event whose data is longer than this is an attack or a fault, never a token. */
const longestEvent = 1 << 20;

/**
 * Reads an event stream piece by piece (WHATWG HTML, section 9.2.6).
 *
 * Pieces may be cut anywhere: within a line, and between the two characters of a CRLF. What was not ended by an
 * empty line is never handed out.
 */
export class EventStreamParser {
  #line = "";
  #data = [];
  #size = 0;
  #event = "";
  #endedByReturn = false;
  #begun = false;

  /** Takes the next piece of text and gives the events that it completes, as `{ event, data }`. */
  push(text) {
    const events = [];
    if (!this.#begun && text) {
      this.#begun = true;
      if (text[0] === "\uFEFF") text = text.slice(1);
    }
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      if (character === "\n" && at === 0 && this.#endedByReturn) {
        start = 1;
      } else if (character === "\n" || character === "\r") {
        this.#take(this.#line + text.slice(start, at), events);
        this.#line = "";
        if (character === "\r" && text[at + 1] === "\n") at++;
        start = at + 1;
      }
    }
    if (text) this.#endedByReturn = text.endsWith("\r");
    this.#line += text.slice(start);
    if (this.#line.length + this.#size > longestEvent) throw new Error("An event of the stream is too long.");
    return events;
  }

  #take(line, events) {
    if (line === "") {
      if (this.#data.length) events.push({ event: this.#event || "message", data: this.#data.join("\n") });
      this.#data = [];
      this.#size = 0;
      this.#event = "";
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length + 1;
    } else if (field === "event") {
      this.#event = value;
    }
  }
}
