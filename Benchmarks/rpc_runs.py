"""Starts the two ends of one measurement and returns what the calling end reports."""
import json, os, resource, signal, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("LATTICE_SHARED", os.path.join(ROOT, "..", "shared"))
PEERS = os.path.expanduser(os.environ.get("LATTICE_PEERS", "~/.cache/lattica-peers"))
OURS = os.environ.get("RPC_BENCH", os.path.join(ROOT, "Benchmarks", ".build", "release", "rpc-bench"))
PYTHON = os.path.join(PEERS, "lattica", "bin", "python")
REAL_PEER = os.path.join(SHARED, "peers", "lattica", "lattica_peer.py")
REAL_BENCH = os.path.join(SHARED, "peers", "lattica", "lattica_bench.py")
PATIENCE = 60  # seconds for a process to start, and beyond its measurement to end


class Stuck(Exception):
    """An end gave no answer in time."""


class Server:
    """A process that prints one JSON line when it is ready, and leaves when its standard input closes."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # Whatever it is, a server that does not start is a fault of the setup, and the caller's deadline ends it.
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command[0]} did not start")
        self.ready = json.loads(line)
        self.addresses = self.ready.get("addresses") or self.ready.get("addrs")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:  # one that locked up cannot leave by itself
            self.process.kill()
            self.process.wait()


def our_server(*options):
    return Server(OURS, "serve", *options)


def real_server():
    return Server(PYTHON, REAL_PEER, "--tcp", "0")


def last_line(command, seconds):
    """The last JSON line of a program that ends by itself; its whole session ends with it."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=seconds * 2 + PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Stuck
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if not lines or lines[-1].get("stuck"):
        raise Stuck
    return lines[-1]


def call_ours(server, seconds, *options):
    peers = [part for address in server.addresses for part in ("--peer", address)]
    command = [OURS, "run", *peers, "--pid", str(server.process.pid), "--seconds", str(seconds), *options]
    return last_line(command, seconds)


def ours_to_ours(*options, serving=()):
    def run(seconds):
        with our_server(*serving) as server:
            return call_ours(server, seconds, *options)
    return run


def ours_to_real(*options):
    def run(seconds):
        with real_server() as server:
            return call_ours(server, seconds, *options)
    return run


def real(case, *options):
    found = last_line([PYTHON, REAL_BENCH, *options, "--case", case], PATIENCE)
    found["calls_s"] = found.pop("qps", None)
    return found


def real_to_ours(case, *serving):
    def run(seconds):
        with our_server(*serving) as server:
            return real(case, "--seconds", str(seconds), "--peer", server.addresses[0], "--pid", str(server.process.pid))
    return run


def real_to_real(case, transport="tcp"):
    return lambda seconds: real(case, "--seconds", str(seconds), "--transport", transport)


def raise_open_file_limit():
    """Thousands of connections need as many descriptors; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def check():
    for path in (OURS, PYTHON, REAL_BENCH):
        if not os.path.exists(path):
            sys.exit(f"bench-rpc: {path} is missing; run scripts/bench-rpc.sh, which builds and installs what is needed")
