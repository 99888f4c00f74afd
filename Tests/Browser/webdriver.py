"""A WebDriver client of the few commands that the page's test needs, over the standard library alone."""
import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

ENTER, TAB, SHIFT, ESCAPE = "\ue007", "\ue004", "\ue008", "\ue00c"


class WebDriverError(Exception):
    """The driver refused a command, or is not there."""


class Browser:
    """One headless Chromium behind one chromedriver; a context manager, so that both always end."""

    def __init__(self, width=1440, height=900):
        driver = shutil.which("chromedriver")
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if not driver or not chromium:
            raise WebDriverError("chromium and chromedriver are needed (Debian: apt-get install chromium chromium-driver)")
        self.process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.session = None
        try:
            port = next(m[1] for m in (re.search(r"started successfully on port (\d+)", line) for line in self.process.stdout) if m)
            self.root = f"http://127.0.0.1:{port}/session"
            arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]
            options = {"binary": chromium, "args": arguments + [f"--window-size={width},{height}"]}
            always = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            self.session = self.call("POST", "", {"capabilities": {"alwaysMatch": always}})["sessionId"]
            self.root += f"/{self.session}"
        except BaseException:
            self.process.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait(10)

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(json.load(error)["value"]["message"]) from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What the script returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """What the script gives to its last argument, a function."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def until(self, what, script, *arguments, seconds=20):
        """Waits until the script returns something true, and gives it."""
        end = time.monotonic() + seconds
        while True:
            value = self.run(script, *arguments)
            if value:
                return value
            if time.monotonic() > end:
                raise WebDriverError(f"waited {seconds} s in vain: {what}")
            time.sleep(0.05)

    def press(self, *keys, holding=None):
        """Presses keys one after another, as a person would; `holding` stays down meanwhile."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        if holding:
            strokes = [{"type": "keyDown", "value": holding}, *strokes, {"type": "keyUp", "value": holding}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def log(self):
        """What the page's console got since the last call."""
        return self.call("POST", "/se/log", {"type": "browser"})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def emulate(self, width, height, scheme="light", scale=1):
        """A screen of this size with this colour preference; narrow ones are phones."""
        is_phone = width < 600
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=is_phone)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))
