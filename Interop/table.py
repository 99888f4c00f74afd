"""The cells: what was tried with whom in which role, what came of it, and why a cell is empty."""
import threading, time

PEERS = ("p2pd", "py-libp2p", "lattica")
ROLES = ("ours", "its")  # whose turn it is: who dials, asks, pushes, opens, calls

# What this project covers so far, in the order of the table.
CAPABILITIES = {
    "tcp": "TCP, Noise, yamux",
    "tls": "TCP, TLS 1.3, yamux",
    "ws": "WebSocket, Noise, yamux",
    "identify": "identify",
    "push": "identify push",
    "ping": "ping",
    "stream": "raw stream; ours offers two protocols",
    "bulk": "raw stream, 4 MB each way at once",
    "unary": "Lattica RPC, unary",
    "unary-large": "Lattica RPC, unary, 4 MB each way",
    "stream-rpc": "Lattica RPC, stream",
    "iterator": "Lattica RPC, iterator of 1,000 items",
    "cancel": "Lattica RPC, iterator cancelled",
    "pickle": "Lattica RPC, Python arguments as data",
    "failure": "Lattica RPC, handler fails, service unknown",
    "gzip": "Lattica RPC, gzip",
    "zstd": "Lattica RPC, zstd",
    "lz4": "Lattica RPC, lz4",
    "brotli": "Lattica RPC, brotli",
    "killed": "killed; the other end notices",
}

# Why a cell is empty.
NO_RPC = "speaks no Lattica RPC"
EMPTY = {
    ("tls", "lattica", "ours"): "the package has no TLS over TCP",
    ("tls", "lattica", "its"): "the package has no TLS over TCP",
    ("push", "p2pd", "ours"): "it does not show what it took from a push",
    ("push", "py-libp2p", "ours"): "it does not show what it took from a push",
    ("push", "py-libp2p", "its"): "its launcher never pushes",
    ("push", "lattica", "its"): "it pushes only when its addresses change, which they do not on loopback",
    ("bulk", "p2pd", "its"): "its control program sends one short text",
    ("bulk", "py-libp2p", "its"): "its launcher sends one short text",
    ("stream", "lattica", "ours"): "the package offers no raw streams",
    ("stream", "lattica", "its"): "the package offers no raw streams",
    ("bulk", "lattica", "ours"): "the package offers no raw streams",
    ("bulk", "lattica", "its"): "the package offers no raw streams",
    ("killed", "lattica", "ours"): "the package never forgets a peer",
    **{(name, "lattica", "its"): "the package's client never compresses" for name in ("gzip", "zstd", "lz4", "brotli")},
    **{(name, peer, role): NO_RPC for name in CAPABILITIES for peer in ("p2pd", "py-libp2p") for role in ROLES
       if CAPABILITIES[name].startswith("Lattica RPC")},
}


class Table:
    """Filled from several threads."""

    def __init__(self):
        self.cells, self.facts, self.gate, self.failures = {}, [], threading.Lock(), 0

    def cell(self, capability, peer, role, test, *ends):
        """Runs a test; `ends` are the processes whose last words explain a failure."""
        start = time.monotonic()
        try:
            seen, is_good = test(), True
        except Exception as error:
            seen, is_good = f"{type(error).__name__}: {error}", False
        with self.gate:
            self.cells[capability, peer, role] = is_good
            self.failures += not is_good
            print(f"{'ok  ' if is_good else 'FAIL'} {peer:9} {role:4} {CAPABILITIES[capability]:42} "
                  f"{time.monotonic() - start:5.1f} s  {str(seen)[:90 if is_good else 400]}", flush=True)
            if not is_good:
                for end in ends:
                    print(end.story(), flush=True)

    def fact(self, text, verdict):
        """One of wire_check.py's."""
        with self.gate:
            self.facts.append((text, verdict))
            self.failures += verdict == "FAIL"
            print(f"{verdict:5}wire check: {text}", flush=True)

    def broken(self, peer, error):
        with self.gate:
            self.failures += 1
            print(f"FAIL {peer}: {type(error).__name__}: {error}", flush=True)

    def markdown(self):
        """The table, with a number where a cell is empty, and the reasons by number."""
        reasons, lines = [], [
            "| | " + " | ".join(f"{peer}: {'we to it' if role == 'ours' else 'it to us'}" for peer in PEERS for role in ROLES) + " |",
            "| --- |" + " --- |" * (len(PEERS) * len(ROLES)),
        ]
        for capability, title in CAPABILITIES.items():
            marks = []
            for peer in PEERS:
                for role in ROLES:
                    result = self.cells.get((capability, peer, role))
                    if result is None:
                        reason = EMPTY.get((capability, peer, role), "not run")
                        if reason not in reasons:
                            reasons.append(reason)
                        marks.append(f"- ({reasons.index(reason) + 1})")
                    else:
                        marks.append("yes" if result else "**NO**")
            lines.append(f"| {title} | " + " | ".join(marks) + " |")
        return "\n".join(lines + [""] + [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)])
