#!/usr/bin/env python3
"""Lets our peer and foreign libp2p peers talk, each in both roles, in a network of their own.

usage: Interop/run.py [--short] [--write FILE] [--only PEER] [--peer PATH-OF-interop-peer]

Foreign peers are taken from $LATTICE_PEERS (default ~/.cache/lattica-peers), their launchers from
$LATTICE_SHARED/peers (default ../shared/peers). Without them, or without the right to make a network
namespace, it says so and succeeds: the cells were not tested, which is not the same as having passed.
"""
import argparse, os, shutil, subprocess, sys, tempfile, threading, time
from processes import LAUNCHERS, PEERS, ROOT
from table import PEERS as NAMES, Table
import with_lattica, with_p2pd, with_py_libp2p

TESTS = {"p2pd": with_p2pd.run, "py-libp2p": with_py_libp2p.run, "lattica": with_lattica.run}
PAGE = """# Interoperation

Made by `make interop`, which runs our peer (`Interop/Peer`) against three implementations that share no code with it, in both
roles, in a network namespace with loopback only. "we to it" means that we dial, ask, push, open or call; "it to us" that it does.

| peer | stack | package |
| --- | --- | --- |
| p2pd | go-libp2p 0.32.1 | `hivemind==1.1.12` (its daemon) |
| py-libp2p | py-libp2p 0.8.1 | `libp2p==0.8.1` |
| lattica | rust-libp2p 0.54.1 | `lattica==1.0.21` |

{table}

## Byte for byte

`wire_check.py`, an independent peer in plain Python that knows only Lattica's wire format, asked our peer:

{facts}

Not covered, because Lattice does not speak them yet: QUIC, the DHT, Bitswap, gossip, relays, hole punching.
"""


def skip(reason):
    print(f"SKIPPED: {reason}\nNothing was tested against foreign peers.", flush=True)
    sys.exit(0)


def isolate(arguments):
    """Starts again in a network namespace of its own."""
    isolated = os.path.join(LAUNCHERS, "isolated")
    if not os.path.exists(isolated):
        skip(f"there are no launchers of foreign peers at {LAUNCHERS}; set LATTICE_SHARED")
    if not os.path.isdir(PEERS):
        skip(f"there are no foreign peers at {PEERS}; install them with {LAUNCHERS}/install.sh, or set LATTICE_PEERS")
    if subprocess.run([isolated, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        skip("this user may not make a network namespace (unshare -n)")
    os.environ["LATTICE_INTEROP_INSIDE"] = "1"
    os.execv(isolated, [isolated, sys.executable, os.path.abspath(__file__), *arguments])


def facts(table):
    names = {"ok": "yes", "later": "not yet", "FAIL": "**NO**"}
    return "\n".join(["| fact | |", "| --- | --- |"] + [f"| {text} | {names[verdict]} |" for text, verdict in table.facts])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="only the main cells, for every change")
    parser.add_argument("--write", metavar="FILE", help="keep the table there")
    parser.add_argument("--only", choices=NAMES, help="with one peer alone")
    parser.add_argument("--peer", default=os.path.join(ROOT, ".build", "debug", "interop-peer"), help="our program")
    options = parser.parse_args()
    if not os.path.exists(options.peer):
        sys.exit(f"{options.peer} is missing: run `swift build --product interop-peer` first")
    if "LATTICE_INTEROP_INSIDE" not in os.environ:
        isolate(sys.argv[1:])
    start, table, directory = time.monotonic(), Table(), tempfile.mkdtemp(prefix="lattica-interop-")
    os.environ["TMPDIR"] = directory

    def test(name):
        try:
            TESTS[name](table, os.path.abspath(options.peer), directory, options.short)
        except Exception as error:
            table.broken(name, error)

    threads = []
    try:
        for name in NAMES:
            if options.only not in (None, name):
                continue
            if os.path.exists(f"{PEERS}/{name}"):
                threads.append(threading.Thread(target=test, args=(name,)))
                threads[-1].start()
            else:
                print(f"SKIPPED: {name} is not installed at {PEERS}", flush=True)
        for thread in threads:
            thread.join()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if not options.short:
        print("\n" + table.markdown())
    if options.write:
        with open(options.write, "w") as file:
            file.write(PAGE.format(table=table.markdown(), facts=facts(table)))
    print(f"{time.monotonic() - start:.0f} s; " + (f"{table.failures} FAILED" if table.failures else
                                                   f"{len(table.cells)} cells passed"))
    sys.exit(1 if table.failures else 0)


main()
