"""Measure customer value: from orders to value against `lifetimes`, nightly rescoring, the fits.

Customers are simulated as BG/NBD and Gamma-Gamma say. Ours is the SQL of the models as dbt compiles
it, over plain tables of the columns that it reads, and one fit of each model, as `lifetimes` does
it. Each measurement runs in a process of its own, things in turn, so that a busy machine hurts all.
Work is CPU seconds without starting Python and importing libraries; process is all CPU seconds.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench_steps import compiled, make_summary, make_warehouse
from measuring import Measurement, measure, median_of

STEPS_FILE = Path(__file__).with_name("bench_steps.py")
LIFETIMES_LIMIT_S = 180
"""If its summary of all orders would take longer, it gets a share of the customers."""


def run(name: str, folder: Path) -> Measurement:
    """One of the steps of bench_steps in a process of its own."""
    return measure(str(STEPS_FILE), name, str(folder))


def main() -> None:
    """Simulate, measure everything in turn, print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--scored", type=int, default=10_000_000, help="customers of pure scoring")
    parser.add_argument("--runs", type=int, default=3, help="runs of the short ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small sizes, one run: does it work?")
    options = parser.parse_args()
    if options.quick:
        options.customers, options.scored, options.runs = 2_000, 10_000, 1
    tell("load of the machine at the start: " + load())
    with tempfile.TemporaryDirectory() as name:
        found, order_count = benchmark(Path(name), options)
    report(found, options, order_count)
    if options.quick:
        print("small sizes: the ratios say nothing")
    print(f"load of the machine at the end: {load()}; CPU seconds suffer less from it than wall")


def benchmark(folder: Path, options: argparse.Namespace) -> tuple[dict[str, Measurement], int]:
    """Every measurement, by name, and the number of orders."""
    tell("dbt compiles the models")
    sql = compiled(folder / "compile")
    small, large = folder / "small", folder / "large"
    tell(f"simulating {options.customers:,} customers")
    order_count = make_warehouse(small, options.customers, options.seed)
    (small / "compiled.json").write_text(json.dumps(sql))
    runs: dict[str, list[Measurement]] = {}
    for number in range(options.runs):
        for step in ("from_orders", "bare", "rescore", "fits"):
            tell(f"run {number + 1} of {options.runs}: {step}")
            runs.setdefault(step, []).append(run(step, small))
    found = {step: median_of(measured) for step, measured in runs.items()}
    for step, measured in runs.items():
        found[step].told["steps"] = median_steps(measured)
    tell("lifetimes, a tenth of the customers")
    found["lifetimes_share"] = run("lifetimes_share", small)
    if 10 * found["lifetimes_share"].told["steps"]["summary"] <= LIFETIMES_LIMIT_S:
        tell("lifetimes, all customers")
        found["lifetimes"] = run("lifetimes", small)
    tell(f"simulating {options.scored:,} customers to score")
    make_summary(large, small, options.scored, options.seed + 1, sql)
    (large / "compiled.json").write_text(json.dumps(sql))
    tell("scoring them")
    found["score"] = run("score", large)
    return found, order_count


def median_steps(measured: list[Measurement]) -> dict[str, float]:
    return {
        name: float(np.median([one.told["steps"][name] for one in measured]))
        for name in measured[0].told["steps"]
    }


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def work(found: Measurement, *steps: str) -> float:
    """CPU seconds of these steps, or of all but those that only one of two does."""
    given = found.told["steps"]
    return sum(given[step] for step in steps or (name for name in given if "months" not in name))


def report(found: dict[str, Measurement], options: argparse.Namespace, order_count: int) -> None:
    """Tables of seconds and steps, and the ratios beside what is aimed at."""
    print(
        f"{options.customers:,} customers, {order_count:,} orders; {options.scored:,} customers to "
        f"score; medians of {options.runs} runs, lifetimes and scoring one"
    )
    names = {
        "from_orders": "orders to value, ours",
        "bare": "RFM summary alone, DuckDB",
        "rescore": "nightly rescoring, ours",
        "fits": "both fits, ours",
        "score": f"scoring {options.scored:,}",
        "lifetimes_share": "lifetimes, a tenth",
        "lifetimes": "orders to value, lifetimes",
    }
    print(f"{'':28} {'wall s':>8} {'process':>8} {'work':>8} {'rows/work s':>12} {'peak MB':>8}")
    for step, name in names.items():
        if step not in found:
            continue
        one = found[step]
        rows = {"score": options.scored, "lifetimes_share": one.told.get("orders")}.get(
            step, options.customers if step == "fits" else order_count
        )
        print(
            f"{name:28} {one.wall_s:8.2f} {one.cpu_s:8.2f} {work(one):8.2f} "
            f"{rows / work(one):12,.0f} {one.peak_mb:8,.0f}"
        )
    print("CPU seconds by step")
    for step, name in names.items():
        if step in found:
            steps = ", ".join(f"{k} {v:.2f}" for k, v in found[step].told["steps"].items())
            print(f"  {name:26} {steps}")
    for line in comparisons(found):
        print(line)


def comparisons(found: dict[str, Measurement]) -> list[str]:
    """Ratios and limits beside what is aimed at."""
    ours, nightly, bare_query = found["from_orders"], found["rescore"], found["bare"]
    peer, factor, note = found.get("lifetimes"), 1, ""
    if not peer:
        peer, factor = found["lifetimes_share"], 10
        note = " (10 times that of a tenth of the customers)"
    whole = factor * work(peer)
    again = factor * work(peer, "summary", "score")
    lines = [
        f"orders to value: lifetimes / ours = {whole / work(ours):.1f}{note}; aim 12 or more",
        f"nightly: lifetimes from orders, fit included / ours = {whole / work(nightly):.1f}{note}; "
        "aim 50 or more",
        f"nightly: lifetimes with a fit at hand / ours = {again / work(nightly):.1f}{note}",
        f"summary: ours / bare DuckDB query = {work(ours, 'summary') / work(bare_query):.1f}",
    ]
    if "value by months" in peer.told["steps"]:
        months = work(peer, "summary", "fit orders", "fit spend", "value by months")
        lines.append(
            "orders to value discounted by months, as ours is: lifetimes / ours = "
            f"{months / work(ours):.1f}; nightly {months / work(nightly):.1f}"
        )
    fitted, scored = found["fits"], found["score"]
    ratio = ours.told["expected orders"] / (factor * peer.told["expected orders"])
    return [
        *lines,
        f"BG/NBD fit, {fitted.told['cells']:,} cells: {work(fitted, 'fit orders'):.2f} CPU s; "
        "aim 1.5 or less",
        f"Gamma-Gamma fit, {fitted.told['spend cells']:,} cells: "
        f"{work(fitted, 'fit spend'):.2f} CPU s",
        f"scoring: {work(scored):.1f} CPU s, {scored.peak_mb / 1000:.2f} GB; "
        "aim 6 s and 1.5 GB or less",
        f"same answer: expected orders, ours / lifetimes = {ratio:.4f}",
    ]


if __name__ == "__main__":
    main()
