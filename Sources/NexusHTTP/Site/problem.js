import { BrokenStream } from "./api.js";

const pay = "Add credits to the account, or choose a cheaper model.";
const wait = "The list of nodes shows who is live and how busy each one is.";
const askAgain = "Try again: another node can take over.";

/** Title and remedy by the API's code. */
const byCode = {
  invalid_api_key: { title: "The key was refused", remedy: "Enter the key that make run prints.", needsKey: true },
  insufficient_credits: { title: "Not enough credits", remedy: pay },
  model_not_found: { title: "No node serves this model", remedy: "Choose another model and try again." },
  context_length_exceeded: {
    title: "The conversation is too long for this model",
    remedy: "Start a new conversation, shorten the message, or choose a model with a longer context.",
  },
  no_node_available: { title: "No node is free", remedy: wait },
  rate_limit_exceeded: { title: "Too many requests at once", remedy: "Wait a moment and try again." },
  node_failed: { title: "The node failed", remedy: askAgain },
};

const byStatus = {
  400: { title: "The request was refused", remedy: "Change the message and try again." },
  401: byCode.invalid_api_key,
  402: byCode.insufficient_credits,
  403: { title: "This key may not do that", remedy: "Use a key with the right to chat.", needsKey: true },
  413: { title: "The message is too large", remedy: "Shorten it and try again." },
  429: byCode.rate_limit_exceeded,
  502: byCode.node_failed,
  503: byCode.no_node_available,
  504: { title: "The node took too long", remedy: askAgain },
};

const fault = { title: "Something went wrong in Nexus", remedy: "Try again. If it stays, read the server's log." };

/** What went wrong, in plain words: `{ title, detail, remedy, needsKey }`. */
export function explain(error) {
  if (error instanceof BrokenStream) {
    return {
      title: "The answer broke off",
      detail: error.message,
      remedy: "Try again to get it whole.",
    };
  }
  if (error.name === "TypeError" || error.name === "TimeoutError") {
    return {
      title: "Nexus does not answer",
      detail: "The page could not reach the server that it came from.",
      remedy: "See that it is still running (make run starts it), then try again.",
    };
  }
  const known = byCode[error.code] ?? byCode[error.type] ?? byStatus[error.status];
  const { title, remedy, needsKey } = known ?? fault;
  const isBusy = error.status === 429 || error.status === 503;
  const pause = isBusy && /^\d+$/.test(error.retryAfter ?? "") ? ` Nexus suggests to wait ${error.retryAfter} s.` : "";
  const request = error.request ? ` (request ${error.request})` : "";
  return { title, detail: `${error.message ?? ""}${request}`, remedy: remedy + pause, needsKey: needsKey ?? false };
}
