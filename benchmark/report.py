#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs benchmark programs and prints one table a problem.

Each program runs in a process of its own, once per number of workers; the loop over repetitions is
the outermost one, so that a machine that drifts drifts for all rivals alike. What is printed is the
median over the repetitions, with minimum and maximum. `serial` with workers is so many serial runs
at once: what the machine makes of that is the best any runtime can reach on it. All runs and the
medians are written as one file in Google Benchmark's JSON format, with a description of the
machine.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parent
RUNTIMES = ["serial", "torc_function", "torc_coroutine", "tbb", "openmp"]  # the order in tables
NEEDS_ALL_CORES = {"idle", "steal", "wakeup", "memory"}  # nothing to see on one worker
# Ranks x workers of the programs in ranks/; the figures they give and what is wanted of them.
RANKS = {"torc_search": ["2x1", "1x2"], "torc_messages": ["2x1", "1x1"]}
RANK_FIGURES = [
    ("shippable_to_local", "time of a task that can travel / of one that cannot", "<= 1.1"),
    ("median_us", "us", "<= 5, steal_long 1000"),
    ("plain_mpi_us", "us, plain MPI", ""),
    ("tasks_per_second", "tasks/s", ">= 500000"),
    ("to_plain_mpi", "of plain MPI's bandwidth", ">= 0.6"),
    ("percent_idle", "% of a core", "< 1"),
    ("percent_in_a_task", "% of a core, in a task that sleeps", ""),
]
TIME_LIMIT = 600  # seconds for one process

NOTES = {
    "idle": "CPU seconds used in 3 idle seconds",
    "steal": "from spawning a child that another worker steals to the end of the join",
    "wakeup": "from spawning a child to its start on a worker that was asleep",
    "ranks": "two processes of one worker, 2x1, beside one of two, 1x2",
    "memory": "peak memory (VmHWM) of a program that does nothing else",
}


def problems():
    """Problem -> its programs, by what there are sources of."""
    found = {}
    for folder in sorted(SOURCES.iterdir()):
        if folder.name == "simulation":  # for calibrate.py and figures.py
            continue
        programs = [source.stem for source in sorted(folder.glob("*.cpp"))]
        if programs:
            programs.sort(key=lambda p: RUNTIMES.index(p) if p in RUNTIMES else len(RUNTIMES))
            found[folder.name] = programs
    return found


class Failure(Exception):
    pass


def start(command, environment=None):
    """The standard output of a process that must succeed."""
    try:
        done = subprocess.run(command, env={**os.environ, **(environment or {})}, text=True,
                              capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"still running after {TIME_LIMIT} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Failure(f"exit code {done.returncode}" + (f": {lines[-1]}" if lines else ""))
    return done.stdout


def run_benchmark(program, workers):
    """What one process, or some ranks, measured, as Google Benchmark's (context, benchmarks)."""
    command, environment = [], {}
    if "x" in str(workers):
        ranks, environment["TORC_WORKERS"] = workers.split("x")
        command = ["sh", SOURCES.parent / "cmake/mpirun.sh", "mpirun", ranks, str(TIME_LIMIT)]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        option = "--ranks" if command else "--workers"
        start(command + [program, f"--benchmark_out={out}", "--benchmark_out_format=json"]
              + ([f"{option}={workers}"] if workers else []), environment)
        if not out.exists():
            raise Failure("ended with exit code 0, but wrote no result")
        result = json.loads(out.read_text(encoding="utf-8"))
    for run in result["benchmarks"]:
        if run.get("error_occurred"):
            raise Failure(run.get("error_message", "error"))
    return result["context"], result["benchmarks"]


def run_memory(program, workers):
    """The same for a program that only prints its peak memory."""
    began = datetime.datetime.now()
    words = start([program], {"TORC_WORKERS": str(workers)}).split()
    took = (datetime.datetime.now() - began).total_seconds() * 1e3
    name = f"memory/{program.name}/{workers}"
    return {}, [{"name": name, "run_name": name, "run_type": "iteration", "threads": 1,
                 "iterations": 1, "real_time": took, "cpu_time": took, "time_unit": "ms",
                 "peak_kilobytes": float(words[words.index("VmHWM") + 1])}]


def run_all(build, chosen, repetitions, worker_counts):
    """Name -> its runs, one for each repetition; the context; what is not built; what failed."""
    runs, context, missing, failed = {}, {}, [], {}
    jobs = []
    for problem, programs in chosen.items():
        for program in programs:
            path = build / "benchmark" / problem / program
            if not os.access(path, os.X_OK):
                missing.append(f"{problem}/{program}")
                continue
            if problem == "ranks":
                jobs.extend((problem, path, ranks) for ranks in RANKS[program])
            elif program == "serial":
                jobs.extend((problem, path, copies)
                            for copies in (None, max(worker_counts)) if copies != 1)
            elif problem in NEEDS_ALL_CORES:
                jobs.append((problem, path, max(worker_counts)))
            else:
                jobs.extend((problem, path, workers) for workers in worker_counts)
    for repetition in range(repetitions):
        for problem, path, workers in jobs:
            label = "/".join(filter(None, [problem, path.name, str(workers or "")]))
            if label in failed:
                continue
            if sys.stderr.isatty():
                print(f"\r\033[Krepetition {repetition + 1}/{repetitions}: {label}", end="",
                      file=sys.stderr, flush=True)
            try:
                run = run_memory if problem == "memory" else run_benchmark
                its_context, results = run(path, workers)
            except Failure as failure:
                failed[label] = str(failure)
                continue
            context = context or its_context
            for result in results:
                runs.setdefault(result["name"], []).append(result)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return runs, context, missing, failed


def with_medians(runs):
    """The runs as Google Benchmark lists repetitions, each name followed by its median."""
    listed = []
    for family, (name, repeated) in enumerate(runs.items()):
        for index, run in enumerate(repeated):
            listed.append({**run, "family_index": family, "per_family_instance_index": 0,
                           "repetitions": len(repeated), "repetition_index": index})
        median = {**listed[-1], "name": f"{name}_median", "run_type": "aggregate",
                  "aggregate_name": "median", "aggregate_unit": "time",
                  "iterations": len(repeated)}
        del median["repetition_index"]
        for key, value in repeated[0].items():
            if isinstance(value, float):
                median[key] = statistics.median(run[key] for run in repeated)
        listed.append(median)
    return listed


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def operating_system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def describe(context):
    """Google Benchmark's context without what is private, with what explains the figures."""
    kept = {k: v for k, v in context.items() if k not in ("host_name", "executable")}
    return {
        **kept,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "cpu_model": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{operating_system()}, {platform.system()} {platform.release()}",
    }


class Row:
    """The repetitions of one benchmark."""

    def __init__(self, name, runs):
        parts = name.split("/")
        self.group, self.runtime = parts[0], parts[1]
        self.workers = int(parts[2]) if len(parts) > 2 else None
        if self.runtime.startswith("ranks:"):
            self.group, self.problem, self.ranks = "ranks", parts[0], self.runtime[6:]
        self.runs = runs

    def median(self, key):
        return statistics.median(run[key] for run in self.runs)

    def range(self, key, scale=1.0):
        """median [min-max]"""
        values = [run[key] * scale for run in self.runs]
        middle = statistics.median(values)
        digits = 0 if middle >= 1000 else 1 if middle >= 100 else 2 if middle >= 1 else 3
        return (f"{middle:.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]")

    def has(self, key):
        return key in self.runs[0]

    def ns_per_task(self):
        """Wall time; times the workers it is CPU time."""
        return self.median("real_time") * 1e6 / self.median("tasks")


def ratio(a, b, digits=2):
    return f"{a / b:.{digits}f}" if a is not None and b else "-"


def task_table(rows):
    serial = next((r.ns_per_task() for r in rows if r.runtime == "serial"), None)
    tbb = {r.workers: r.ns_per_task() for r in rows if r.runtime == "tbb"}
    yield ["runtime", "workers", "ms [min-max]", "CPU ns/task", "time/serial",
           "time/(serial/workers)", "TBB/time"]
    for row in rows:
        wall, workers = row.ns_per_task(), row.workers or 1
        rival = tbb.get(row.workers)
        yield [row.runtime, str(row.workers or "-"), row.range("real_time"),
               f"{wall * workers:.2f}", ratio(wall, serial, 3), ratio(wall * workers, serial, 3),
               f"{rival / wall:.2f}" if rival and row.runtime != "tbb" else "-"]


def latency_table(rows):
    tbb = next((r.median("median_us") for r in rows if r.runtime == "tbb"), None)
    yield ["runtime", "workers", "us [min-max]", "p90 us", "TBB/time"]
    for row in rows:
        yield [row.runtime, str(row.workers), row.range("median_us"),
               f"{row.median('p90_us'):.2f}",
               ratio(tbb, row.median("median_us")) if row.runtime != "tbb" else "-"]


def idle_table(rows):
    yield ["runtime", "workers", "CPU s [min-max]"]
    for row in rows:
        yield [row.runtime, str(row.workers), row.range("cpu_seconds")]


def memory_table(rows):
    yield ["program", "workers", "MB [min-max]"]
    for row in rows:
        yield [row.runtime, str(row.workers), row.range("peak_kilobytes", 1 / 1000)]


def ranks_table(rows):
    yield ["problem", "ranks", "figure [min-max]", "", "wanted"]
    one_rank = {row.problem: row.median("real_time") for row in rows if row.ranks == "1x2"}
    for row in rows:
        figures = [f for f in RANK_FIGURES if row.has(f[0])]
        for key, unit, wanted in figures:
            yield [row.problem, row.ranks, row.range(key), unit, wanted]
        if not figures:
            yield [row.problem, row.ranks, row.range("real_time"), "ms", ""]
            if row.ranks == "2x1" and row.problem in one_rank:
                speed = one_rank[row.problem] / row.median("real_time")
                yield ["", "", f"{speed:.2f}", "speed of 2x1 / of 1x2", ">= 0.95"]


def print_tables(runs):
    rows = [Row(name, repeated) for name, repeated in runs.items()]
    for group in dict.fromkeys(row.group for row in rows):
        mine = sorted((row for row in rows if row.group == group),
                      key=lambda r: (r.workers or 0))
        if group == "ranks":
            lines = list(ranks_table(mine))
        elif mine[0].has("tasks"):
            lines = list(task_table(mine))
        elif mine[0].has("median_us"):
            lines = list(latency_table(mine))
        elif mine[0].has("cpu_seconds"):
            lines = list(idle_table(mine))
        else:
            lines = list(memory_table(mine))
        note = NOTES.get(group)
        print(f"\n{group}" + (f": {note}" if note else ""))
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        for line in lines:
            print("  " + "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))))


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def main():
    known = problems()
    parser = argparse.ArgumentParser(description="Runs torc's benchmarks beside their rivals'.")
    parser.add_argument("problem", nargs="*", help="of: " + ", ".join(known) + " (default: all)")
    parser.add_argument("--build", required=True, type=pathlib.Path, metavar="DIR",
                        help="the build folder, such as build/bench")
    parser.add_argument("--repetitions", type=positive, default=5, metavar="N")
    parser.add_argument("--workers", metavar="N,...",
                        type=lambda text: sorted({positive(n) for n in text.split(",")}),
                        default=sorted({1, len(os.sched_getaffinity(0))}),
                        help="default: 1 and all cores")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="default: benchmark.json in the build folder")
    arguments = parser.parse_intermixed_args()

    unknown = [name for name in arguments.problem if name not in known]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(known)}",
              file=sys.stderr)
        return 2
    chosen = {name: known[name] for name in arguments.problem or known}

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the load average is {load:.1f}; figures from a busy machine mislead",
              file=sys.stderr)
    runs, context, missing, failed = run_all(arguments.build, chosen, arguments.repetitions,
                                             arguments.workers)
    context = describe(context)
    print(f"{context['cpu_model']}, {context['cores']} cores; {context['system']}; "
          f"{context.get('compiler', 'unknown compiler')}, {context.get('flags', '')}; "
          f"medians of {arguments.repetitions}")
    print_tables(runs)
    if missing:
        print(f"\nnot built: {', '.join(missing)}")
    for label, why in failed.items():
        print(f"\nFAILED {label}: {why}")
    if runs:
        target = arguments.json or arguments.build / "benchmark.json"
        target.write_text(json.dumps({"context": context, "benchmarks": with_medians(runs)},
                                     indent=2) + "\n", encoding="utf-8")
        print(f"\nwritten: {target}")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
