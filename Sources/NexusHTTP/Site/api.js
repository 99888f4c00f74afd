import { EventStreamParser } from "./sse.js";

/** A list that takes longer than this is asked for again. */
const listDeadline = 10_000;
/** A stream that stays silent this long, keep-alive comments included, is given up. */
const silenceDeadline = 120_000;

/** A refusal or fault, as the API's error object tells it. */
export class APIError extends Error {
  constructor({ message, type, code, param } = {}, { status, retryAfter, request } = {}) {
    super(message || "The request failed.");
    this.name = "APIError";
    this.type = type ?? "";
    this.code = code ?? "";
    this.param = param ?? "";
    this.status = status ?? 0;
    this.retryAfter = retryAfter ?? null;
    this.request = request ?? null;
  }
}

/** The stream ended before the answer did. */
export class BrokenStream extends Error {
  constructor(message) {
    super(message);
    this.name = "BrokenStream";
  }
}

/** The API of the Nexus that served the page. */
export class API {
  #key;

  constructor(key) {
    this.#key = key;
  }

  models = () => this.#get("v1/models");
  nodes = () => this.#get("v1/nodes");
  account = () => this.#get("v1/account");
  ledger = (limit) => this.#get(`v1/ledger/entries?limit=${limit}`);

  /**
   * Asks for an answer and tells of it as it comes.
   *
   * `on.opened(headers)` is called once, `on.thought(piece)` and `on.text(piece)` for each piece of thoughts and of text,
   * `on.figures({model, usage, lattice, finish})` whenever one of them becomes known. Returns when the answer is complete; throws APIError for a refusal before or within
   * the stream, BrokenStream where it ended too early, and AbortError after `signal`.
   */
  async chat(body, signal, on) {
    const silence = new AbortController();
    let timer = 0;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceDeadline);
    };
    heard();
    try {
      const response = await this.#fetch("v1/chat/completions", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
        body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
        signal: AbortSignal.any([signal, silence.signal]),
      });
      on.opened(response.headers);
      await readAnswer(response, on, heard);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (silence.signal.aborted) throw new BrokenStream("Nothing was heard for two minutes.");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #get(path) {
    const response = await this.#fetch(path, { signal: AbortSignal.timeout(listDeadline) });
    return response.json();
  }

  async #fetch(path, options) {
    const headers = { ...options.headers, Authorization: `Bearer ${this.#key}` };
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw new APIError(body.error, {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      request: response.headers.get("x-request-id"),
    });
  }
}

async function readAnswer(response, on, heard) {
  const parser = new EventStreamParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let finished = false;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        throw error.name === "AbortError" ? error : new BrokenStream("The connection was lost.");
      });
      if (done) break;
      heard();
      for (const { data } of parser.push(value)) {
        if (data === "[DONE]") return;
        if (takeChunk(data, on)) finished = true;
      }
    }
  } finally {
    // Lets go of the connection where the loop ended before the stream did.
    reader.cancel().catch(() => {});
  }
  if (!finished) throw new BrokenStream("The connection closed early.");
}

/** Tells of one chunk; true where it says why the answer ended. */
function takeChunk(data, on) {
  let chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new BrokenStream("A piece of the stream could not be read.");
  }
  if (chunk.error) throw new APIError(chunk.error);
  const choice = chunk.choices?.[0];
  const finish = choice?.finish_reason ?? undefined;
  const { model, usage, lattice } = chunk;
  on.figures({ model, finish, usage: usage ?? undefined, lattice: lattice ?? undefined });
  if (choice?.delta?.reasoning_content) on.thought(choice.delta.reasoning_content);
  if (choice?.delta?.content) on.text(choice.delta.content);
  return finish !== undefined;
}
