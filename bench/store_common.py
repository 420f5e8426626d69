# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of stores share. Set for one run by bench/run: the folder is the first argument of the program."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 5
TOOLS = pathlib.Path(os.environ["SHEAF_BUILD"]) / "bench"
ON_DISK = not sys.argv[1].startswith("/dev/shm")


def tool(name, *arguments):
    """Runs one of the C tools; its figures."""
    done = subprocess.run([TOOLS / name, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return [float(word) for word in done.stdout.split()]


def timed(work):
    """Seconds that it took, and what it gave."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def synced(seconds, path):
    """Seconds with the final sync, on the disk."""
    if not ON_DISK:
        return seconds
    begun = time.perf_counter()
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        with open(file, "rb") as f:
            os.fdatasync(f.fileno())
    return seconds + time.perf_counter() - begun


def remove(path):
    """Removes a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def row(work, value, unit, against=None, goal=None, met=None):
    """Prints one row for bench/run."""
    out = {"work": work, "value": value, "unit": unit}
    if against:
        out["against"] = against
    if goal:
        out["goal"], out["met"] = goal, bool(met)
    print(json.dumps(out), flush=True)


def rounds(cases):
    """Each case ROUNDS times in turn: the list of its results."""
    results = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            results[name].append(run())
    return results


def interleaved(cases):
    """The medians of such rounds."""
    return {name: statistics.median(values) for name, values in rounds(cases).items()}
