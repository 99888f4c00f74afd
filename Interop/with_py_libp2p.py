"""py-libp2p. Its launcher speaks one secure channel and dials when it starts, so there is one process for each way."""
import os
from processes import LAUNCHERS, PEERS, Process, expect, ours

LOOPBACK = "/ip4/127.0.0.1/tcp"
RUN = [f"{PEERS}/py-libp2p/bin/python", os.path.join(LAUNCHERS, "py-libp2p", "node.py")]


def run(table, binary, directory, is_short):
    ends = []

    def started(process):
        ends.append(process)
        return process

    ways = []
    try:
        # All start before any is waited for: each takes seconds to load.
        for index, how in enumerate(("tcp",) if is_short else ("tcp", "tls", "ws")):
            security = "tls" if how == "tls" else "noise"
            suffix = "/ws" if how == "ws" else ""
            listener = started(ours(binary, f"{how}, dialled", "--security", security, "--listen", f"{LOOPBACK}/0{suffix}"))
            dialer = started(ours(binary, f"{how}, dialling", "--security", security, "--listen", f"{LOOPBACK}/0"))
            actions = ["--identify", "--ping", "3", "--stream", "/echo/1", "hello"] if how == "tcp" else []
            foreign = started(Process(f"py-libp2p ({how})", *RUN, "--security", security, "--echo", "/echo/1",
                                      "--listen", f"{LOOPBACK}/{5001 + index}{suffix}", "--dial", listener.address,
                                      "--after", "0.1", "--seconds", "100", *actions))
            ways.append((how, f"{LOOPBACK}/{5001 + index}{suffix}", listener, dialer, foreign))
        for how, address, listener, dialer, foreign in ways:
            # It listens before it dials.
            table.cell(how, "py-libp2p", "its", lambda: foreign.key("connected"), listener, foreign)
            peer = foreign.key("peer")
            table.cell(how, "py-libp2p", "ours", lambda: dialer.ask("dial", address=f"{address}/p2p/{peer}")["secured_by"],
                       dialer, foreign)
            if how == "tcp":
                is_dialled(table, listener, foreign, is_short)
                dials(table, dialer, listener, foreign, peer, is_short)
    finally:
        for process in ends:
            process.stop()


def is_dialled(table, node, foreign, is_short):
    def cell(capability, test):
        table.cell(capability, "py-libp2p", "its", test, node, foreign)

    cell("identify", lambda: expect(foreign.key("identify")["version"], "/lattica/1.0.0"))
    cell("ping", lambda: foreign.key("ping_ms"))
    cell("stream", lambda: expect(foreign.key("stream"), "hello"))


def dials(table, node, listener, foreign, peer, is_short):
    def cell(capability, role, test):
        table.cell(capability, "py-libp2p", role, test, node, foreign)

    cell("identify", "ours", lambda: node.ask("identify", peer=peer)["agent"])
    cell("ping", "ours", lambda: node.ask("ping", peer=peer, count=3)["ms"])
    cell("stream", "ours", lambda: expect(
        node.ask("stream", peer=peer, protocols=["/echo/2", "/echo/1"], text="hello")["text"], "hello"))
    if is_short:
        return
    cell("bulk", "ours", lambda: expect(node.ask("stream", peer=peer, protocols=["/echo/1"], size=4_000_000)["size"], 4_000_000))
    count = len(foreign.lines)
    node.stop()
    cell("killed", "ours", lambda: foreign.wait(
        lambda line: "peers" in line and node.peer not in line["peers"] and "noticed", after=count))
    foreign.stop()
    cell("killed", "its", lambda: listener.wait(lambda line: line.get("disconnected") == peer, patience=5) and "noticed")
