#!/usr/bin/env python3
"""Serves the page with a pretended network behind it, for work on the page and for its test.

    Tests/Browser/mock.py [--port 8300] [--nodes 3] [--pace 0.03]

The key is `mock-key`. Words in a prompt choose what happens: refuse-credits, refuse-busy, refuse-long, break (an error object
within the stream), drop (the connection closes early), markdown (an answer with every kind of block), think (thoughts before the answer), long, endless.
"""
import argparse
import http.server
import json
import pathlib
import threading
import time

SITE = pathlib.Path(__file__).resolve().parents[2] / "Sources/NexusHTTP/Site"
KEY = "mock-key"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
NANO = 1_000_000_000

PLAIN = (
    "A lattice is an order in which any two elements have a least upper bound and a greatest lower bound. "
    "Merging two states means taking their upper bound, so replicas that exchange states in any order agree in the end."
)
THOUGHTS = "The reader asks what a lattice is. An order with least upper bounds, <b>so</b> merging is taking one."
MARKDOWN = """## Joining a state

Two replicas **agree** as soon as each has *seen* what the other saw. The rule is `merge(a, b)`:

1. It is associative and commutative.
2. It is idempotent:
   - a message may come twice,
   - or late, or by another path.
3. It only ever grows.

```swift
struct GrowingSet<Element: Hashable> {
    private(set) var elements: Set<Element> = []
    mutating func merge(_ other: Self) { elements.formUnion(other.elements) } // associative, commutative, idempotent
}
```

> No leader, no lock, no single point of failure.

---

Markup such as <b>this</b> <img src=x onerror=alert(1)> stays text, and so does 2 * 3 * 4."""


class Network:
    """Figures that the page shows; one lock guards them all."""

    def __init__(self, nodes):
        self.lock = threading.Lock()
        self.spent = 0
        self.head = 12
        now = int(time.time())
        self.entries = [
            {"block": 12, "time": now - 40, "event": "Settled", "summary": "User 1 paid node 1 0.000081 LAI for 1 session"},
            {"block": 9, "time": now - 300, "event": "NodeRegistered", "summary": "Node 3, slow-otter, staked 100 LAI"},
            {"block": 7, "time": now - 310, "event": "NodeRegistered", "summary": "Node 2, brave-falcon, staked 100 LAI"},
            {"block": 5, "time": now - 320, "event": "NodeRegistered", "summary": "Node 1, quiet-heron, staked 100 LAI"},
            {"block": 3, "time": now - 86400 * 3, "event": "Granted", "summary": "User 1 received 5 LAI of bonus credits"},
        ]
        names = ["quiet-heron", "brave-falcon", "slow-otter", "a-node-whose-operator-likes-long-names-very-much", "", "calm-lynx"]
        states = ["live", "live", "silent", "live", "gone", "live"]
        self.nodes = [
            {
                "id": n + 1,
                "peer": f"12D3KooWQ{n:02}9fLzYkmVb3TnPq7sXa8RcWdEeHhJjKkMmNnPpQqRr",
                "name": names[n % len(names)],
                "state": states[n % len(states)],
                "models": ["lattice-tiny"] + (["llama-3.2-3b:q4_k_m", "qwen3-8b"] if n % 2 else []),
                "active": 3 if n == 1 else 0,
                "capacity": 4,
                "latency_ms": None if states[n % 6] == "gone" else 0.8 + 17.3 * n,
                "tokens_per_second": 410.2 if n % 3 == 0 else (38.44 if n % 3 == 1 else None),
                "earned": money(81_000 * (n + 1) * (n * n + 1)),
            }
            for n in range(nodes)
        ]

    def settle(self, cost):
        with self.lock:
            self.spent += cost
            self.head += 1
            self.nodes[0]["active"] -= 1
            summary = f"User 1 paid node 1 {money(cost)} LAI for 1 session"
            entry = {"block": self.head, "time": int(time.time()), "event": "Settled", "summary": summary}
            self.entries = [entry] + self.entries[:19]

    def listing(self, path):
        with self.lock:
            if path == "/v1/models":
                price = {"input": "0.500000000", "output": "2.000000000"}
                served = {model for node in self.nodes if node["state"] == "live" for model in node["models"]}
                return {
                    "object": "list",
                    "data": [
                        {
                            "id": model,
                            "object": "model",
                            "created": 1795253472,
                            "owned_by": "lattice",
                            "context_length": 2048,
                            "nodes": sum(model in node["models"] for node in self.nodes),
                            "pricing": price,
                        }
                        for model in sorted(served)
                    ],
                }
            if path == "/v1/nodes":
                return {"object": "list", "data": self.nodes}
            if path == "/v1/account":
                zero = money(0)
                bonus = money(5 * NANO - self.spent)
                return {"user": 1, "available": zero, "bonus": bonus, "unsettled": zero, "reserved": zero, "headroom": bonus}
            if path == "/v1/ledger/entries":
                digest = f"0x{self.head * 7919:x}".ljust(66, "9")
                return {"head": self.head, "hash": digest, "entries": self.entries}
        return None


def money(nano):
    return f"{nano // NANO}.{nano % NANO:09}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    network = None
    pace = 0.03

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/v1/"):
            if self.is_allowed():
                listing = self.network.listing(path)
                self.send_json(200 if listing else 404, listing or failure("Not found.", "not_found"))
            return
        file = SITE / (path.lstrip("/") or "index.html")
        if file.parent != SITE or not file.is_file():
            self.send_json(404, failure("Not found.", "not_found"))
            return
        self.send_bytes(200, file.read_bytes(), TYPES[file.suffix], {"Content-Security-Policy": POLICY})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.is_allowed():
            return
        prompt = body["messages"][-1]["content"]
        refusals = {
            "refuse-credits": (402, "The request may cost 0.016 LAI and the account can spend 0.002 LAI.", "insufficient_credits"),
            "refuse-busy": (503, "2 nodes serve lattice-tiny: node 1 is busy, node 3 is silent.", "no_node_available"),
            "refuse-long": (400, "The prompt has 2,431 tokens; the context holds 2,048.", "context_length_exceeded"),
        }
        for word, (status, message, code) in refusals.items():
            if word in prompt:
                self.send_json(status, failure(message, code), {"x-request-id": "req_81f2", "Retry-After": "2"})
                return
        try:
            self.stream(body["model"], prompt)
        except OSError:
            self.close_connection = True

    def stream(self, model, prompt):
        text = MARKDOWN if "markdown" in prompt else PLAIN
        if "long" in prompt:
            text = "\n\n".join([PLAIN] * 8)
        if "endless" in prompt:
            text = PLAIN * 200
        words = [piece + (" " if at < text.count(" ") else "") for at, piece in enumerate(text.split(" "))]
        stop_at = len(words) // 3 if "break" in prompt or "drop" in prompt else len(words)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("x-lattice-node", "1 quiet-heron")
        self.end_headers()
        same = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

        def send(data):
            piece = f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

        def delta(content, finish=None):
            send({**same, "choices": [{"index": 0, "delta": content, "finish_reason": finish}]})

        with self.network.lock:
            self.network.nodes[0]["active"] += 1
        sent = 0
        try:
            time.sleep(self.pace * 8)
            delta({"role": "assistant", "content": ""})
            for word in THOUGHTS.split(" ") if "think" in prompt else []:
                delta({"reasoning_content": word + " "})
                time.sleep(self.pace)
            for word in words[:stop_at]:
                delta({"content": word})
                sent += 1
                time.sleep(self.pace)
        finally:
            usage = {"prompt_tokens": 27, "completion_tokens": sent, "total_tokens": 27 + sent}
            cost = 27 * 500 + sent * 2000 + 77
            self.network.settle(cost)
        if "break" in prompt:
            send(failure("Node 1 stopped answering after 12 tokens.", "node_failed"))
        if stop_at < len(words):
            self.close_connection = True
            return
        delta({}, "stop")
        node = {"id": 1, "name": "quiet-heron", "peer": self.network.nodes[0]["peer"]}
        lattice = {"node": node, "cost": money(cost), "receipt": "0x" + "3f2a9c1d" * 8}
        send({**same, "choices": [], "usage": usage, "lattice": lattice})
        send("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def is_allowed(self):
        if self.headers.get("Authorization") == f"Bearer {KEY}":
            return True
        self.send_json(401, failure("The API key is unknown or revoked.", "invalid_api_key"))
        return False

    def send_json(self, status, value, headers=None):
        self.send_bytes(status, json.dumps(value).encode(), "application/json", headers)

    def send_bytes(self, status, body, kind, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A browser that leaves is no error of the server."""


def failure(message, code):
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def serve(port, nodes, pace):
    """A server on this port of the loopback; port 0 takes a free one."""
    handler = type("Handler", (Handler,), {"network": Network(nodes), "pace": pace})
    return Server(("127.0.0.1", port), handler)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8300)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--pace", type=float, default=0.03, help="seconds between tokens")
    chosen = parser.parse_args()
    server = serve(chosen.port, chosen.nodes, chosen.pace)
    print(f"http://127.0.0.1:{server.server_address[1]}/#key={KEY}", flush=True)
    server.serve_forever()
