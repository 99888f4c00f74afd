#!/usr/bin/env python3
"""Measures calls of ours beside those of the real Lattica package; scripts/bench-rpc.sh runs it.

Every figure of ours (A) is taken in turns with the package's (B), A B A B, in this run: two processes each, loopback,
encrypted. The table holds medians. A ratio above 1 means that ours is better. `target` is the ratio to reach, `met`
whether it is, together with any absolute figure that the case must keep (in its name).
"""
import argparse, contextlib, json, os, signal, statistics, sys
from rpc_runs import (
    Stuck, check, ours_to_ours, ours_to_real, raise_open_file_limit, real_to_ours, real_to_real,
)

SMALL, LARGE, HUGE = 128, 256 * 1024, 64 * 1024 * 1024
ROOMY = ("--message-limit", str(2 * HUGE))  # in Lattica's dialect what a call sends is one message


def unary(size, in_flight, reply="echo"):
    return ["--kind", "unary", "--size", str(size), "--in-flight", str(in_flight), "--reply", reply]


# What is run, in this order, once in each round: name -> function of seconds. Ours and the package's stand side by side.
RUNS = {
    "A unary 128 c=1": ours_to_ours(*unary(SMALL, 1)),
    "B unary 128 c=1": real_to_real("unary 128 B echo c=1"),
    "A unary 128 c=64": ours_to_ours(*unary(SMALL, 64)),
    "B unary 128 c=64": real_to_real("unary 128 B echo c=64"),
    "A unary 256K up c=64": ours_to_ours(*unary(LARGE, 64, "size")),
    "B unary 256K up c=64": real_to_real("unary 256 KB up c=64"),
    "A unary 256K echo c=64": ours_to_ours(*unary(LARGE, 64)),
    "B unary 256K echo c=64": real_to_real("unary 256 KB echo c=64"),
    "A stream 128 c=16": ours_to_ours("--kind", "stream", "--size", str(SMALL), "--in-flight", "16"),
    "B stream 128 c=16 QUIC": real_to_real("stream 128 B echo c=16", "quic"),
    "B stream 128 c=16": real_to_real("stream 128 B echo c=16"),
    "A stream 64M": ours_to_ours("--kind", "upload", "--size", str(HUGE), "--reply", "size"),
    "B stream 64M": real_to_real("stream 64 MB up c=1"),
    "A handshakes": ours_to_ours("--kind", "handshake", "--in-flight", "8"),
    "B handshakes": ours_to_real("--kind", "handshake", "--in-flight", "8"),
    "C unary 128 c=1": ours_to_real(*unary(SMALL, 1)),
    "D unary 128 c=1": real_to_ours("unary 128 B echo c=1"),
    "C unary 128 c=64": ours_to_real(*unary(SMALL, 64)),
    "D unary 128 c=64": real_to_ours("unary 128 B echo c=64"),
    "C unary 256K echo c=64": ours_to_real(*unary(LARGE, 64)),
    "D unary 256K echo c=64": real_to_ours("unary 256 KB echo c=64"),
    "B stream 128 c=1": real_to_real("stream 128 B echo c=1"),
    "C stream 128 c=1": ours_to_real("--kind", "stream", "--size", str(SMALL)),
    "D stream 128 c=1": real_to_ours("stream 128 B echo c=1"),
    "C stream 64M": ours_to_real("--kind", "upload", "--size", str(HUGE), "--reply", "size", *ROOMY),
    "D stream 64M": real_to_ours("stream 64 MB up c=1", *ROOMY),
    "B iterator 16K c=1": real_to_real("iterator 16 KB chunks c=1"),
    "D iterator 16K c=1": real_to_ours("iterator 16 KB chunks c=1"),
}

# Once in all: what it measures hardly varies, and it takes long.
IDLE = {
    security: ours_to_ours("--kind", "idle", "--hosts", "100", "--security", security, serving=("--hosts", "50"))
    for security in ("tls", "noise")
}

REAL, CLIENT, SERVER = "real to real", "our client, real server", "real client, our server"


def rate(result):
    return result["calls_s"]


def megabytes(result):
    return result["mb_s"]


def cpu(result):
    return (result["client_cpu_s"] + result["server_cpu_s"]) / result["calls"] * 1e6


# case, unit, ours, theirs, their name, figure, target ratio, bound of our figure, whether less is better
ROWS = [
    ("unary 128 B, 1 in flight (>= 15,000)", "calls/s", "A unary 128 c=1", "B unary 128 c=1", REAL, rate, 6, 15_000, False),
    ("unary 128 B, 64 in flight (>= 100,000)", "calls/s", "A unary 128 c=64", "B unary 128 c=64", REAL, rate, 10, 100_000, False),
    ("CPU per unary call, both ends, 64 in flight (<= 16)", "µs", "A unary 128 c=64", "B unary 128 c=64", REAL, cpu, None, 16, True),
    ("unary 256 KB up, 64 in flight", "MB/s", "A unary 256K up c=64", "B unary 256K up c=64", REAL, megabytes, 2, None, False),
    ("unary 256 KB both ways, 64 in flight", "MB/s", "A unary 256K echo c=64", "B unary 256K echo c=64", REAL, megabytes, 4, None, False),
    ("stream 128 B, 16 in flight", "calls/s", "A stream 128 c=16", "B stream 128 c=16 QUIC", REAL + ", QUIC", rate, 4, None, False),
    ("stream 128 B, 16 in flight", "calls/s", "A stream 128 c=16", "B stream 128 c=16", REAL + ", TCP", rate, None, None, False),
    ("one 64 MB stream call", "MB/s", "A stream 64M", "B stream 64M", REAL, megabytes, 3, None, False),
    ("handshakes, 8 at once", "1/s", "A handshakes", "B handshakes", CLIENT, rate, None, None, False),
] + [
    (f"Lattica's dialect, {name}: {what}", unit, f"{side} {key}", f"B {key}", REAL, figure, 1, None, False)
    for what, unit, key, figure, sides in (
        ("unary 128 B, 1 in flight", "calls/s", "unary 128 c=1", rate, "CD"),
        ("unary 128 B, 64 in flight", "calls/s", "unary 128 c=64", rate, "CD"),
        ("unary 256 KB both ways, 64 in flight", "MB/s", "unary 256K echo c=64", megabytes, "CD"),
        ("stream 128 B, 1 in flight", "calls/s", "stream 128 c=1", rate, "CD"),
        ("one 64 MB stream call", "MB/s", "stream 64M", megabytes, "CD"),
        ("iterator of 16 KB chunks", "chunks/s", "iterator 16K c=1", rate, "D"),
    )
    for side, name in (("C", CLIENT), ("D", SERVER)) if side in sides
]


def measure(options):
    """Name -> the results of all rounds; `None` stands for a run in which an end got stuck."""
    wanted = {key for row in chosen(options) for key in row[2:4]}
    results = {key: [] for key in RUNS if key in wanted}
    for turn in range(options.rounds):
        for key in results:
            try:
                result = RUNS[key](options.seconds)
            except Stuck:
                result = None
            results[key].append(result)
            print(f"round {turn + 1} {key}: {json.dumps(result) if result else 'stuck'}", file=sys.stderr, flush=True)
    return results


@contextlib.contextmanager
def wakeful_cores():
    """Keeps every core from sleeping, for ours and the package's alike, by loops that run only when nothing else wants to.

    A virtual core that has slept takes longer to wake, and is slower for a while, than many a call takes: figures with
    one call in flight then tell of the hypervisor.
    """
    loops = []
    for _ in range(os.cpu_count() or 1):
        child = os.fork()
        if child == 0:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            while os.getppid() != 1:
                for _ in range(1_000_000):
                    pass
            os._exit(0)
        loops.append(child)
    try:
        yield
    finally:
        for child in loops:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def chosen(options):
    return [row for row in ROWS if options.only in row[0]]


def median(results, figure):
    figures = [figure(result) for result in results if result and result.get("calls")]
    return statistics.median(figures) if figures else None


def row(case, unit, ours, peer, peer_name, less_is_better=False, target=None, bound=None):
    ratio = (peer / ours if less_is_better else ours / peer) if ours and peer else None
    met = None
    if target or bound:
        met = ours is not None
        # A peer that got stuck is beaten by whoever answers.
        if target and peer:
            met = met and ratio >= target
        if bound:
            met = met and (ours <= bound if less_is_better else ours >= bound)
    rounded = lambda value, digits: None if value is None else round(value, digits)
    return {"case": case, "unit": unit, "ours": rounded(ours, 1), "peer": rounded(peer, 1), "peer_name": peer_name,
            "ratio": rounded(ratio, 2), "target": target, "met": met}


def rows(options, results):
    for case, unit, a, b, name, figure, target, bound, less in chosen(options):
        stuck = sum(result is None for result in results[b])
        if stuck:
            name += f" (stuck in {stuck} of {options.rounds})"
        yield row(case, unit, median(results[a], figure), median(results[b], figure), name, less, target, bound)


def idle_rows():
    for security, measure_idle in IDLE.items():
        found = measure_idle(30)
        print(f"idle, {security}: {json.dumps(found)}", file=sys.stderr, flush=True)
        for end in ("client", "server"):
            yield row(f"memory per idle connection, {found['connections']:,} of them, {security}, {end}", "KB",
                      found[f"{end}_bytes"] / 1000, 30, "limit", less_is_better=True, target=1)


def table(rows):
    lines = ["| case | ours | peer | ratio | target | |", "| --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        ours = "stuck" if r["ours"] is None else f"{r['ours']:,.0f} {r['unit']}" if r["ours"] >= 100 else f"{r['ours']} {r['unit']}"
        peer = "-" if r["peer"] is None else f"{r['peer']:,.0f}" if r["peer"] >= 100 else f"{r['peer']}"
        met = {True: "met", False: "missed", None: ""}[r["met"]]
        target = "" if r["target"] is None else f">= {r['target']}x"
        ratio = "" if r["ratio"] is None else f"{r['ratio']}x"
        lines.append(f"| {r['case']} | {ours} | {peer} {r['peer_name']} | {ratio} | {target} | {met} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of A and B (default 3)")
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement (default 3)")
    parser.add_argument("--only", default="", help="only the cases whose name contains this")
    parser.add_argument("--let-sleep", action="store_true", help="let cores sleep that have nothing to do")
    parser.add_argument("--json", help="the file for the rows")
    options = parser.parse_args()
    check()
    raise_open_file_limit()
    with contextlib.nullcontext() if options.let_sleep else wakeful_cores():
        found = list(rows(options, measure(options)))
    if options.only in "memory per idle connection":
        found += idle_rows()
    print(table(found))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=2)
            file.write("\n")


main()
