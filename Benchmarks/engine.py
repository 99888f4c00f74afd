#!/usr/bin/env python3
"""Measures the engine beside llama.cpp on the same files; scripts/bench-engine.sh runs it.

Ours (A) and llama.cpp (B) take turns, A B A B, in this run, with the same file and the same number of threads. A ratio is
the median of the ratios of the turns, since a shared machine changes from minute to minute; figures are medians too. Above
1 means that ours is better. `target` is the ratio to reach, `met` whether it is.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile
from engine_runs import LlamaCpp, Ours, Wheel, busy_cores

PEER = "llama.cpp, native"


class Case:
    """Something that both do: `ours` and `peer` are functions that give a figure of which more is better."""

    def __init__(self, name, unit, ours, peer, target=None, peer_name=PEER, less_is_better=False, around=None):
        self.name, self.unit, self.ours, self.peer, self.target = name, unit, ours, peer, target
        self.peer_name, self.less_is_better, self.around = peer_name, less_is_better, around

    def row(self, turns):
        pairs = [self.turn(number) for number in range(turns)]
        ours = statistics.median(a for a, _ in pairs)
        peers = [b for _, b in pairs if b is not None]
        row = {"case": self.name, "unit": self.unit, "ours": rounded(ours), "peer": None, "peer_name": None,
               "ratio": None, "target": self.target, "met": None}
        if peers:
            ratio = statistics.median((b / a if self.less_is_better else a / b) for a, b in pairs)
            row.update(peer=rounded(statistics.median(peers)), peer_name=self.peer_name, ratio=round(ratio, 2))
            row["met"] = ratio >= self.target if self.target else None
        return row

    def turn(self, number):
        pair = []
        for side in (self.ours, self.peer):
            if side is None:
                pair.append(None)
            elif self.around:
                with self.around():
                    pair.append(side())
            else:
                pair.append(side())
        print(f"turn {number + 1} {self.name}: {pair}", file=sys.stderr, flush=True)
        return tuple(pair)


def rounded(value):
    return value if value is None else float(f"{value:.4g}")


def threads_name(count):
    return f"{count} thread" + ("s" if count > 1 else "")


def cases(options, ours, peer, wheel):
    model = lambda kind: os.path.join(options.models, f"bench-1.1b-{kind}.gguf")
    targets = {"q8_0": 1.5, "q4_0": 1.4, "q4_k": 1.2}
    for kind, target in targets.items():
        for threads in (1, 2):
            yield Case(f"decode {kind.upper()}, {threads_name(threads)}", "tokens/s",
                       lambda: ours.decode(model(kind), threads), lambda: peer.decode(model(kind), threads), target)
    for kind in ("q8_0", "q4_0", "q4_k"):
        for threads in (1, 2):
            yield Case(f"prompt of 512 {kind.upper()}, {threads_name(threads)}", "tokens/s",
                       lambda: ours.prefill(model(kind), threads), lambda: peer.prefill(model(kind), threads),
                       2 if kind != "q4_k" else None)
    yield Case("8 requests in flight, Q8_0, 2 threads, 128 + 64 tokens each", "tokens/s",
               lambda: ours.together(model("q8_0"), 2, 8), lambda: peer.together(model("q8_0"), 2, 8), 1.5)
    yield Case("decode Q8_0, 2 threads, both cores busy", "tokens/s",
               lambda: ours.decode(model("q8_0"), 2), lambda: peer.decode(model("q8_0"), 2), 3, around=busy_cores)
    yield Case("second request after a shared prefix of 1,500 tokens, first token", "ms",
               lambda: ours.prefix(model("q8_0"), 2)["warm_milliseconds"],
               lambda: ours.prefix(model("q8_0"), 2)["cold_milliseconds"], 10, "without the cache", less_is_better=True)
    if options.inexact:
        inexact = Ours(options.inexact)
        for kind in ("q8_0", "q4_0"):
            yield Case(f"decode {kind.upper()}, 2 threads, beside arithmetic in any order", "tokens/s",
                       lambda: ours.decode(model(kind), 2), lambda: inexact.decode(model(kind), 2), 0.9,
                       "ours, -ffast-math")
            yield Case(f"prompt of 512 {kind.upper()}, 2 threads, beside arithmetic in any order", "tokens/s",
                       lambda: ours.prefill(model(kind), 2), lambda: inexact.prefill(model(kind), 2), 0.9,
                       "ours, -ffast-math")
    for mode, target in (("repacked", None), ("mapped", 1)):
        yield Case(f"memory above the file, Q8_0, weights {mode}", "MB",
                   lambda: ours.memory(model("q8_0"), mode), lambda: peer.memory(model("q8_0")), target,
                   less_is_better=True)
    if wheel:
        for kind in ("q8_0", "q4_k"):
            yield Case(f"decode {kind.upper()}, 2 threads, beside the wheel", "tokens/s",
                       lambda: ours.decode(model(kind), 2), lambda: wheel.decode(model(kind), 2),
                       peer_name="llama.cpp, wheel of PyPI")
            yield Case(f"prompt of 512 {kind.upper()}, 2 threads, beside the wheel", "tokens/s",
                       lambda: ours.prefill(model(kind), 2), lambda: wheel.prefill(model(kind), 2),
                       peer_name="llama.cpp, wheel of PyPI")


def machine_rows(ours, found):
    """How much of the memory's bandwidth decoding reaches: the weights are read once for each token."""
    by_name = {row["case"]: row for row in found}
    for threads in (1, 2):
        read = ours.read(threads)
        yield {"case": f"reading memory, {threads_name(threads)}", "unit": "GB/s", "ours": rounded(read / 1e9),
               "peer": None, "peer_name": None, "ratio": None, "target": None, "met": None}
        decode = by_name.get(f"decode Q8_0, {threads_name(threads)}")
        if decode:
            share = decode["ours"] * Ours.BYTES_PER_TOKEN / read
            yield {"case": f"share of it that decoding reaches, Q8_0, {threads_name(threads)}", "unit": "",
                   "ours": rounded(share), "peer": rounded(decode["peer"] * Ours.BYTES_PER_TOKEN / read),
                   "peer_name": PEER, "ratio": decode["ratio"], "target": None, "met": None}


def table(rows):
    lines = ["| case | ours | peer | ratio | target | |", "| --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        peer = "" if r["peer"] is None else f"{r['peer']:g} {r['peer_name']}"
        met = {True: "met", False: "missed", None: ""}[r["met"]]
        target = "" if r["target"] is None else f">= {r['target']}x"
        ratio = "" if r["ratio"] is None else f"{r['ratio']}x"
        lines.append(f"| {r['case']} | {r['ours']:g} {r['unit']} | {peer} | {ratio} | {target} | {met} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", required=True, help="the program engine-bench")
    parser.add_argument("--inexact", help="the same, built to compute in any order")
    parser.add_argument("--llama", required=True, help="the folder with llama.cpp's programs")
    parser.add_argument("--wheel", help="a python that has xllamacpp")
    parser.add_argument("--models", required=True, help="the folder with the synthetic models")
    parser.add_argument("--turns", type=int, default=3, help="turns of A and B (default 3)")
    parser.add_argument("--only", default="", help="only the cases whose name contains this")
    parser.add_argument("--json", help="the file for the rows")
    options = parser.parse_args()
    ours, peer = Ours(options.ours), LlamaCpp(options.llama)
    found = []
    # A case is measured before the next one is made, so its functions see the values that it was made with.
    for case in cases(options, ours, peer, Wheel(options.wheel) if options.wheel else None):
        if options.only in case.name:
            found.append(case.row(options.turns))
    found += machine_rows(ours, found)
    print(table(found))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=2)
            file.write("\n")


main()
