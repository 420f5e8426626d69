#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the outside tools see of a store while a writer is at work: a simulation commits each 8 trajectories and makes a checkpoint each second;
each tool opens the store anew every 100 ms, asks how many trajectories there are and reads the last one.

bench/run calls it as bench_outside.py FOLDER SCALE. Behind: since when there is a committed trajectory that the tool does not see; beside it the same
of Sheaf's own readers (a poll of 20 ms). Fails when a value read is not that of the finished store.
"""

import bisect
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import xarray as xr
import zarr

from store_common import remove, row

FOLDER, SCALE = pathlib.Path(sys.argv[1]), float(sys.argv[2])
SHEAF = os.environ["SHEAF"]
SECONDS = max(4.0, 12.0 * SCALE)


def with_h5py(path):
    """Trajectories, and the last one's prices."""
    with h5py.File(path, "r") as f:
        n = len(f["trajectory"])
        return n, f["price"][n - 1] if n else None


def with_zarr(path):
    """The same."""
    group = zarr.open_group(path, mode="r")
    n = group["trajectory"].shape[0]
    return n, group["price"][n - 1] if n else None


def with_xarray(path):
    """The same."""
    opened = xr.open_zarr(path) if path.suffix == ".zarr" else xr.open_dataset(path)
    with opened as ds:
        n = ds.sizes["trajectory"]
        return n, ds["price"][n - 1].values if n else None


def with_numpy(path):
    """The same."""
    n = len(np.load(path / "trajectory.npy", mmap_mode="r"))
    return n, np.array(np.load(path / "price.npy", mmap_mode="r")[n - 1]) if n else None


def reference(path, times, lengths):
    """When each length was first seen by sheaf follow."""
    with subprocess.Popen([SHEAF, "follow", path, "--interval", "20ms", "--json"], stdout=subprocess.PIPE, text=True) as follower:
        for line in follower.stdout:
            times.append(time.perf_counter())
            lengths.append(json.loads(line)["trajectory"])


def look(path, tools):
    """For each tool: (when, seconds to open and read, trajectories, the last one) or, of a failure, its text."""
    seen = {name: [] for name in tools}
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for name, tool in tools.items():
            begun = time.perf_counter()
            try:
                n, last = tool(path)
                seen[name].append((begun, time.perf_counter() - begun, n, last))
            except Exception as error:  # whatever the tool says
                seen[name].append(f"{type(error).__name__}: {error}")
        time.sleep(0.1)
    return seen


def behind(begun, n, times, lengths):
    """Seconds."""
    at = bisect.bisect_right(lengths, n)
    return max(0.0, begun - times[at]) if at < len(times) else 0.0


def measure(suffix, tools):
    """A row for each tool."""
    path, times, lengths = FOLDER / f"seen.{suffix}", [], []
    remove(path)
    writer = subprocess.Popen([SHEAF, "simulate", "gbm", path, "-n", "100000000", "--steps", "252", "--seed", "3", "--threads", "0", "--quiet",
                               "--commit-every", "8", "--checkpoint-every", "1s"], stderr=subprocess.DEVNULL)
    while not path.exists():
        time.sleep(0.001)
    watch = threading.Thread(target=reference, args=(path, times, lengths))
    watch.start()
    time.sleep(1.5)
    seen = look(path, tools)
    writer.terminate()
    writer.wait()
    watch.join()
    for name, tool in tools.items():
        good = [s for s in seen[name] if not isinstance(s, str)]
        failed = len(seen[name]) - len(good)
        for _, _, n, last in good:
            whole = whole_row(path, suffix, n - 1) if n else None
            if n and not np.array_equal(whole, last):
                sys.exit(f"{name}: trajectory {n - 1} of {path} was read torn")
        ages = sorted(behind(begun, n, times, lengths) for begun, _, n, _ in good)
        row(f"{suffix} by {name}: behind, median", statistics.median(ages), "s", None, "≤ 1.2", statistics.median(ages) <= 1.2)
        row("  99 %", ages[-1 - len(ages) // 100], "s")
        row("  to open and read one trajectory", 1e3 * statistics.median(s for _, s, _, _ in good), "ms")
        row(f"  refused, of {len(seen[name])}", failed, "looks", None, "0", failed == 0)
        for text in {s for s in seen[name] if isinstance(s, str)}:
            print(f"bench_outside: {name}: {text}", file=sys.stderr)
    remove(path)


def whole_row(path, suffix, k):
    """Of the finished store."""
    return {"h5": with_h5_row, "zarr": lambda p, i: zarr.open_group(p, mode="r")["price"][i],
            "npyd": lambda p, i: np.load(p / "price.npy", mmap_mode="r")[i]}[suffix](path, k)


def with_h5_row(path, k):
    """One trajectory's prices."""
    with h5py.File(path, "r") as f:
        return f["price"][k]


measure("zarr", {"zarr-python": with_zarr, "xarray": with_xarray})
measure("h5", {"h5py": with_h5py, "xarray": with_xarray})
measure("npyd", {"NumPy": with_numpy})
