#!/usr/bin/env python3
"""Measures the whole process against a local server, and prints the figures as Markdown.

    cargo build --release --bin trueup --example generate
    python3 benches/process.py                                  # everything in docs/performance.md
    python3 benches/process.py --counts 1000 --shapes hub       # a part of it

The server is `trueup sandbox` as a process of its own, a fresh one for each apply. CPU seconds are user and system
time of the measured process alone, peak memory is its largest resident set (both from wait4), requests are counted
by the server. Of several runs the one with the least CPU time counts, for the wall time the shortest one.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
REMOTES = ["kaiten", "cloudfoundry"]
SHAPES = ["independent", "layered", "chained", "hub"]
PER_PAGE = {"kaiten": 200, "v2": 100, "v3": 5000}
PARALLELISM = 16
# With latency, more creates take longer than anybody wants to wait; in a chain each waits for the answer to the one before.
MOST_SLOW_CREATES = 10_000
LONGEST_SLOW_CHAIN = 1_000


@dataclasses.dataclass
class Run:
    """What one process took."""

    cpu: float
    wall: float
    memory: float
    reads: int
    writes: int


class Sandbox:
    """A server of its own, and its `/_sandbox`."""

    def __init__(self, trueup, remote, latency):
        command = [trueup, "sandbox", "--kaiten-port", "0", "--cf-port", "0", "--latency", str(latency)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        line = next(line for line in lines if line.startswith("Kaiten") == (remote == "kaiten"))
        self.url, self.secret = re.search(r"(http://\S+).*(?:token|password) (\S+)", line).groups()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def latency(self, milliseconds):
        self.ask("PUT", "latency", {"ms": milliseconds})

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def sandbox(arguments, remote, latency=0):
    """A sandbox on which everything stands that the projects refer to."""
    server = Sandbox(arguments.trueup, remote, latency)
    try:
        with project(arguments, remote, "ground", 0, server.url) as ground:
            measure(arguments, ["apply", "--yes"], ground, server)
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def project(arguments, remote, shape, count, url):
    """A project of this shape in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as directory:
        per_file = arguments.per_file
        command = [arguments.generate, remote, shape, str(count), str(per_file), url, directory]
        subprocess.run(command, check=True)
        if remote == "cloudfoundry" and arguments.cf_api == "v2":
            with open(pathlib.Path(directory) / "trueup.toml", "a") as settings:
                settings.write('api = "v2"\n')  # the last table there is the target's; v3 is spoken anyway
        yield directory


def measure(arguments, command, directory, server, expect=None):
    """Runs trueup once."""
    server.ask("DELETE", "requests")
    with tempfile.TemporaryFile() as out:
        environment = {"PATH": os.environ["PATH"], "BENCH_SECRET": server.secret}
        begun = time.monotonic()
        process = subprocess.Popen(
            [arguments.trueup, "-C", directory, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(max(0, out.seek(0, os.SEEK_END) - 2000))
        said = out.read().decode(errors="replace")
    if process.returncode != 0 or (expect and expect not in said):
        sys.exit(f"trueup {' '.join(command)} ended with {process.returncode}:\n{said}")
    requests = server.ask("GET", "requests/count")
    # Signing in is a POST that creates nothing.
    reads = requests["methods"].get("GET", 0) + server.ask("GET", "requests/count?path=/oauth/token")["count"]
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, reads, requests["count"] - reads)


def best(runs):
    """The least of everything: what is above it is other processes' doing."""
    return Run(*(min(getattr(run, field.name) for run in runs) for field in dataclasses.fields(Run)))


def pages(arguments, remote, count):
    return max(1, math.ceil(count / PER_PAGE["kaiten" if remote == "kaiten" else arguments.cf_api]))


def rounds(arguments, remote, count):
    """How many answers have to be waited for one after the other, because each question is known only from the answer
    before it.

    Kaiten's next page is known only from the one before. Cloud Foundry tells where to sign in, and nothing more without
    a token; then the spaces, which are the filter of the instances; then the first page of those, which tells how many
    there are; then the others, as many at a time as are allowed.
    """
    if remote == "kaiten":
        return pages(arguments, remote, count)
    return 4 + math.ceil((pages(arguments, remote, count) - 1) / PARALLELISM)


class Bare:
    """A client that asks for what a plan has asked for and does nothing with the answers."""

    def __init__(self, server, remote):
        self.server, self.token = server, server.secret
        if remote == "cloudfoundry":
            form = urllib.parse.urlencode({"grant_type": "password", "username": "admin", "password": server.secret})
            request = urllib.request.Request(f"{server.url}/oauth/token", data=form.encode(), method="POST")
            request.add_header("Authorization", "Basic Y2Y6")  # the cf CLI's own client, which has no secret
            with urllib.request.urlopen(request) as answer:
                self.token = json.load(answer)["access_token"]

    def get(self, asked):
        query = f"?{asked['query']}" if asked.get("query") else ""
        request = urllib.request.Request(f"{self.server.url}{asked['path']}{query}")
        request.add_header("Authorization", f"Bearer {self.token}")
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request) as answer:
            while answer.read(1 << 16):
                pass

    def take(self, requests):
        """How long it takes to be told all of it without any latency, as much at a time as is allowed."""
        with concurrent.futures.ThreadPoolExecutor(PARALLELISM) as pool:
            begun = time.monotonic()
            list(pool.map(self.get, requests))
            return time.monotonic() - begun


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def exponent(points):
    """The slope of the line through the points on logarithmic scales, by least squares."""
    logs = [(math.log(count), math.log(max(cpu, 1e-3))) for count, cpu in points]
    mean_x, mean_y = (sum(axis) / len(logs) for axis in zip(*logs))
    above = sum((x - mean_x) * (y - mean_y) for x, y in logs)
    return above / sum((x - mean_x) ** 2 for x, _ in logs)


def report(arguments, found, remote, shape, count, what, latency, run, told=None):
    found.setdefault((remote, shape, what, latency), []).append((count, run.cpu))
    alone = rounds(arguments, remote, count) * latency / 1000 + told if told else None
    ratio = f"{run.wall / alone:.2f}" if latency and alone else ""
    row([
        remote, shape, f"{count:,}", what, f"{latency} ms", f"{run.cpu:.2f}", f"{run.wall:.2f}", ratio,
        f"{run.memory:.0f}", f"{run.reads:,}", f"{run.writes:,}", f"{pages(arguments, remote, count):,}",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = lambda text: [int(number) for number in text.split(",")]
    names = lambda text: text.split(",")
    parser.add_argument("--trueup", default=str(ROOT / "target/release/trueup"))
    parser.add_argument("--generate", default=str(ROOT / "target/release/examples/generate"))
    parser.add_argument("--remotes", type=names, default=REMOTES, metavar="NAME,…")
    parser.add_argument("--cf-api", choices=["v2", "v3"], default="v3", help="which API of Cloud Foundry is spoken")
    parser.add_argument("--shapes", type=names, default=SHAPES, metavar="NAME,…")
    parser.add_argument("--counts", type=numbers, default=[1_000, 10_000, 50_000], metavar="N,…")
    parser.add_argument("--latencies", type=numbers, default=[0, 50], metavar="MS,…")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each plan; an apply runs once")
    parser.add_argument("--per-file", type=int, default=100, metavar="N", help="resources a file; 0: all on one line")
    arguments = parser.parse_args()

    found = {}
    row(["remote", "shape", "resources", "command", "latency", "CPU s", "wall s", "wall ÷ pages", "peak MiB", "reads", "writes", "pages"])
    row(["---"] * 5 + ["--:"] * 7)
    for remote in arguments.remotes:
        for shape in arguments.shapes:
            for count in arguments.counts:
                one(arguments, found, remote, shape, count)
    if len(arguments.counts) > 1:
        print()
        row(["remote", "shape", "command", "latency", "CPU time grows with the count to the power of"])
        row(["---"] * 4 + ["--:"])
        for (remote, shape, what, latency), points in found.items():
            if len(points) > 1:
                row([remote, shape, what, f"{latency} ms", f"{exponent(points):.2f}"])


def one(arguments, found, remote, shape, count):
    for latency in sorted(arguments.latencies, reverse=True):
        if latency and count > (LONGEST_SLOW_CHAIN if shape == "chained" else MOST_SLOW_CREATES):
            continue
        with sandbox(arguments, remote, latency) as server, project(arguments, remote, shape, count, server.url) as files:
            run = measure(arguments, ["apply", "--yes"], files, server)
            report(arguments, found, remote, shape, count, "apply", latency, run)
            if latency != min(arguments.latencies):
                continue
            server.latency(0)
            measure(arguments, ["plan"], files, server, "No changes.")
            asked = [request for request in server.ask("GET", "requests") if request["method"] == "GET"]
            bare = Bare(server, remote)
            told = min(bare.take(asked) for _ in range(arguments.runs))
            for slowness in arguments.latencies:
                server.latency(slowness)
                command = ["plan"]
                runs = [measure(arguments, command, files, server, "No changes.") for _ in range(arguments.runs)]
                report(arguments, found, remote, shape, count, "plan", slowness, best(runs), told)


if __name__ == "__main__":
    main()
