"""Run Python code in a process of its own, and measure seconds of wall and CPU and peak memory."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

# Its one child is what is measured: a process inherits the peak memory of the one that started it.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"wall_s": time.perf_counter() - start, "cpu_s": used.ru_utime + used.ru_stime,
                  "peak_mb": used.ru_maxrss / 1024}))
"""


@dataclass(frozen=True)
class Measurement:
    """One process: seconds from start to end, CPU seconds of all its threads, peak memory.

    `told`: what the process printed as its last line, where that is a JSON object.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    told: dict = field(default_factory=dict)


def measure(*arguments: str) -> Measurement:
    """Run Python once with these arguments: a script and its options, or -c and code.

    Raises RuntimeError with what the process said when it fails.
    """
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} failed:\n{result.stderr}")
    *told, figures = result.stdout.splitlines()
    is_told = bool(told) and told[-1].startswith("{")
    return Measurement(**json.loads(figures), told=json.loads(told[-1]) if is_told else {})


def median_of(runs: list[Measurement]) -> Measurement:
    """Medians of the three figures; what was told is that of the last run."""
    figures = {
        name: statistics.median(getattr(run, name) for run in runs)
        for name in ("wall_s", "cpu_s", "peak_mb")
    }
    return Measurement(**figures, told=runs[-1].told)
