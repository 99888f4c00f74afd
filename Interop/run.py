#!/usr/bin/env python3
"""Lets our peer and foreign libp2p peers talk, each in both roles, in a network of their own.

usage: Interop/run.py [PATH-OF-interop-peer]

Foreign peers are taken from $LATTICE_PEERS (default ~/.cache/lattica-peers), their launchers from
$LATTICE_SHARED/peers (default ../shared/peers). Without them, or without the right to make a network
namespace, it says so and succeeds: the cells were not tested, which is not the same as having passed.
"""
import json, os, queue, shutil, subprocess, sys, tempfile, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.expanduser(os.environ.get("LATTICE_PEERS", "~/.cache/lattica-peers"))
LAUNCHERS = os.path.join(os.environ.get("LATTICE_SHARED", os.path.join(ROOT, "..", "shared")), "peers")
OURS = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "debug", "interop-peer")
VERSION = "/lattica/1.0.0"
PATIENCE = 20  # seconds for any one thing


def skip(reason):
    print(f"SKIPPED: {reason}\nNothing was tested against foreign peers.", flush=True)
    sys.exit(0)


class Process:
    """A program that prints JSON lines; the lines are kept, and waited for."""

    def __init__(self, *command):
        self.lines, self.fresh = [], queue.Queue()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            try:
                self.fresh.put(json.loads(line))
            except ValueError:
                self.fresh.put({"text": line.strip()})
        self.fresh.put(None)

    def wait(self, wanted, patience=PATIENCE):
        """The first line for which `wanted` gives something, old lines included."""
        deadline = time.monotonic() + patience
        index = 0
        while True:
            while index < len(self.lines):
                if self.lines[index] and (found := wanted(self.lines[index])):
                    return found
                index += 1
            try:
                line = self.fresh.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"last lines: {self.lines[-4:]}")
            self.lines.append(line)
            if line is None:
                raise EOFError(f"it ended; last lines: {self.lines[-5:-1]}")

    def key(self, name, **patience):
        return self.wait(lambda line: line.get(name), **patience)

    def stop(self, kindly=False):
        """Ends it; kindly where it has files to remove."""
        if kindly and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                pass
        self.process.kill()
        self.process.wait()


class Table:
    def __init__(self):
        self.failures = 0

    def cell(self, peer, role, what, test):
        start = time.monotonic()
        try:
            seen = test()
            verdict = "ok  "
        except Exception as error:
            self.failures += 1
            verdict, seen = "FAIL", f"{type(error).__name__}: {error}"
        print(f"{verdict} {peer:10} {role:12} {what:24} {time.monotonic() - start:5.1f} s  {str(seen)[:110]}", flush=True)


def ours(*arguments):
    return Process(OURS, "--protocol", VERSION, "--listen", "/ip4/127.0.0.1/tcp/0", "--seconds", "100", *arguments)


def dials(table, name, address, peer, echo=False):
    """We dial the foreign peer."""
    node = ours("--dial", address, "--ping", "3", *(["--stream", "hello"] if echo else []))
    try:
        table.cell(name, "we dial", "connect, handshake", lambda: f"{node.key('dialled_ms')} ms")
        table.cell(name, "we dial", "identify", lambda: node.wait(
            lambda line: line.get("identify", {}).get("peer") == peer and line["identify"]["agent"]))
        table.cell(name, "we dial", "ping", lambda: node.key("ping_ms"))
        if echo:
            table.cell(name, "we dial", "stream, two proposals", lambda: node.key("stream") == "hello" or fail("no echo"))
    finally:
        node.stop()


def fail(reason):
    raise AssertionError(reason)


def p2pd(table, directory):
    port = 4001
    control = f"{directory}/p2pd.sock"
    ctl = os.path.join(LAUNCHERS, "p2pd", "p2pctl")

    def command(*arguments):
        done = subprocess.run([sys.executable, ctl, control, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout.strip() if done.returncode == 0 else fail(done.stdout.strip() or done.stderr[-200:])

    daemon = Process(f"{PEERS}/p2pd", "-hostAddrs", f"/ip4/127.0.0.1/tcp/{port}", "-listen", f"/unix{control}")
    node = server = None
    try:
        peer = daemon.wait(lambda line: line.get("text", "").partition("Peer ID: ")[2])
        until(lambda: os.path.exists(control))
        server = serving(ctl, control)
        dials(table, "p2pd", f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer}", peer, echo=True)
        node = ours()
        us, address = node.key("peer"), node.key("listen")[0]
        table.cell("p2pd", "it dials us", "connect, handshake", lambda: command("connect", address))
        table.cell("p2pd", "it dials us", "identify", lambda: node.key("identify")["agent"])
        table.cell("p2pd", "it dials us", "ping", lambda: command("ping", us, "3").replace("\n", " "))
        table.cell("p2pd", "it dials us", "stream", lambda: '"hello"' in command("stream", us, "/echo/1", "hello") or fail("no echo"))
        table.cell("p2pd", "it dials us", "killed, noticed", lambda: (daemon.stop(), node.key("disconnected", patience=5))[1])
    finally:
        if server: server.stop(kindly=True)
        for process in (node, daemon):
            if process: process.stop()


def serving(ctl, control):
    """A program that echoes for p2pd. Its socket is named after its process, and one left behind is in the way."""
    for _ in range(4):
        server = Process(sys.executable, ctl, control, "serve", "/echo/1")
        try:
            server.key("serving")
            return server
        except EOFError:
            continue
    fail("p2pctl does not serve")


def python(table, name, environment, launcher, dialling):
    """The two Python peers have launchers of one kind."""
    run = [f"{PEERS}/{environment}/bin/python", os.path.join(LAUNCHERS, environment, "node.py")]
    listen = ["--listen", "/ip4/127.0.0.1/tcp/5001", "--seconds", "100", *launcher]
    foreign = Process(*run, *listen)
    node = other = None
    try:
        peer = foreign.key("peer")
        until(lambda: subprocess.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5001"], stderr=subprocess.DEVNULL).returncode == 0)
        dials(table, name, f"/ip4/127.0.0.1/tcp/5001/p2p/{peer}", peer, echo="--echo" in launcher)
        foreign.stop()
        node = ours()
        us, address = node.key("peer"), node.key("listen")[0]
        other = Process(*run, "--listen", "/ip4/127.0.0.1/tcp/5002", "--dial", address, "--seconds", "100", *launcher, *dialling)
        table.cell(name, "it dials us", "connect, handshake", lambda: node.key("connected"))
        table.cell(name, "it dials us", "identify", lambda: node.key("identify")["agent"])
        yield node, other, us
        table.cell(name, "it dials us", "killed, noticed", lambda: (other.stop(), node.key("disconnected", patience=5))[1])
    finally:
        for process in (node, other, foreign):
            if process: process.stop()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            fail("it did not start")
        time.sleep(0.05)


def lattica(table, directory):
    for node, other, us in python(table, "lattica", "lattica", ["--protocol", VERSION], []):
        table.cell("lattica", "it dials us", "its list of peers", lambda: other.wait(lambda line: us in line.get("peers", {})))
        table.cell("lattica", "it dials us", "stays, asking bitswap", lambda: stays(node, other))


def stays(node, other):
    """It asks for Bitswap on and on, which we do not speak; neither may suffer."""
    before = cpu(node.process.pid)
    time.sleep(3)
    if any(line and "disconnected" in line for line in node.lines + list(node.fresh.queue)):
        fail("it went away")
    return f"{cpu(node.process.pid) - before:.2f} s of processor time in 3 s"


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def py_libp2p(table, directory):
    options = ["--echo", "/echo/1"]
    for node, other, us in python(table, "py-libp2p", "py-libp2p", options, ["--ping", "3"]):
        table.cell("py-libp2p", "it dials us", "ping", lambda: other.key("ping_ms"))


def main():
    if not os.path.exists(OURS):
        print(f"{OURS} is missing: run `swift build --product interop-peer` first")
        sys.exit(2)
    if "LATTICE_INTEROP_INSIDE" not in os.environ:
        isolated = os.path.join(LAUNCHERS, "isolated")
        if not os.path.exists(isolated):
            skip(f"there are no launchers of foreign peers at {LAUNCHERS}; set LATTICE_SHARED")
        if not os.path.isdir(PEERS):
            skip(f"there are no foreign peers at {PEERS}; install them with {LAUNCHERS}/install.sh, or set LATTICE_PEERS")
        if subprocess.run([isolated, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            skip("this user may not make a network namespace (unshare -n)")
        os.environ["LATTICE_INTEROP_INSIDE"] = "1"
        os.execv(isolated, [isolated, sys.executable, os.path.abspath(__file__), OURS])
    start, table, directory = time.monotonic(), Table(), tempfile.mkdtemp(prefix="lattica-interop-")
    os.environ["TMPDIR"] = directory
    try:
        for name, test in (("p2pd", p2pd), ("lattica", lattica), ("py-libp2p", py_libp2p)):
            if os.path.exists(f"{PEERS}/{name}"):
                try:
                    test(table, directory)
                except Exception as error:
                    table.cell(name, "", "", lambda: (_ for _ in ()).throw(error))
            else:
                print(f"SKIPPED: {name} is not installed at {PEERS}", flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{time.monotonic() - start:.0f} s; " + (f"{table.failures} FAILED" if table.failures else "all cells passed"))
    sys.exit(1 if table.failures else 0)


main()
