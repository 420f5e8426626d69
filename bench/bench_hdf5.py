#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ways to keep a growing HDF5 file readable, on the same rows: ours (chunks outside libhdf5's metadata, which is published anew) beside
those that libhdf5 offers: (a) open, append, close at each checkpoint; (b) kept open as SWMR writer, flushed at each checkpoint.

bench/run calls it as bench_hdf5.py FOLDER SCALE. Uncompressed, so that the ways are compared and not the codecs; then shuffle and deflate at
level 1 on a tenth of the rows, where partial chunks change their size. Rounds are interleaved; figures are medians.
"""

import os
import pathlib
import sys

import h5py
import numpy as np

from store_common import interleaved, remove, row, synced, timed, tool

FOLDER, SCALE = pathlib.Path(sys.argv[1]), float(sys.argv[2])
WIDTH, CHUNK = 100, 1310  # rows of a chunk of 1 MiB
N = max(20_000, int(200_000 * SCALE))


def make(path, codec):
    """The two datasets, empty."""
    filters = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if codec == "gzip" else {}
    remove(path)
    with h5py.File(path, "w", libver="latest") as f:
        f.create_dataset("time", (0,), maxshape=(None,), dtype="f8", chunks=(131072,), **filters)
        f.create_dataset("y", (0, WIDTH), maxshape=(None, WIDTH), dtype="f8", chunks=(CHUNK, WIDTH), **filters)


def append(f, data, begin, end):
    """Rows begin to end, in one piece for each dataset."""
    f["time"].resize(end, axis=0)
    f["y"].resize(end, axis=0)
    f["time"][begin:end] = np.arange(begin, end) * 0.01
    first = begin % len(data)
    f["y"][begin:end] = data[first:first + end - begin]


def reopened(data, n, every, codec):
    """Way (a)."""
    path = FOLDER / "reopened.h5"
    make(path, codec)
    for begin in range(0, n, every):
        with h5py.File(path, "a", libver="latest") as f:
            append(f, data, begin, min(begin + every, n))
    return path


def swmr(data, n, every, codec):
    """Way (b)."""
    path = FOLDER / "swmr.h5"
    make(path, codec)
    with h5py.File(path, "a", libver="latest") as f:
        f.swmr_mode = True
        for begin in range(0, n, every):
            append(f, data, begin, min(begin + every, n))
            f.flush()
    return path


def ours(source, n, every, codec):
    """Row by row through the library, committed and checkpointed."""
    path = FOLDER / "ours.h5"
    remove(path)
    tool("tool_steps", source, path, "hdf5", codec, n, every, 1, every)
    return path


def compare(source, data, n, every, codec):
    """One row of speeds and one of sizes."""
    megabytes = n * (WIDTH + 1) * 8 / 1e6
    sizes = {}

    def case(name, run, argument):
        def once():
            seconds, path = timed(lambda: run(argument, n, every, codec))
            seconds = synced(seconds, path)
            sizes[name] = path.stat().st_size / (megabytes * 1e6)
            return seconds
        return once

    seconds = interleaved({"ours": case("ours", ours, source), "reopened": case("reopened", reopened, data),
                           "SWMR": case("SWMR", swmr, data)})
    rate = {name: megabytes / s for name, s in seconds.items()}
    others = ("reopened", "SWMR")
    row(f"HDF5 {codec}, {n:,} steps of 100 f64, a checkpoint every {every:,}", rate["ours"], "MB/s", {k: rate[k] for k in others})
    row("  its file after close", sizes["ours"], "× the data", {k: sizes[k] for k in others}, "≤ 1.1", sizes["ours"] <= 1.1)


def main():
    """The table."""
    rng = np.random.default_rng(1)
    data = 100 * np.exp(np.cumsum(0.003 * rng.standard_normal((20_000, WIDTH)), axis=0))
    source = FOLDER / "steps.f64"
    data.tofile(source)
    compare(source, data, N, 1_000, "none")
    compare(source, data, N, 10_000, "none")
    compare(source, data, N // 10, 100, "gzip")
    for name in ("reopened", "swmr", "ours"):
        remove(FOLDER / f"{name}.h5")
    os.unlink(source)


main()
