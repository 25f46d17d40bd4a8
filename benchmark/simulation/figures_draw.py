# SPDX-License-Identifier: MIT
"""Tables and plots of what figures.py has simulated."""

import collections

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "torc", "font.size": 9, "axes.grid": True,
                            "grid.alpha": 0.3, "svg.fonttype": "none"})
import matplotlib.pyplot as plt  # noqa: E402


def number(value, digits=2):
    return "-" if value < 0 else f"{value:,.{digits if abs(value) < 100 else 0}f}"


def errors(line):
    """What calibrate.py found, as it stands beside simulated figures."""
    return {what: f"± {line['error_' + what]:.0f} %" for what in ("makespan", "steals", "messages")}


def scaling_table(lines):
    e = errors(lines[0])
    print(f"| problem | ranks | time ms ({e['makespan']}) | efficiency ({e['makespan']}) "
          f"| best schedule | 90 % busy, ms | drain ms | stolen near, far ({e['steals']}) "
          f"| requests, refused | messages ({e['messages']}) | kB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for d in lines:
        best = f"{100 * d['best']:.1f} %" if d["best"] < 1 else "100 %"
        print(f"| {d['name']} | {d['ranks']:,} | {number(d['makespan_ms'])} "
              f"| **{100 * d['efficiency']:.1f} %** | {best} | {number(d['ramp_up_ms'])} "
              f"| {number(d['drain_ms'])} | {d['stolen_near']:.1f}, {d['stolen_far']:.1f} "
              f"| {d['requests']:.0f}, {d['refused']:.0f} | {d['messages']:.0f} "
              f"| {d['bytes'] / 1000:.1f} |")


def policy_table(lines, problems, policies):
    by_name = {d["name"]: d for d in lines}
    e = errors(lines[0])
    print(f"| policy (efficiency {e['makespan']}, messages {e['messages']}) | "
          + " | ".join(name for name, _ in problems) + " |")
    print("|---" * (len(problems) + 1) + "|")
    for policy, _ in policies:
        cells = []
        for problem, _ in problems:
            d = by_name.get(f"{problem}: {policy}")
            cells.append(f"{100 * d['efficiency']:.1f} %, {d['messages']:.0f}" if d else "-")
        print(f"| {policy} | " + " | ".join(cells) + " |")


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def scaling_plot(lines, path):
    series = collections.defaultdict(list)
    for d in lines:
        series[d["name"]].append(d)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))
    for i, (name, points) in enumerate(series.items()):
        if len(points) < 2:
            continue
        points.sort(key=lambda d: d["ranks"])
        ranks = [d["ranks"] for d in points]
        style = {"marker": "osD^v<>ph*"[i % 10], "color": f"C{i % 10}", "markersize": 5,
                 "linestyle": "-" if i < 10 else ":"}
        left.plot(ranks, [100 * d["efficiency"] for d in points], label=name, **style)
        right.plot(ranks, [d["messages"] for d in points], label=name, **style)
    e = errors(lines[0])
    left.set_ylim(0, 102)
    left.set_ylabel("efficiency, % (simulated)")
    left.set_title(f"simulated: work / (ranks x time), {e['makespan']}")
    right.set_yscale("log")
    right.set_ylabel("messages a rank (simulated)")
    right.set_title(f"simulated: messages, {e['messages']}")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("ranks, 64 a host")
    figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncol=4, fontsize=8)
    figure.tight_layout(rect=(0, 0.2, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def policy_plot(lines, problems, policies, path):
    by_name = {d["name"]: d for d in lines}
    figure, axes = plt.subplots(figsize=(9, 5))
    height = 0.8 / len(problems)
    for i, (problem, _) in enumerate(problems):
        found = [by_name.get(f"{problem}: {policy}") for policy, _ in policies]
        axes.barh([row + i * height for row in range(len(policies))],
                  [100 * d["efficiency"] if d else 0 for d in found], height, label=problem)
    axes.set_yticks([row + 0.4 for row in range(len(policies))], [name for name, _ in policies])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"efficiency, % (simulated, {errors(lines[0])['makespan']})")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncol=4, fontsize=8)
    save(figure, path)


def draw(results, scaling, problems, policies, folder):
    order = {name: i for i, (name, _, _) in enumerate(scaling)}
    lines = sorted((d for (kind, _, _), d in results.items() if kind == "scaling"),
                   key=lambda d: (order.get(d["name"], 99), d["ranks"]))
    chosen = [d for (kind, _, _), d in results.items() if kind == "policy"]
    if lines:
        scaling_table(lines)
        scaling_plot(lines, folder / "scaling.svg")
    if chosen:
        policy_table(chosen, problems, policies)
        policy_plot(chosen, problems, policies, folder / "policies.svg")
