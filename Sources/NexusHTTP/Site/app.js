import { API } from "./api.js";
import { Chat } from "./chat.js";
import { byID, setText } from "./dom.js";
import { amount } from "./format.js";
import { LedgerPanel } from "./ledger.js";
import { NodesPanel } from "./nodes.js";
import { poll } from "./poll.js";
import { explain } from "./problem.js";

const keyMemory = "lattice.key";
const ledgerEntries = 20;

/** Takes the key out of the address, where it would end up in bookmarks and on screens. */
function keyFromAddress() {
  const match = /(?:^#|&)key=([^&]+)/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

/** Shows the key form, with what was wrong with the last key. */
function askForKey(problem = "") {
  byID("desk").hidden = true;
  byID("views").hidden = true;
  byID("account-button").hidden = true;
  byID("gate").hidden = false;
  setText(byID("key-problem"), problem);
  byID("key").focus();
}

function listenForKey() {
  byID("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = byID("key").value.trim();
    if (!key) return;
    try {
      await new API(key).account();
      localStorage.setItem(keyMemory, key);
      location.reload();
    } catch (error) {
      const { title, remedy } = explain(error);
      setText(byID("key-problem"), `${title}. ${remedy}`);
      byID("key").select();
    }
  });
  byID("forget").addEventListener("click", () => {
    localStorage.removeItem(keyMemory);
    location.reload();
  });
  // The same page opened again with another key in the address.
  addEventListener("hashchange", () => {
    const key = keyFromAddress();
    if (!key) return;
    localStorage.setItem(keyMemory, key);
    location.reload();
  });
}

function showAccount(account) {
  setText(byID("balance"), amount(account.headroom));
  setText(byID("account-user"), `#${account.user}`);
  for (const name of ["available", "bonus", "unsettled", "reserved", "headroom"]) {
    setText(byID(`account-${name}`), `${amount(account[name])} LAI`);
  }
}

function listenForViews(onChange) {
  byID("views").addEventListener("click", (event) => {
    const view = event.target.closest("button")?.dataset.show;
    if (!view) return;
    document.body.dataset.view = view;
    for (const button of byID("views").children) button.setAttribute("aria-pressed", String(button.dataset.show === view));
    onChange();
  });
}

function start(key) {
  byID("desk").hidden = false;
  byID("views").hidden = false;
  byID("account-button").hidden = false;

  const api = new API(key);
  const nodes = new NodesPanel();
  const ledger = new LedgerPanel();
  const failing = new Map();
  let isRefused = false;

  /** Asks and shows; says so while Nexus is away, and asks for a key where this one was refused. */
  const refresh = (ask, show) => async () => {
    if (isRefused) return;
    try {
      show(await ask());
      failing.delete(show);
    } catch (error) {
      if (error.status === 401) {
        isRefused = true;
        askForKey("The key was refused. Enter the one that make run prints.");
        return;
      }
      failing.set(show, explain(error).title);
    }
    const [title] = failing.values();
    byID("outage").hidden = title === undefined;
    if (title !== undefined) setText(byID("outage"), `${title}. Trying again…`);
  };
  const whileShown = (panel, work) => async () => {
    if (panel.isShown) await work();
  };

  const account = poll(10_000, refresh(api.account, showAccount));
  const chat = new Chat(api, {
    onSettled: () => [account, nodesNow, ledgerNow].forEach((refreshNow) => refreshNow()),
    onKey: () => askForKey(),
  });
  poll(10_000, refresh(api.models, ({ data }) => chat.offer(data)));
  const nodesNow = poll(2_000, whileShown(nodes, refresh(api.nodes, ({ data }) => nodes.show(data))));
  const ledgerNow = poll(2_000, whileShown(ledger, refresh(() => api.ledger(ledgerEntries), (listing) => ledger.show(listing))));
  listenForViews(() => {
    nodesNow();
    ledgerNow();
  });
  // A phone would open its keyboard over the page.
  if (matchMedia("(pointer: fine)").matches) byID("prompt").focus();
}

const given = keyFromAddress();
if (given) localStorage.setItem(keyMemory, given);
const key = localStorage.getItem(keyMemory);
listenForKey();
if (key) start(key);
else askForKey();
