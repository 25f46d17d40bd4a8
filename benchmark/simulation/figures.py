#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Simulates what doc/scaling.md shows: `policies` or `scaling`, then `draw`.

The first two add lines of JSON to figures.jsonl and leave out what is already there; `draw` prints
tables and makes the plots of doc/. Some runs take minutes, all of them about half an hour of one core.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DOC = HERE.parents[1] / "doc"
RESULTS = HERE / "figures.jsonl"
MACHINE = HERE / "machine.txt"

MAP = "problem=population tasks=1000000"
SAMPLER = "problem=population tasks_a_rank=20"
SCALING = [  # name, what, on how many ranks
    ("UTS T1L", "problem=uts tree=T1L", (64, 1024)),
    ("UTS T1XL", "problem=uts tree=T1XL", (64, 1024, 10240)),
    ("UTS T3L", "problem=uts tree=T3L", (64, 1024, 10240)),
    ("UTS T3XXL", "problem=uts tree=T3XXL", (64, 1024)),
    ("UTS T1XL, nodes of 1 us", "problem=uts tree=T1XL node_ns=1000", (10240,)),
    ("fib(50)", "problem=fib n=50", (64, 1024)),
    ("fib(56)", "problem=fib n=56", (64, 1024, 10240)),
    ("UTS T1L, 0.25 s a rank", "problem=uts tree=T1L", (64, 256, 1024, 10240)),
    ("fib(56), 0.25 s a rank", "problem=fib n=56", (64, 256, 1024, 10240)),
    ("flat map", MAP, (64, 1024, 10240, 102400)),
    ("flat map, default chunk", MAP, (64, 1024, 10240)),
    ("cyclic master", f"{MAP} spread=cyclic", (64, 1024, 10240, 102400)),
    ("sampler, equal", SAMPLER, (64, 1024, 10240, 102400)),
    ("sampler, equal, submitted in turn", f"{SAMPLER} spread=cyclic", (64, 1024, 10240)),
    ("sampler, uniform", f"{SAMPLER} cost=uniform", (64, 1024, 10240)),
    ("sampler, log-normal", f"{SAMPLER} cost=lognormal", (64, 1024, 10240, 102400)),
    ("sampler, log-normal, longest first", f"{SAMPLER} spread=cyclic cost=lognormal first=longest",
     (64, 1024, 10240)),
    ("sampler, log-normal, guessed to be the longest first",
     f"{SAMPLER} spread=cyclic cost=lognormal first=longest guess=0.3", (64, 1024, 10240)),
    ("sampler, Pareto", f"{SAMPLER} cost=pareto", (64, 1024, 10240)),
    ("sampler, log-normal, 5 generations", f"{SAMPLER} cost=lognormal generations=5",
     (64, 1024, 10240)),
]
POLICY_PROBLEMS = [
    ("UTS T1L", "problem=uts tree=T1L ranks=256 per_host=16"),
    ("sampler", f"{SAMPLER} cost=lognormal ranks=10240"),
    ("flat map", f"{MAP} ranks=10240"),
    ("cyclic master", f"{MAP} spread=cyclic ranks=10240"),
]
POLICIES = [
    ("the default", ""),
    ("victims: flat", "victims=flat"),
    ("victim: last giver, else random", "victim=last_giver"),
    ("victim: last giver, else by load", "victim=loads"),
    ("children: half", "children=half"),
    ("children: half to other hosts", "children=adaptive"),
    ("submitted: one", "submitted=one"),
    ("submitted: half to other hosts", "submitted=adaptive"),
    ("back-off instead of lifelines", "silence=back_off"),
    ("1 attempt near, 1 far", "near_attempts=1 far_attempts=1"),
    ("2 attempts near, 2 far", "near_attempts=2 far_attempts=2"),
    ("8 attempts near, 8 far", "near_attempts=8 far_attempts=8"),
    ("16 attempts near, 16 far", "near_attempts=16 far_attempts=16"),
]


def known():
    if not RESULTS.exists():
        return {}
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return {(line["kind"], line["name"], line["what"]): line for line in lines}


def simulate(build, kind, name, what):
    if (kind, name, what) in known():
        return
    print(f"{kind}: {name}: {what}", file=sys.stderr, flush=True)
    done = subprocess.run([build / "benchmark/simulation/simulate", MACHINE, "json=1",
                           *what.split()], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return
    with RESULTS.open("a") as file:
        file.write(json.dumps({"kind": kind, "name": name, "what": what,
                               **json.loads(done.stdout)}) + "\n")


def sized(name, what, ranks):
    """What depends on the ranks: a loop's default chunk, eight tasks a worker; what a node or a
    call takes where all ranks have the same to do."""
    if "default chunk" in name:
        return f"{what} chunk={max(1, 1_000_000 // (8 * ranks))}"
    if "0.25 s a rank" in name:
        unit, units = (("node_ns", 102_181_082) if "UTS" in name
                       else ("call_ns", 2 * 365_435_296_162 - 1))
        return f"{what} {unit}={0.25e9 * ranks / units:.4g}"
    return what


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["policies", "scaling", "draw"])
    parser.add_argument("--build", default=HERE.parents[1] / "build/bench", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.what == "policies":
        for name, what in POLICY_PROBLEMS:
            for policy, change in POLICIES:
                simulate(arguments.build, "policy", f"{name}: {policy}", f"{what} {change}".strip())
    elif arguments.what == "scaling":
        for name, what, all_ranks in SCALING:
            for ranks in all_ranks:
                simulate(arguments.build, "scaling", name,
                         f"{sized(name, what, ranks)} ranks={ranks}")
    else:
        from figures_draw import draw
        draw(known(), SCALING, POLICY_PROBLEMS, POLICIES, DOC)


if __name__ == "__main__":
    main()
