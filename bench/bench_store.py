#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stores beside the limit (pwrite of the same bytes) and the outside tools (h5py's recipes, zarr-python, numpy.memmap) on the same data.

bench/run calls it as bench_store.py FOLDER SCALE. Rounds are interleaved; figures are medians. On the disk what was written is synced
within the time, on every side.
"""

import pathlib
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
import zarr

from store_common import interleaved, remove, rounds, row, synced, timed, tool

FOLDER, SCALE = pathlib.Path(sys.argv[1]), float(sys.argv[2])


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

    def h5py_batch(n, filters):
        """The notebook's recipe: batches of 1,000 rows gathered, then the datasets resized and written."""
        path, batch = FOLDER / "batch.h5", 1000
        begun = time.perf_counter()
        with h5py.File(path, "w") as f:
            t = f.create_dataset("t", (0,), maxshape=(None,), dtype="f8", chunks=(batch,), **filters)
            y = f.create_dataset("y", (0, width), maxshape=(None, width), dtype="f8", chunks=(batch, width), **filters)
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

    shuffle_deflate = {"shuffle": True, "compression": "gzip"}
    cases = {"pwrite": sheaf("pwrite", "none", 0), "h5py batch": lambda: h5py_batch(n, {}), "memmap": memmap,
             "h5py batch, deflate": lambda: 10 * h5py_batch(n // 10, shuffle_deflate)}  # a tenth, for it takes long
    ours = {("npy", "none", 1000): (0.6, None), ("hdf5", "none", 1000): (0.4, None), ("hdf5", "default", 1000): (None, 400),
            ("zarr", "default", 1000): (None, 400), ("hdf5", "default", 0): (None, 700), ("zarr", "default", 0): (None, 700)}
    cases |= {key: sheaf(*key) for key in ours}
    seconds = interleaved(cases)
    mb_s = {name: megabytes / s for name, s in seconds.items()}
    for key, (share, least) in ours.items():
        form, codec, commit = key
        recipe = "h5py batch" if codec == "none" else "h5py batch, deflate"  # filters against filters
        work = f"{n:,} steps of 100 f64, {form}{'' if codec == 'default' else ' uncompressed'}, {'commit every 1,000' if commit else 'default timer'}"
        goal = f"≥ {share} × pwrite" if share else f"≥ {least} MB/s"
        met = mb_s[key] >= (share * mb_s["pwrite"] if share else least)
        if commit:
            goal, met = f"{goal}, ≥ 5 × {recipe}", met and mb_s[key] >= 5 * mb_s[recipe]
        row(work, mb_s[key], "MB/s", {k: mb_s[k] for k in ("pwrite", "h5py batch", "h5py batch, deflate", "memmap")}, goal, met)
    remove(source)


def trajectories():
    """Trajectories with their summaries."""
    path = FOLDER / "run.zarr"

    def run(n, years):
        remove(path)
        return tool("tool_trajectories", path, n, years, 1)

    base = int(100_000 * SCALE)
    done = rounds({"small": lambda: run(base // 10, 50), "middle": lambda: run(base, 50), "large": lambda: run(base * 10, 50),
                   "wide": lambda: run(base // 5, 1000)})
    each = statistics.median(m[0] for m in done["middle"]) / base * 1e6
    row(f"{base:,} trajectories of 50 years, 3 variables, summaries", each, "µs each", goal="≤ 1 µs", met=each <= 1)
    each = statistics.median(m[0] for m in done["large"]) / base / 10 * 1e6
    row(f"{base * 10:,} of them", each, "µs each", goal="≤ 1 µs", met=each <= 1)
    peak = max(m[2] for m in done["large"]) / 1024
    row("  the peak memory above the process's base", peak, "MiB", goal="≤ 64 MiB", met=peak <= 64)
    run(base, 50)
    allocated = int(subprocess.run(["du", "-s", "-B1", path], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]) / base
    row("  bytes on disk", allocated, "bytes each", goal="≤ 200", met=allocated <= 200)
    rate = base // 5 * 1000 * 3 * 8 / 1e9 / statistics.median(m[0] for m in done["wide"])
    row(f"{base // 5:,} trajectories of 1,000 years", rate, "GB/s of input", goal="≥ 2.5 GB/s", met=rate >= 2.5)
    growth = statistics.median(((large[1] - middle[1]) / (base * 9)) / ((middle[1] - small[1]) / (base * 0.9))
                               for small, middle, large in zip(done["small"], done["middle"], done["large"]))
    row("marginal cost per trajectory, 10^5 to 10^6 against 10^4 to 10^5 (processor time)", growth, "×", goal="≤ 1.1", met=growth <= 1.1)
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

    reads = interleaved({
        "row": lambda: tool("tool_field", "row", path, n // 2)[0], "column": lambda: tool("tool_field", "column", path, 54_321)[0],
        "their row": lambda: timed(lambda: zarr.open_array(theirs, mode="r")[n // 2])[0],
        "their column": lambda: timed(lambda: zarr.open_array(theirs, mode="r")[:, 0, 54_321])[0]})
    for name, what in (("row", "one cross-section"), ("column", "one trajectory")):
        ms = reads[name] * 1e3
        row(f"  {what} of it, opened anew", ms, "ms", {"zarr-python": reads["their " + name] * 1e3}, "≤ 10 ms", ms <= 10)
    remove(path)
    remove(theirs)


steps()
trajectories()
field()
