"""The real Lattica package (rust-libp2p), through a node that takes the same commands as ours."""
import base64, os, struct, subprocess, sys, time
from processes import LAUNCHERS, PEERS, Obedient, cpu, expect, ours, until

LOOPBACK = "/ip4/127.0.0.1/tcp"
FOLDER = os.path.join(LAUNCHERS, "lattica")
RUN = [f"{PEERS}/lattica/bin/python", os.path.join(FOLDER, "lattica_peer.py")]
LARGE = 4_000_000

# Facts of wire_check.py about protocols that are not spoken yet; the steps that need them fail as a whole.
LATER = {
    "identify lists the protocols": "DHT, Bitswap and gossip are not spoken yet",
    "check_first_messages": "Bitswap and gossip are not spoken yet",
    "check_kad": "the DHT is not spoken yet",
    "check_bitswap": "Bitswap is not spoken yet",
}


def text(data):
    return base64.b64encode(data).decode()


def run(table, binary, directory, is_short):
    ends = []

    def started(process):
        ends.append(process)
        return process

    def cell(capability, role, test, *more):
        table.cell(capability, "lattica", role, test, *more, foreign)

    try:
        dialled = started(ours(binary, "tcp, dialled", "--listen", f"{LOOPBACK}/0"))
        over_ws = started(ours(binary, "ws, dialled", "--listen", f"{LOOPBACK}/0/ws"))
        dialer = started(ours(binary, "tcp, dialling", "--listen", f"{LOOPBACK}/0"))
        ws_dialer = started(ours(binary, "ws, dialling", "--listen", f"{LOOPBACK}/0"))
        foreign = started(Obedient("lattica", *RUN, "--tcp", "0", "--ws", "0", "--state-dir", f"{directory}/lattica",
                                   "--bootstrap", dialled.address, "--bootstrap", over_ws.address))
        ready = foreign.wait(lambda line: line.get("event") == "ready" and line)
        peer, (tcp, ws) = ready["peer_id"], ready["addrs"]

        cell("tcp", "its", lambda: dialled.wait(lambda line: line.get("connected") == peer), dialled)
        cell("tcp", "ours", lambda: dialer.ask("dial", address=tcp)["secured_by"], dialer)
        cell("ws", "its", lambda: over_ws.wait(lambda line: line.get("connected") == peer), over_ws)
        cell("ws", "ours", lambda: ws_dialer.ask("dial", address=ws)["secured_by"], ws_dialer)
        cell("identify", "ours", lambda: dialer.ask("identify", peer=peer)["agent"], dialer)
        # It lists nobody who has not told the right protocol version in identify.
        cell("identify", "its", lambda: foreign.ask("wait_peer", peer=dialer.peer)["peer"], dialer)
        cell("ping", "ours", lambda: dialer.ask("ping", peer=peer, count=3)["ms"], dialer)
        # It pings by itself.
        def measured():
            time = foreign.ask("peer_info", peer=dialer.peer)["info"]["rtt_ms"]
            return None if time is None else f"{time} ms"

        cell("ping", "its", lambda: until(measured, "its ping of us"), dialer)
        foreign.ask("wait_peer", peer=dialled.peer)
        if not is_short:
            cell("push", "ours", lambda: (dialer.ask("push", peer=peer, protocol="/late/1"), until(
                lambda: "/late/1" in foreign.ask("peer_info", peer=dialer.peer)["info"]["protocols"], "our push"))[1], dialer)
        for role, caller, callee, whom in (("ours", dialer, foreign, peer), ("its", foreign, dialled, dialled.peer)):
            calls(lambda name, test, role=role, caller=caller: cell(name, role, test, dialled, dialer), caller, whom, is_short)
        def compressed(name):
            """The answer is whole, and the request was no longer than compressed bytes are."""
            payload = text(b"squeeze me " * 1000)
            answer = dialer.ask("call", peer=peer, method="Echo.echo", data=payload, compression=name)
            expect(answer["data"], payload)
            if answer["sent"] > 500:
                raise AssertionError(f"{answer['sent']} bytes were sent")
            return f"{name}, {answer['sent']} bytes for 11,000"

        for name in ("gzip",) if is_short else ("gzip", "zstd", "lz4", "brotli"):
            cell(name, "ours", lambda: compressed(name), dialer)
        if is_short:
            return
        wire_check(table, dialled.address)
        cell("killed", "its", lambda: (stays(dialled, peer), foreign.stop(), dialled.wait(
            lambda line: line.get("disconnected") == peer, patience=5))[0], dialled)
    finally:
        for process in ends:
            process.stop()


def calls(cell, caller, whom, is_short):
    """The same commands whoever calls: both ends serve the Echo of lattica_peer.py and obey the same words."""
    def call(op, method, **more):
        return caller.ask(op, peer=whom, method=method, **more)

    some = os.urandom(300)
    cell("unary", lambda: expect(call("call", "Echo.echo", data=text(some))["data"], text(some)) and "echoed")
    cell("stream-rpc", lambda: expect(call("call_stream", "Echo.secho", data=text(some))["data"], text(some)) and "echoed")
    cell("iterator", lambda: counted(call("iter", "Echo.count", data=text(struct.pack(">II", 1000, 64)), delay=0)))
    if is_short:
        return
    cell("unary-large", lambda: expect(call("call", "Echo.echo", data=text(bytes(LARGE)), quiet=True)["size"], LARGE))
    cell("cancel", lambda: expect(call("iter", "Echo.count", data=text(struct.pack(">II", 1 << 20, 8)), stop=3)["items"], 3))
    cell("pickle", lambda: expect(call("call", "Echo.add", args=[19, 23])["result"], 42))
    cell("failure", lambda: [refused(lambda: call("call", "Nope.echo"), "Service Nope not found"),
                             refused(lambda: call("call", "Echo.fail", args="told you"), "told you")])


def counted(answer):
    """Every item came, the last one being the thousandth."""
    expect((answer["items"], answer["bytes"]), (1000, 64_000))
    return f"last is {expect(int.from_bytes(base64.b64decode(answer['last'])[:4], 'big'), 999)}"


def refused(call, reason):
    try:
        call()
    except RuntimeError as error:
        if reason in str(error):
            return reason
        raise
    raise AssertionError(f"it succeeded, but '{reason}' was due")


def stays(node, peer):
    """It asks for Bitswap on and on, which we do not speak; neither may suffer."""
    before, seconds = cpu(node.process.pid), 2
    time.sleep(seconds)
    if any(line.get("disconnected") == peer for line in node.lines):
        raise AssertionError("it went away")
    return f"asked for Bitswap without end: {(cpu(node.process.pid) - before) / seconds:.0%} of a core"


def wire_check(table, address):
    """The byte-for-byte facts of the specification; run with the Python that has the cryptography it needs."""
    done = subprocess.run([f"{PEERS}/py-libp2p/bin/python", os.path.join(FOLDER, "wire_check.py"), "--peer", address],
                          capture_output=True, text=True, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line[:6] in ("ok    ", "FAIL  ")]
    if not lines:
        raise RuntimeError(f"wire_check.py said nothing: {done.stderr[-300:]}")
    for line in lines:
        verdict, fact = line[:4].strip(), line[6:]
        name = fact.partition(":")[0]
        # Of the protocols that are spoken, none may be missing.
        if verdict == "FAIL" and name in LATER and "/rpc/" not in fact and "/ipfs/id" not in fact and "/ping" not in fact:
            table.fact(f"{name.replace('_', ' ')}: {LATER[name]}", "later")
        else:
            table.fact(fact, verdict)
