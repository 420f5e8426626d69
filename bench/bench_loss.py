#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loss streams: bench_loss.py FOLDER SCALE. Streams are generated in FOLDER: dense (1,000 events x 500 items x 100 samples), sparse
(10,000 samples at 3 %) and a summary stream. Each row stands beside `cat` of the same file, measured in turn with it; "processor_s" is what
all threads took, "memory_mib" the peak above that of an idle command."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROUNDS = 3
SHEAF = os.environ["SHEAF"]
BUILD = pathlib.Path(os.environ["SHEAF_BUILD"])


def run(command, stdout=None):
    """Wall seconds, processor seconds and peak MiB of a command that must succeed."""
    with open(stdout or os.devnull, "wb") as out:
        begun = time.monotonic()
        child = subprocess.Popen([str(c) for c in command], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} failed with exit status {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def print_row(work, value, unit, **more):
    """One line for bench/run."""
    print(json.dumps({"work": work, "value": value, "unit": unit, **more}), flush=True)


def rate(work, path, command, goal=None, stdout=None, base=0.0, before=None):
    """MB/s of the input at `path`, the best of some rounds, beside cat."""
    size, best, best_cat, processor, peak = os.path.getsize(path) / 1e6, 1e9, 1e9, 1e9, 0.0
    for _ in range(ROUNDS):
        best_cat = min(best_cat, run(["cat", path])[0])
        if before:
            before()
        seconds, used, rss = run(command, stdout)
        best, processor, peak = min(best, seconds), min(processor, used), max(peak, rss)
    value = size / best
    more = {"goal": f"≥ {goal}", "met": value >= goal} if goal else {}
    print_row(work, value, "MB/s", against={"cat": size / best_cat}, processor_s=processor, memory_mib=peak - base, **more)
    return peak - base


def du(path):
    """Bytes of the files below."""
    return sum(p.stat().st_size for p in pathlib.Path(path).rglob("*") if p.is_file())


def main():
    folder, scale = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    events = max(1, int(1000 * scale))
    streams = {"dense": (events, 500, 100, 1), "sparse": (max(1, events // 5), 1000, 10000, 0.03), "summary": (events, 500, 100, 1, "summary")}
    for name, arguments in streams.items():
        with open(folder / f"{name}.bin", "wb") as out:
            subprocess.run([BUILD / "bench" / "gen_loss_stream", *map(str, arguments)], stdout=out, check=True)
    base = min(run([SHEAF, "--version"])[2] for _ in range(3))
    tool, peaks = BUILD / "bench" / "tool_loss", []
    for name in ("dense", "sparse"):
        path, store = folder / f"{name}.bin", folder / f"{name}.zarr"
        peaks.append(rate(f"{name}: parse to sparse events, one thread", path, [tool, "parse", path], 2000, base=base))
        peaks.append(rate(f"{name}: read and write canonical, one thread", path, [tool, "canonical", path], 1500, base=base))
        peaks.append(rate(f"{name}: to text, shortest, 2 threads, to /dev/null", path, [SHEAF, "loss", "csv", "--threads", 2, path], 450, base=base))
        peaks.append(rate(f"{name}: to store", path, [SHEAF, "loss", "store", path, store], 400, base=base,
                          before=lambda store=store: shutil.rmtree(store, ignore_errors=True)))
        share, goal = du(store) / path.stat().st_size, 0.5 if name == "dense" else 0.6
        print_row(f"{name}: stored size", share, "of raw", goal=f"≤ {goal}", met=share <= goal)
        peaks.append(rate(f"{name}: replay from store", path, [SHEAF, "loss", "cat", store], 1000, base=base))
        shutil.rmtree(store)
    dense, text = folder / "dense.bin", folder / "dense.csv"
    peaks.append(rate("dense: to text, shortest, 2 threads, to a file", dense, [SHEAF, "loss", "csv", "--threads", 2, dense, "-o", text], 250, base=base))
    peaks.append(rate("dense: to text, 2 decimals, 2 threads, to /dev/null", dense, [SHEAF, "loss", "csv", "--decimals", 2, dense], base=base))
    peaks.append(rate("text to stream (MB/s of text)", text, [SHEAF, "loss", "bin", "--samples", 100, text], 600, base=base))
    text.unlink()
    summary = folder / "summary.bin"
    peaks.append(rate("summary: MELT and QELT", summary, [SHEAF, "loss", "table", "melt", summary, "--qelt", os.devnull], 500, base=base))
    print_row("most memory of any of these, above an idle command", max(peaks), "MiB", goal="≤ 64", met=max(peaks) <= 64)


if __name__ == "__main__":
    main()
