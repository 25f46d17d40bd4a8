#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits the simulated machine to this one, and sets simulated figures beside measured ones.

Writes machine.txt, which `simulate` reads: what messages, steals, wake-ups and tasks cost here, and
how far makespan, steals and messages then are from measured ones. Compute-bound problems run on as
many ranks as there are cores; the tasks of populations sleep, so 4 and 8 ranks fit on two cores.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MPIRUN = ["sh", HERE.parents[1] / "cmake/mpirun.sh", "mpirun"]
STATISTICS = re.compile(r"^torc: +\d+ +1 " + r" +(\d+)" * 8, re.M)  # of a rank of one worker
CREATED, EXECUTED, INSIDE, NEAR, FAR, REQUESTS, REFUSED, MESSAGES = range(8)

POPULATION = "problem=population tasks_a_rank=20 mean_ns=5000000"
CASES = [  # name, what to run, on how many ranks; what one rank tells about, and how many of it
    ("uts T1", "problem=uts tree=T1", (1, 2), "node_ns", 4_130_071),
    ("uts T3", "problem=uts tree=T3", (1, 2), "node_ns", 4_112_897),
    ("fib 40", "problem=fib n=40", (1, 2), "call_ns", 2 * 165_580_141 - 1),
    ("population, equal", f"{POPULATION}", (1, 2, 4, 8), None, None),
    ("population, log-normal", f"{POPULATION} cost=lognormal", (1, 2, 4, 8), None, None),
    ("population, Pareto", f"{POPULATION} cost=pareto", (1, 2, 4, 8), None, None),
    ("population, cyclic", f"{POPULATION} cost=lognormal spread=cyclic", (1, 2, 4, 8), None, None),
]


def output_of(command, **environment):
    return subprocess.run([str(c) for c in command], env={**os.environ, **environment}, text=True,
                          capture_output=True, check=True)


class Bench:
    def __init__(self, build, repetitions):
        self.folder, self.repetitions = build / "benchmark", repetitions

    def run(self, case, ranks):
        """Milliseconds, and of tasks stolen, requests and messages those of a rank."""
        done = output_of(MPIRUN + [ranks, 60, self.folder / "simulation/measured"] + case.split(),
                         TORC_WORKERS="1", TORC_STATS="1")
        rows = [[int(n) for n in row] for row in STATISTICS.findall(done.stderr)]
        mean = [sum(column) / ranks for column in zip(*rows)] or [0] * 8
        return float(done.stdout), mean[NEAR] + mean[FAR], mean[REQUESTS], mean[MESSAGES]

    def measured(self, case, all_ranks):
        """Medians of that by ranks, which take turns."""
        runs = [[self.run(case, ranks) for ranks in all_ranks] for _ in range(self.repetitions)]
        return [[statistics.median(values) for values in zip(*same)] for same in zip(*runs)]

    def simulated(self, machine, case, ranks):
        """The same of the simulation; means."""
        runs = []
        for seed in range(1, 10):
            out = json.loads(output_of([self.folder / "simulation/simulate", machine, "json=1",
                                        f"ranks={ranks}", f"seed={seed}"] + case.split()).stdout)
            runs.append((out["makespan_ms"], out["stolen_near"] + out["stolen_far"],
                         out["requests"], out["messages"]))
        return [statistics.fmean(values) for values in zip(*runs)]

    def messages(self):
        """Medians of what ranks/torc_messages tells: counters by the names of benchmarks."""
        runs = []
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out.json"
            for _ in range(self.repetitions):
                output_of(MPIRUN + [2, 120, self.folder / "ranks/torc_messages", "--ranks=2x1",
                                    "--benchmark_filter=rank_(submit|steal|bandwidth)",
                                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                          TORC_WORKERS="1")
                runs.append({b["name"].split("/")[0]: b
                             for b in json.loads(out.read_text())["benchmarks"]})
        return {name: {key: statistics.median(run[name][key] for run in runs)
                       for key, value in one.items() if isinstance(value, float)}
                for name, one in runs[0].items()}


def fit(bench):
    """The parameters of the machine, in nanoseconds."""
    figures = bench.messages()
    half_trip = figures["rank_submit"]["plain_mpi_us"] * 1e3 / 2
    # MPI's own price is half overhead at the ends, half latency; a byte costs what it does to copy.
    p = {"near.overhead": half_trip / 4, "near.latency": half_trip / 2,
         "near.gap": half_trip / 4,
         "near.per_byte": 1e3 / figures["rank_bandwidth"]["mb_per_second"]}
    trip = 2 * half_trip
    # To make a task into bytes and back is taken to cost as much as to do so with its result. A
    # master that submits many does half of that, and sends and receives a message, for each.
    pack = (1e9 / figures["rank_submit_many"]["tasks_per_second"] - 2 * p["near.overhead"]) / 2
    p["pack"] = max(pack, 0)
    # A task that is sent to a rank which polls, and its result: what is left is until they look.
    idle = figures["rank_submit"]["median_us"] * 1e3 - trip - 4 * p["pack"]
    p["answer_idle"] = max(idle, 0) / 2
    # A result, a request and a task: the thief's answer is a poll as well.
    steal = figures["rank_steal_busy"]["median_us"] * 1e3 - trip - 3 * p["pack"] - p["answer_idle"]
    p["answer_fine"] = max(steal, 0)
    p["answer_long"] = figures["rank_steal_long"]["median_us"] * 1e3 - trip
    p["wake"] = bench.measured("problem=wake", [2])[0][0] * 1e6 / 2  # the helper, and its worker
    slept = bench.measured(POPULATION, [1])[0][0] * 1e6 / 20
    p["oversleep"] = slept - 5e6
    return p


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path, metavar="DIR")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N")
    parser.add_argument("--keep", action="store_true", help="do not fit again, only compare")
    arguments = parser.parse_args()
    bench = Bench(arguments.build, arguments.repetitions)
    machine = HERE / "machine.txt"
    if arguments.keep:
        parameters = dict(line.split("=") for line in machine.read_text().splitlines()
                          if line and line[0] != "#" and not line.startswith("error."))
    else:
        parameters = {name: f"{value:.3f}" if name.endswith("per_byte") else f"{value:.0f}"
                      for name, value in fit(bench).items()}

    def write(errors):
        lines = ["# What this machine is like to `simulate`, in nanoseconds; by calibrate.py.",
                 *(f"{name}={value}" for name, value in parameters.items()),
                 "# The median errors of simulated figures with more than one rank, in percent.",
                 *(f"error.{name}={value:.0f}" for name, value in errors.items())]
        machine.write_text("\n".join(lines) + "\n")

    rows = []
    for name, case, all_ranks, unit, units in CASES:
        measured = bench.measured(case, all_ranks)
        if unit:
            cost = f"{measured[0][0] * 1e6 / units:.3f}"
            parameters.setdefault(unit, cost)  # the first case counts
            case += f" {unit}={cost}"
        write({})
        rows += [(name, ranks, real, bench.simulated(machine, case, ranks))
                 for ranks, real in zip(all_ranks, measured)]
    print("| problem | ranks | ms | simulated | steals | simulated | requests | simulated "
          "| messages | simulated |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, ranks, real, sim in rows:
        cells = " | ".join(f"{r:.1f} | {s:.1f}" for r, s in zip(real, sim))
        print(f"| {name} | {ranks} | {cells} |")

    def errors(which):
        return [abs(sim[which] - real[which]) / real[which] * 100
                for _, ranks, real, sim in rows if ranks > 1 and real[which] > 0]

    names = {"makespan": 0, "steals": 1, "messages": 3}
    write({name: statistics.median(errors(which)) for name, which in names.items()})
    print("largest errors: " + ", ".join(f"{name} {max(errors(which)):.0f} %"
                                         for name, which in names.items()))
    print(machine.read_text())


if __name__ == "__main__":
    main()
