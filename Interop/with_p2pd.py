"""go-libp2p, through the daemon that hivemind ships."""
import os, subprocess, sys
from processes import LAUNCHERS, PATIENCE, PEERS, Process, expect, ours, until

CTL = os.path.join(LAUNCHERS, "p2pd", "p2pctl")
LOOPBACK = "/ip4/127.0.0.1/tcp"


def run(table, binary, directory, is_short):
    control = f"{directory}/p2pd.sock"

    def command(*arguments):
        done = subprocess.run([sys.executable, CTL, control, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise RuntimeError(f"p2pctl {arguments[0]}: {done.stdout.strip() or done.stderr[-200:]}")
        return done.stdout.strip()

    ends = []

    def started(process):
        ends.append(process)
        return process

    daemon = started(Process("p2pd", f"{PEERS}/p2pd", "-hostAddrs", f"{LOOPBACK}/4001,{LOOPBACK}/4002/ws",
                             "-dhtServer", "-listen", f"/unix{control}"))
    server = None
    try:
        peer = daemon.wait(lambda line: line.get("text", "").partition("Peer ID: ")[2])
        until(lambda: os.path.exists(control), "p2pd's control socket")
        server = serving(control, "/echo/1")
        addresses = {"tcp": f"{LOOPBACK}/4001/p2p/{peer}", "tls": f"{LOOPBACK}/4001/p2p/{peer}",
                     "ws": f"{LOOPBACK}/4002/ws/p2p/{peer}"}
        for how in ("tcp",) if is_short else ("tcp", "tls", "ws"):
            security = "tls" if how == "tls" else "noise"
            listen = f"{LOOPBACK}/0/ws" if how == "ws" else f"{LOOPBACK}/0"
            dialer = started(ours(binary, f"{how}, dialling", "--security", security, "--listen", f"{LOOPBACK}/0"))
            table.cell(how, "p2pd", "ours", lambda: dialer.ask("dial", address=addresses[how])["secured_by"], dialer, daemon)
            listener = started(ours(binary, f"{how}, dialled", "--security", security, "--listen", listen))
            table.cell(how, "p2pd", "its", lambda: command("connect", listener.address), listener, daemon)
            if how == "tcp":
                plain = listener
                dials(table, dialer, daemon, peer, command, is_short)
                is_dialled(table, listener, daemon, peer, command, control, is_short)
        if not is_short:
            table.cell("killed", "p2pd", "its", lambda: (daemon.stop(), plain.wait(
                lambda line: line.get("disconnected") == peer, patience=5) and "noticed")[1], plain, daemon)
    finally:
        if server:
            server.stop(kindly=True)
        for process in ends:
            process.stop()


def dials(table, node, daemon, peer, command, is_short):
    def cell(capability, test):
        table.cell(capability, "p2pd", "ours", test, node, daemon)

    cell("identify", lambda: node.ask("identify", peer=peer)["agent"])
    cell("ping", lambda: node.ask("ping", peer=peer, count=3)["ms"])
    cell("stream", lambda: expect(node.ask("stream", peer=peer, protocols=["/echo/2", "/echo/1"], text="hello")["text"], "hello"))
    if is_short:
        return
    cell("bulk", lambda: expect(node.ask("stream", peer=peer, protocols=["/echo/1"], size=4_000_000)["size"], 4_000_000))
    # It knows where we listen from identify alone: we dialled from another port, or from the same without saying so.
    port = node.address.split("/")[4]
    table.cell("identify", "p2pd", "its", lambda: until(
        lambda: f"/tcp/{port}" in command("find-peer", node.peer) and port, "our listening address at p2pd"), node, daemon)
    node.stop()
    cell("killed", lambda: until(lambda: node.peer not in command("peers"), "p2pd to forget us"))


def is_dialled(table, node, daemon, peer, command, control, is_short):
    def cell(capability, test):
        table.cell(capability, "p2pd", "its", test, node, daemon)

    cell("ping", lambda: command("ping", node.peer, "3").replace("\n", " "))
    cell("stream", lambda: expect('"hello"' in command("stream", node.peer, "/echo/1", "hello"), True))
    if is_short:
        return

    def pushes():
        node.ask("identify", peer=peer)
        late = serving(control, "/late/1")
        try:
            return until(lambda: "/late/1" in node.ask("identify", peer=peer)["protocols"], "p2pd's push")
        finally:
            late.stop(kindly=True)

    cell("push", pushes)


def serving(control, protocol):
    """A program that echoes for p2pd. Its socket is named after its process, and one left behind is in the way."""
    for _ in range(4):
        server = Process("p2pctl serve", sys.executable, CTL, control, "serve", protocol)
        try:
            server.key("serving")
            return server
        except EOFError:
            continue
    raise RuntimeError("p2pctl does not serve")
