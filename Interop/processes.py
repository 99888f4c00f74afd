"""Programs under test: their lines are kept, waited for with a deadline, and shown when something fails."""
import json, os, queue, subprocess, tempfile, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.expanduser(os.environ.get("LATTICE_PEERS", "~/.cache/lattica-peers"))
LAUNCHERS = os.path.join(os.environ.get("LATTICE_SHARED", os.path.join(ROOT, "..", "shared")), "peers")
PATIENCE = 20  # seconds for any one thing


class Process:
    """A program that prints JSON lines; lines that are not JSON are kept as {"text": LINE}."""

    def __init__(self, name, *command):
        self.name, self.lines, self.arrival = name, [], threading.Condition()
        self.has_ended = False
        self.log = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            try:
                found = json.loads(line)
            except ValueError:
                found = {"text": line.strip()}
            with self.arrival:
                self.lines.append(found)
                self.arrival.notify_all()
        with self.arrival:
            self.has_ended = True
            self.arrival.notify_all()

    def wait(self, wanted, patience=PATIENCE, after=0):
        """The first line for which `wanted` gives something, among old ones too, from the line `after` on."""
        deadline, index = time.monotonic() + patience, after
        with self.arrival:
            while True:
                while index < len(self.lines):
                    if found := wanted(self.lines[index]):
                        return found
                    index += 1
                if self.has_ended:
                    raise EOFError(f"{self.name} ended")
                if not self.arrival.wait(max(0, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name} did not say it within {patience} s")

    def key(self, name, **options):
        return self.wait(lambda line: line.get(name), **options)

    def stop(self, kindly=False):
        """Ends it; kindly where it has files to remove."""
        if kindly and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                pass
        self.process.kill()
        self.process.wait()

    def story(self, count=12):
        """Its last lines, for whoever looks into a failure."""
        self.log.seek(0)
        errors = self.log.read().splitlines()[-count:]
        with self.arrival:
            said = [json.dumps(line)[:300] for line in self.lines[-count:]]
        return "\n".join([f"    {self.name} said:"] + [f"      {line}" for line in said]
                         + [f"    {self.name} logged:"] + [f"      {line[:300]}" for line in errors])


class Obedient(Process):
    """A program that takes commands as JSON lines and answers each by its id: ours, and lattica_peer.py."""

    def __init__(self, *command):
        super().__init__(*command)
        self.next, self.gate = 0, threading.Lock()

    def ask(self, op, patience=PATIENCE, **command):
        with self.gate:
            self.next += 1
            number = self.next
            self.process.stdin.write(json.dumps({"id": number, "op": op, **command}) + "\n")
            self.process.stdin.flush()
        answer = self.wait(lambda line: line.get("id") == number and line, patience)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {op}: {answer['error']}")
        return answer


def until(condition, what, patience=PATIENCE):
    """Waits for what can only be asked for."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience} s")
        time.sleep(0.02)
    return found


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"got {str(found)[:200]!r}, wanted {str(wanted)[:200]!r}")
    return found


def ours(binary, name, *arguments):
    """Our peer, which listens on a port that the system chooses."""
    node = Obedient(f"ours ({name})", binary, "--protocol", "/lattica/1.0.0", *arguments)
    ready = node.wait(lambda line: line.get("listen") and line)
    node.peer, node.address = ready["peer"], ready["listen"][0]
    return node


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
