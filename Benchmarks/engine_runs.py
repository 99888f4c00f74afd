"""Runs one measurement of the engine, or of llama.cpp, in a process of its own."""
import contextlib, json, os, subprocess, sys

PATIENCE = 900  # seconds; a measurement on a busy machine takes its time
GENERATE, PROMPT = 64, 512


class Ours:
    """The program engine-bench."""

    # What a token reads of bench-1.1b-q8_0: the matrices of all layers and of the output, a half and 32 bytes for 32 weights.
    BYTES_PER_TOKEN = 1.0346e9 * 34 / 32

    def __init__(self, program):
        self.program = program

    def run(self, role, *options):
        return json.loads(output([self.program, role, *map(str, options)])[0].splitlines()[-1])

    def decode(self, model, threads, tokens=GENERATE):
        return self.run("speed", "--model", model, "--threads", threads, "--prompt", 0, "--generate", tokens)["decode"]

    def prefill(self, model, threads):
        return self.run("speed", "--model", model, "--threads", threads, "--prompt", PROMPT, "--generate", 0)["prefill"]

    def together(self, model, threads, requests):
        return self.run("together", "--model", model, "--threads", threads, "--in-flight", requests,
                        "--prompt", 128, "--generate", 64)["tokens"]

    def prefix(self, model, threads):
        return self.run("prefix", "--model", model, "--threads", threads, "--prompt", 1500)

    def memory(self, model, weights):
        found = self.run("speed", "--model", model, "--threads", 2, "--prompt", 64, "--generate", 8, "--weights", weights,
                         "--context", 512)
        return (found["resident_bytes"] - os.path.getsize(model)) / 1e6

    def read(self, threads):
        return self.run("read", "--threads", threads)["bytes_per_second"]


class LlamaCpp:
    """llama.cpp's own benchmarks, from a folder of its programs."""

    def __init__(self, folder):
        self.folder = folder

    def bench(self, model, threads, prompt, generate):
        text, resident = output([os.path.join(self.folder, "llama-bench"), "-m", model, "-t", str(threads), "-r", "1",
                                 "-p", str(prompt), "-n", str(generate), "-o", "json"])
        return json.loads(text)[-1]["avg_ts"], resident

    def decode(self, model, threads, tokens=GENERATE):
        return self.bench(model, threads, 0, tokens)[0]

    def prefill(self, model, threads):
        return self.bench(model, threads, PROMPT, 0)[0]

    def together(self, model, threads, requests):
        text, _ = output([os.path.join(self.folder, "llama-batched-bench"), "-m", model, "-t", str(threads), "-c", "4096",
                          "-npp", "128", "-ntg", "64", "-npl", str(requests), "--output-format", "jsonl"])
        return next(json.loads(line)["speed"] for line in text.splitlines() if line.startswith("{"))

    def memory(self, model):
        _, resident = self.bench(model, 2, 64, 8)
        return (resident - os.path.getsize(model)) / 1e6


class Wheel:
    """llama.cpp as PyPI's wheel has it, which is built for AVX2."""

    def __init__(self, python):
        self.command = [python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_wheel.py")]

    def decode(self, model, threads):
        text, _ = output([*self.command, model, str(threads), "1", str(GENERATE)])
        return json.loads(text.splitlines()[-1])["decode"]

    def prefill(self, model, threads):
        text, _ = output([*self.command, model, str(threads), str(PROMPT), "1"])
        return json.loads(text.splitlines()[-1])["prefill"]


def output(command):
    """What a program prints, and the most bytes of it that were in memory."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        text = child.stdout.read()
    finally:
        child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    return text, usage.ru_maxrss * 1024


@contextlib.contextmanager
def busy_cores():
    """Another process keeps each core busy."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
