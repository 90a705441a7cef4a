"""What the scripts beside this one share: one run in which this project and others are measured in turns.

A bench of this project is started with `--serve` and answers the name of a case with its rate; a case of others is a
function that does a known amount of work. In each round every pair is measured one right after the other, so that both
see the same machine; what is printed are medians over rounds, of both rates and of their ratios, with the ratios' range.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the program that `cargo bench --no-run` built")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.7, help="how long each measurement of a peer takes")
    parser.add_argument("--json", help="write all rates to this file")
    return parser.parse_args()


class Ours:
    """The bench of this project, waiting for names of cases."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, case):
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the bench ended at `{case}`")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rate(call, seconds, work=1):
    """Work a second, of a call that does `work` of it. What `call.ready` says was made before it is asked for is not counted."""
    for _ in range(1 + getattr(call, "ready", 0)):
        call()
    start, n = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        call()
        n += 1
    return work * n / (time.perf_counter() - start)


def measure(pairs, peers, ours, args, unit, work=1):
    """Measures pairs of names, those in `peers` by calling them and others by asking `ours`; prints and writes a table."""
    rates = {pair: [] for pair in pairs}
    for round_idx in range(args.rounds):
        for pair, got in rates.items():
            got.append([rate(peers[name], args.seconds, work) if name in peers else ours.ask(name) for name in pair])
        print(f"round {round_idx + 1} of {args.rounds}", file=sys.stderr)
    ours.close()
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    print(f"{unit} a second, medians of {args.rounds} rounds; {load}")
    for (our, other), got in rates.items():
        a, b = (statistics.median(column) for column in zip(*got))
        ratios = sorted(x / y for x, y in got)
        spread = f"({ratios[0]:.2f} .. {ratios[-1]:.2f})"
        print(f"  {our:30} {a:9.0f}  {other:36} {b:9.0f}  ratio {statistics.median(ratios):6.2f} {spread}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump([{"pair": pair, "rates": got} for pair, got in rates.items()], file, indent=1)
