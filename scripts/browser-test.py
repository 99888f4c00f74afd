#!/usr/bin/env python3
"""Drives the page of a running network in a headless Chromium.

    scripts/browser-test.py BASE_URL KEY [--screenshots DIR] [--prompt TEXT]
    scripts/browser-test.py --mock [--screenshots DIR]

Needs Debian's chromium and chromium-driver, and nothing from PyPI. Says each thing that holds; exit status 1 at the first that
does not.
"""
import argparse
import pathlib
import sys
import threading
import urllib.parse

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "Tests/Browser"
sys.path.insert(0, str(FOLDER))

from webdriver import ENTER, ESCAPE, SHIFT, TAB, Browser, WebDriverError  # noqa: E402

# Remembers each length that the newest answer had, with its time, as a reader would see it grow.
WATCH_GROWTH = """
window.growth = [];
new MutationObserver(() => {
  const length = document.querySelector('.turn:last-child .words')?.textContent.length ?? 0;
  if (length && length !== window.growth.at(-1)?.[0]) window.growth.push([length, Math.round(performance.now())]);
}).observe(document.getElementById('turns'), { childList: true, subtree: true, characterData: true });
"""
# Presses Escape as soon as the first words are there: sooner than a command from outside could.
STOP_AT_FIRST_WORD = """
new MutationObserver((_, observer) => {
  if (document.querySelector('.turn:last-child')?.dataset.state !== 'writing') return;
  observer.disconnect();
  document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
}).observe(document.getElementById('turns'), { childList: true, subtree: true, attributes: true });
"""
STATE = "return document.querySelector('.turn:last-child')?.dataset.state"
ENDED = "const s = document.querySelector('.turn:last-child')?.dataset.state; return s && !['waiting', 'thinking', 'writing'].includes(s) && s"
FIGURE = 'return document.querySelector(`.turn:last-child [data-figure="${arguments[0]}"] dd`).textContent'
TEXT = "return document.querySelector(arguments[0])?.textContent.trim() ?? ''"


class Failed(Exception):
    """Something that the page promises does not hold."""


def holds(condition, said):
    if not condition:
        raise Failed(said)
    print(f"ok    {said}", flush=True)


def answer(browser, seconds=120):
    """Waits for the end of the newest answer."""
    state = browser.until("the answer ends", ENDED, seconds=seconds)
    if state == "failed":
        raise Failed("the answer failed: " + browser.run(TEXT, ".turn:last-child .problem"))
    return state


def check_opening(browser, base, key):
    browser.open(f"{base}/#key={urllib.parse.quote(key, safe='')}")
    browser.until("a model is offered", "return document.getElementById('model')?.value")
    browser.until("the balance is shown", "return /\\d/.test(document.getElementById('balance').textContent)")
    holds(key not in browser.run("return location.href"), "the key is gone from the address")
    browser.open(f"{base}/")
    browser.until("a model is offered again", "return document.getElementById('model')?.value")
    holds(browser.run("return document.getElementById('gate').hidden"), "the page remembers the key")
    browser.until("a live node is listed", "return document.querySelector('.node[data-state=\"live\"] .name')?.textContent")
    holds(browser.run(TEXT, ".node .state") == "live", "the list of nodes shows a live node, in words")
    entries = browser.until("the ledger has entries", "return document.querySelectorAll('.entry').length")
    holds(entries > 0, f"the ledger shows its head ({browser.run(TEXT, '#ledger-head')}) and {entries} entries")
    size = browser.run(
        "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".filter(e => !e.name.includes('/v1/')).reduce((sum, e) => sum + e.decodedBodySize, 0)"
    )
    holds(0 < size < 100_000, f"the page is {size:,} bytes in all, from this origin only")


def check_modules(browser):
    result = browser.run_async((FOLDER / "modules.js").read_text())
    for failure in result["failures"]:
        print(f"      {failure}")
    holds(not result["failures"], f"the modules keep their promises ({result['checks']} checks)")


def check_chat(browser, prompt):
    browser.run("document.activeElement.blur()")
    browser.press(TAB)
    holds(browser.run("return document.activeElement.className") == "skip", "the first Tab reaches the link to the message field")
    browser.press(ENTER)
    holds(browser.run("return document.activeElement.id") == "prompt", "Enter on it goes to the message field")

    balance = browser.run(TEXT, "#balance")
    browser.run(WATCH_GROWTH)
    browser.press("x")
    browser.press(ENTER, holding=SHIFT)
    holds(browser.run("return document.getElementById('prompt').value") == "x\n", "Shift+Enter starts a line")
    browser.run("document.getElementById('prompt').value = ''")
    browser.press(*prompt)
    browser.press(ENTER)
    holds(answer(browser) == "complete", "Enter sends, and the answer completes")
    growth = browser.run("return window.growth")
    steps = [b for a, b in zip([[0, 0]] + growth, growth) if b[0] > a[0]]
    span = growth[-1][1] - growth[0][1]
    # An answer that is whole within a few frames cannot be seen to grow in more steps than frames.
    holds(len(steps) >= 3 or span < 50, f"the text grew in {len(steps)} steps over {span} ms, to {growth[-1][0]} characters")
    cost = browser.run(FIGURE, "cost")
    holds(cost.endswith(" LAI") and cost != "0 LAI", f"the answer shows its cost ({cost})")
    holds(any(c.isdigit() for c in browser.run(FIGURE, "node")), f"and its node ({browser.run(FIGURE, 'node')})")
    holds("out" in browser.run(FIGURE, "tokens"), f"and its tokens ({browser.run(FIGURE, 'tokens')})")
    print(f"      model {browser.run(FIGURE, 'model')}, speed {browser.run(FIGURE, 'speed')}, {browser.run(FIGURE, 'state')}")
    after = browser.until("the balance changes", "const b = document.getElementById('balance').textContent; return b !== arguments[0] && b", balance)
    holds(after != balance, f"the balance went from {balance} to {after} LAI")


def check_keyboard(browser, prompt):
    def back_to(selector):
        for _ in range(40):
            if browser.run("return document.activeElement.matches(arguments[0])", selector):
                return
            browser.press(TAB, holding=SHIFT)
        raise Failed(f"Shift+Tab never reaches {selector}")

    back_to(".turn:last-child .again")
    browser.press(ENTER)
    browser.until("a new answer begins or is there", STATE)
    holds(answer(browser) == "complete", "Regenerate, reached by keyboard, gives another answer")
    holds(browser.run("return document.querySelectorAll('.turn').length") == 1, "in the same place")
    holds(browser.run("return document.activeElement.id") == "prompt", "and the message field has the focus again")

    for attempt in range(3):
        browser.run(STOP_AT_FIRST_WORD)
        browser.press(*prompt)
        browser.press(ENTER)
        browser.until("the second turn begins", f"return document.querySelectorAll('.turn').length === {attempt + 2}")
        # A very short answer can be whole before it can be stopped.
        if answer(browser) == "stopped":
            break
    holds(browser.run(STATE) == "stopped", "Escape stops the answer")
    holds(browser.run(TEXT, "#send") == "Send", "and the page is ready for the next message")

    back_to("#fresh")
    browser.press(ENTER)
    holds(browser.run("return document.querySelectorAll('.turn').length") == 0, "a new conversation begins empty")
    back_to("#account-button")
    browser.press(ENTER)
    holds(browser.run("return document.getElementById('account').matches(':popover-open')"), "the account opens by keyboard")
    browser.press(ESCAPE)
    holds(not browser.run("return document.getElementById('account').matches(':popover-open')"), "and closes with Escape")


def check_faults(browser):
    """What only a pretended network does on demand: each fault is told in words, and the page goes on."""
    for prompt, title in [
        ("refuse-credits", "Not enough credits"),
        ("refuse-busy", "No node is free"),
        ("refuse-long", "The conversation is too long for this model"),
        ("break", "The node failed"),
        ("drop", "The answer broke off"),
    ]:
        browser.run("document.getElementById('prompt').focus()")
        browser.press(*prompt)
        browser.press(ENTER)
        holds(browser.until("the answer ends", ENDED) == "failed", f"{prompt}: the answer ends as failed")
        said = browser.run(TEXT, ".turn:last-child .problem strong")
        holds(said == title, f"{prompt}: the page says: {said}")
        holds(browser.run(TEXT, ".turn:last-child .again") == "Try again", f"{prompt}: and offers to try again")


def check_thoughts(browser):
    """What a model thinks is set apart, closed until the reader opens it, and no part of what goes on."""
    browser.run("document.getElementById('prompt').focus()")
    browser.press(*"think")
    browser.press(ENTER)
    browser.until("the page says that the model thinks", "return document.querySelector('.turn:last-child').dataset.state === 'thinking'")
    holds(answer(browser) == "complete", "an answer with thoughts completes")
    said = browser.run(TEXT, ".turn:last-child .thoughts p")
    holds(said.startswith("The reader asks") and "<b>so</b>" in said, "its thoughts are there, as text")
    holds("The reader asks" not in browser.run(TEXT, ".turn:last-child .words"), "and not within the answer")
    holds(not browser.run("return document.querySelector('.turn:last-child .thoughts').open"), "they are closed")
    browser.run("document.querySelector('.turn:last-child .thoughts summary').click()")
    holds(browser.run("return document.querySelector('.turn:last-child .thoughts').open"), "and open when they are clicked")


def check_looks(browser, prompt, folder):
    browser.run("document.getElementById('prompt').focus()")
    browser.press(*prompt)
    browser.press(ENTER)
    answer(browser)
    audit = (FOLDER / "audit.js").read_text()
    for scheme in ("light", "dark"):
        for name, width, height in [("wide", 1440, 900), ("phone", 390, 844), ("narrow", 360, 640), ("large", 1600, 1000)]:
            browser.emulate(width, height, scheme, 2 if width < 600 else 1)
            for view in ("chat", "nodes", "ledger") if width < 1024 else ("chat",):
                browser.run(f"document.querySelector('[data-show={view}]').click()")
                browser.run("document.activeElement.blur()")
                faults = browser.run(audit)
                holds(not faults, f"{width}x{height} {scheme} {view}: contrast, names and widths are right" + "".join(f"\n      {f}" for f in faults))
                if folder and name in ("wide", "phone"):
                    path = folder / (f"{name}-{scheme}.png" if view == "chat" else f"{name}-{scheme}-{view}.png")
                    browser.screenshot(path)
                    print(f"      {path}")
            browser.run("document.querySelector('[data-show=chat]').click()")


def check_refused_key(browser, base):
    browser.emulate(1440, 900)
    browser.open(f"{base}/#key=wrong")
    browser.until("a wrong key is refused", "return !document.getElementById('gate').hidden")
    said = browser.run(TEXT, "#key-problem")
    holds("refused" in said, f"a wrong key is refused in words: {said}")


def run(base, key, prompt, folder, is_mock):
    with Browser() as browser:
        check_opening(browser, base, key)
        check_modules(browser)
        check_chat(browser, prompt)
        check_keyboard(browser, prompt)
        severe = [entry["message"] for entry in browser.log() if entry["level"] == "SEVERE"]
        holds(not severe, "the console is empty of errors" + "".join(f"\n      {line}" for line in severe))
        if is_mock:
            check_faults(browser)
            browser.run("document.getElementById('fresh').click()")
            check_thoughts(browser)
        check_looks(browser, prompt, folder)
        check_refused_key(browser, base)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?", metavar="BASE_URL", help="such as http://127.0.0.1:8080")
    parser.add_argument("key", nargs="?", metavar="KEY", help="an API key of the network")
    parser.add_argument("--mock", action="store_true", help="against a pretended network")
    parser.add_argument("--prompt", default="How does the network work?")
    parser.add_argument("--screenshots", type=pathlib.Path, metavar="DIR")
    chosen = parser.parse_args()
    base, key = chosen.base, chosen.key
    if chosen.mock:
        import mock

        server = mock.serve(0, 5, 0.02)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base, key = f"http://127.0.0.1:{server.server_address[1]}", mock.KEY
    if not base or not key:
        parser.error("BASE_URL and KEY are needed, or --mock")
    if chosen.screenshots:
        chosen.screenshots.mkdir(parents=True, exist_ok=True)
    try:
        run(base.rstrip("/"), key, chosen.prompt, chosen.screenshots, chosen.mock)
    except (Failed, WebDriverError) as error:
        print(f"FAIL  {error}", flush=True)
        return 1
    print("the page holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
