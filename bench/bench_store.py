#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stores beside the limit (pwrite of the same bytes) and the outside tools (h5py's recipes, zarr-python, numpy.memmap) on the same data.

bench/run calls it as bench_store.py FOLDER SCALE. Rounds are interleaved; figures are medians. On the disk what was written is synced
within the time, on every side.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
import zarr

FOLDER, SCALE = pathlib.Path(sys.argv[1]), float(sys.argv[2])
TOOLS = pathlib.Path(os.environ["SHEAF_BUILD"]) / "bench"
ON_DISK = not str(FOLDER).startswith("/dev/shm")
ROUNDS = 3


def tool(name, *arguments):
    """Runs one of the C tools; its figures."""
    done = subprocess.run([TOOLS / name, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return [float(word) for word in done.stdout.split()]


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


def interleaved(cases):
    """Each case ROUNDS times in turn: the medians of their seconds."""
    seconds = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            seconds[name].append(run())
    return {name: statistics.median(values) for name, values in seconds.items()}


def steps():
    """10^6 steps of 100 f64, one call for each."""
    n, width = int(1_000_000 * SCALE), 100
    rng = np.random.default_rng(1)
    data = 100 * np.exp(np.cumsum(0.003 * rng.standard_normal((20_000, width)), axis=0))
    source = FOLDER / "steps.f64"
    data.tofile(source)
    megabytes = n * (width + 1) * 8 / 1e6

    def sheaf(form, codec, commit):
        suffix = {"pwrite": "bin", "zarr": "zarr", "hdf5": "h5", "npy": "npyd"}[form]
        path = FOLDER / f"steps.{suffix}"

        def run():
            remove(path)
            seconds = synced(tool("tool_steps", source, path, form, codec, n, commit, 1)[0], path)
            remove(path)
            return seconds
        return run

    def h5py_batch():
        """The notebook's recipe: batches of 1,000 rows gathered, then the datasets resized and written."""
        path, batch = FOLDER / "batch.h5", 1000
        begun = time.perf_counter()
        with h5py.File(path, "w") as f:
            t = f.create_dataset("t", (0,), maxshape=(None,), dtype="f8", chunks=(batch,))
            y = f.create_dataset("y", (0, width), maxshape=(None, width), dtype="f8", chunks=(batch, width))
            t_rows, y_rows = [], []
            for i in range(n):
                t_rows.append(i * 0.01)
                y_rows.append(data[i % 20_000])
                if len(t_rows) == batch or i == n - 1:
                    t.resize(i + 1, axis=0)
                    y.resize(i + 1, axis=0)
                    t[i + 1 - len(t_rows):] = t_rows
                    y[i + 1 - len(y_rows):] = y_rows
                    f.flush()
                    t_rows, y_rows = [], []
        seconds = synced(time.perf_counter() - begun, path)
        remove(path)
        return seconds

    def memmap():
        """numpy.memmap of the final size, a row for each step."""
        path = FOLDER / "steps.npy"
        begun = time.perf_counter()
        out = np.lib.format.open_memmap(path, mode="w+", dtype="f8", shape=(n, width))
        for i in range(n):
            out[i] = data[i % 20_000]
        out.flush()
        seconds = synced(time.perf_counter() - begun, path)
        remove(path)
        return seconds

    cases = {"pwrite": sheaf("pwrite", "none", 0), "h5py batch": h5py_batch, "memmap": memmap}
    ours = {("npy", "none", 1000): (0.6, None), ("hdf5", "none", 1000): (0.4, None), ("hdf5", "default", 1000): (None, 400),
            ("zarr", "default", 1000): (None, 400), ("hdf5", "default", 0): (None, 700), ("zarr", "default", 0): (None, 700)}
    cases |= {key: sheaf(*key) for key in ours}
    seconds = interleaved(cases)
    mb_s = {name: megabytes / s for name, s in seconds.items()}
    for key, (share, least) in ours.items():
        form, codec, commit = key
        work = f"{n:,} steps of 100 f64, {form}{'' if codec == 'default' else ' uncompressed'}, {'commit every 1,000' if commit else 'default timer'}"
        goal = f"≥ {share} × pwrite" if share else f"≥ {least} MB/s"
        met = mb_s[key] >= (share * mb_s["pwrite"] if share else least)
        if commit:
            goal, met = goal + ", ≥ 5 × h5py batch", met and mb_s[key] >= 5 * mb_s["h5py batch"]
        row(work, mb_s[key], "MB/s", {k: mb_s[k] for k in ("pwrite", "h5py batch", "memmap")}, goal, met)
    remove(source)


def trajectories():
    """Trajectories with their summaries."""
    path = FOLDER / "run.zarr"

    def run(n, years):
        remove(path)
        return tool("tool_trajectories", path, n, years, 1)

    base = int(100_000 * SCALE)
    measured = [run(base, 50) for _ in range(ROUNDS)]
    seconds = statistics.median(m[0] for m in measured)
    each = seconds / base * 1e6
    row(f"{base:,} trajectories of 50 years, 3 variables, summaries", each, "µs each", goal="≤ 1 µs", met=each <= 1)
    row("  its peak memory above the process's base", measured[-1][2] / 1024, "MiB", goal="≤ 64 MiB", met=measured[-1][2] / 1024 <= 64)
    allocated = int(subprocess.run(["du", "-s", "-B1", path], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]) / base
    row("  its bytes on disk", allocated, "bytes each", goal="≤ 200", met=allocated <= 200)
    wide = statistics.median(run(base // 5, 1000)[0] for _ in range(ROUNDS))
    rate = base // 5 * 1000 * 3 * 8 / 1e9 / wide
    row(f"{base // 5:,} trajectories of 1,000 years", rate, "GB/s of input", goal="≥ 2.5 GB/s", met=rate >= 2.5)
    small, middle, large = (statistics.median(run(int(base * f), 50)[1] for _ in range(ROUNDS)) for f in (0.1, 1, 10))
    growth = ((large - middle) / (base * 9)) / ((middle - small) / (base * 0.9))
    row("marginal cost per trajectory, 10^5 to 10^6 against 10^4 to 10^5 (processor time)", growth, "×", goal="0.9 to 1.1", met=growth <= 1.1)
    remove(path)


def field():
    """1,001 steps of (1, 100,000) f32, then one step and one trajectory."""
    n, width = max(32, int(1001 * SCALE)), 100_000
    path, theirs = FOLDER / "field.zarr", FOLDER / "theirs.zarr"
    rng = np.random.default_rng(2)
    rows = (100 * np.cumprod(1 + 0.02 * (rng.random((16, width)) - 0.5), axis=0)).astype("f4")
    megabytes = n * width * 4 / 1e6

    def ours():
        remove(path)
        return synced(tool("tool_field", "write", path, n)[0], path)

    def zarr_python():
        remove(theirs)
        begun = time.perf_counter()
        y = zarr.create_array(theirs, shape=(n, 1, width), chunks=(16, 1, width), dtype="f4")
        for i in range(0, n, 16):
            m = min(16, n - i)
            y[i:i + m, 0] = rows[:m]
        return synced(time.perf_counter() - begun, theirs)

    seconds = interleaved({"ours": ours, "zarr-python": zarr_python})
    rate, other = (megabytes / seconds[k] for k in ("ours", "zarr-python"))
    row(f"{n:,} steps of (1, 100,000) f32, zarr", rate, "MB/s", {"zarr-python": other}, "≥ 700 MB/s", rate >= 700)

    def timed(work):
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    reads = interleaved({
        "row": lambda: tool("tool_field", "row", path, n // 2)[0], "column": lambda: tool("tool_field", "column", path, 54_321)[0],
        "their row": lambda: timed(lambda: zarr.open_array(theirs, mode="r")[n // 2]),
        "their column": lambda: timed(lambda: zarr.open_array(theirs, mode="r")[:, 0, 54_321])})
    for name, what in (("row", "one cross-section"), ("column", "one trajectory")):
        ms = reads[name] * 1e3
        row(f"  {what} of it, opened anew", ms, "ms", {"zarr-python": reads["their " + name] * 1e3}, "≤ 10 ms", ms <= 10)
    remove(path)
    remove(theirs)


steps()
trajectories()
field()
