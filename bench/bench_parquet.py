# SPDX-License-Identifier: Apache-2.0
"""Parquet beside pyarrow, polars and DuckDB: bench_parquet.py FOLDER SCALE

The wide file has 10,000 × SCALE columns of 8,760 rows, the long table 10,000,000 × SCALE rows. Each reader reads our file and one that pyarrow
wrote; what is compared is each one's better time. Times are medians, measured in turns. Each row also tells the processor time
(cpu_seconds), which a busy machine disturbs less."""

import gc
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

BUILD = pathlib.Path(os.environ.get("SHEAF_BUILD", "build"))
TOOL = BUILD / "bench" / "tool_parquet_speed"
ROWS = 8760
THREADS = len(os.sched_getaffinity(0))


def tool(*args):
    """One job of ours."""
    return json.loads(subprocess.run([str(TOOL), *map(str, args)], check=True, capture_output=True, text=True).stdout)


def row(work, value, unit, against=None, goal=None, met=None, cpu=None):
    """One row of the table."""
    out = {"work": work, "value": value, "unit": unit}
    if cpu:
        out["cpu_seconds"] = {who: round(seconds, 4) for who, seconds in cpu.items()}
    if against:
        out["against"] = against
    if goal:
        out.update(goal=goal, met=bool(met))
    print(json.dumps(out), flush=True)


def timed(job):
    """Seconds of one call, by the clock and of the processor; what it made is freed after the clock has stopped."""
    gc.collect()
    begun, cpu = time.perf_counter(), time.process_time()
    made = job()
    seconds = time.perf_counter() - begun, time.process_time() - cpu
    del made
    return seconds


def timed_tool(*args):
    """The same of a job of ours."""
    got = tool(*args)
    return got["seconds"], got["cpu_seconds"]


def in_turns(jobs, runs):
    """Median seconds of each job, one after the other in each round: by the clock, and of the processor."""
    times = {name: [] for name in jobs}
    for _ in range(runs):
        for name, job in jobs.items():
            times[name].append(job())
    return tuple({name: statistics.median(t[i] for t in each) for name, each in times.items()} for i in (0, 1))


def readers(path, columns):
    """What each library calls reading some columns."""
    names = ", ".join(f'"{c}"' for c in columns)
    return {
        "pyarrow": lambda: timed(lambda: pq.ParquetFile(path).read(columns=columns)),
        "polars": lambda: timed(lambda: pl.read_parquet(path, columns=columns)),
        "duckdb": lambda: timed(lambda: duckdb.sql(f"SELECT {names} FROM '{path}'").to_arrow_table()),
    }


def wide(folder, scale):
    """The file of scenario series."""
    n_columns = max(20, int(10000 * scale))
    ours, theirs = folder / "wide.parquet", folder / "pyarrow.parquet"
    mb = n_columns * ROWS * 8 / 1e6
    wrote = [tool("wide-write", ours, n_columns, ROWS, THREADS) for _ in range(3)]
    seconds, peak = statistics.median(w["seconds"] for w in wrote), max(w["peak_mib"] for w in wrote)
    row(f"write {n_columns} columns x {ROWS} rows f64, from columns", mb / seconds, "MB/s", goal="≥ 400", met=mb / seconds >= 400,
        cpu={"ours": statistics.median(w["cpu_seconds"] for w in wrote)})
    row("memory at its highest while writing", peak, "MiB", goal="≤ 256", met=peak <= 256)

    rng = np.random.default_rng(1)
    table = pa.table({str(c): np.cumsum(rng.random(ROWS) - 0.5) for c in range(n_columns)})
    pq.write_table(table, theirs, compression="zstd", use_dictionary=False)
    del table
    some = [str((k * 7919 + 13) % n_columns) for k in range(10)]
    jobs = {"ours": lambda: timed_tool("wide-open", ours, 5), "ours, pyarrow's file": lambda: timed_tool("wide-open", theirs, 5)}
    for place, path in (("", ours), (", own file", theirs)):
        jobs.update({name + place: job for name, job in readers(str(path), some).items()})
    got, cpu = in_turns(jobs, 3)
    best = min(v for k, v in got.items() if not k.startswith("ours"))
    row("open, read 10 columns", got["ours"] * 1e3, "ms", {k: v * 1e3 for k, v in got.items() if k != "ours"},
        "≤ 10 ms and ≤ best / 5", got["ours"] <= 0.010 and got["ours"] * 5 <= best, cpu)

    blocks = tool("wide-blocks", ours, 5)
    ratio = blocks["whole_seconds"] / blocks["seconds"]
    row("blocks of 168 rows x 10 columns over the year", blocks["seconds"] * 1e3, "ms", {"all rows each time": blocks["whole_seconds"] * 1e3},
        "≥ 8 x faster", ratio >= 8)
    row("bytes read for it, of the pages needed", blocks["bytes_read"] / needed_bytes(ours, some), "x", goal="≤ 1.5",
        met=blocks["bytes_read"] <= 1.5 * needed_bytes(ours, some))

    everything = [str(c) for c in range(n_columns)]
    jobs = {"ours": lambda: timed_tool("wide-read", ours, THREADS), **readers(str(ours), everything)}
    got, cpu = in_turns(jobs, 1)
    row("read it whole", mb / got["ours"], "MB/s", {k: mb / v for k, v in got.items() if k != "ours"}, "≥ 1000", mb / got["ours"] >= 1000,
        cpu)


def needed_bytes(path, columns):
    """Stored bytes of the pages (of 512 rows) that the blocks of 168 rows touch."""
    meta = pq.read_metadata(path).row_group(0)
    index_of = {meta.column(c).path_in_schema: c for c in range(meta.num_columns)}
    total = 0
    for name in columns:
        chunk = meta.column(index_of[name])
        pages = int(np.ceil(ROWS / 512))
        size, rows = chunk.total_compressed_size / ROWS, np.minimum(np.arange(1, pages + 1) * 512, ROWS) - np.arange(pages) * 512
        for first in range(0, ROWS, 168):
            last = min(first + 168, ROWS) - 1
            total += size * rows[first // 512:last // 512 + 1].sum()
    return total


def summary(n):
    """The long table in NumPy."""
    rng = np.random.default_rng(2)
    data = {"trajectory": np.arange(n)}
    for k, name in enumerate(["mean", "std", "min", "max", "q05", "q50", "q95", "final"]):
        data[name] = 100 * (k + 1) * (1 + rng.random(n))
    data["ruined"] = rng.random(n) < 0.02
    return data


def long(folder, scale):
    """Summaries of many trajectories."""
    n = max(1000, int(1e7 * scale))
    mb = n * 73 / 1e6
    data = summary(n)
    table, frame = pa.table(data), pl.DataFrame(data)
    duckdb.register("summaries", table)
    paths = {who: str(folder / f"long-{who}.parquet") for who in ("ours", "pyarrow", "polars", "duckdb")}
    got, cpu = in_turns({
        "ours": lambda: timed_tool("long-write", paths["ours"], n, THREADS),
        "pyarrow": lambda: timed(lambda: pq.write_table(table, paths["pyarrow"])),
        "polars": lambda: timed(lambda: frame.write_parquet(paths["polars"])),
        "duckdb": lambda: timed(lambda: duckdb.sql(f"COPY (SELECT * FROM summaries) TO '{paths['duckdb']}' (FORMAT parquet)")),
    }, 3)
    speed = {k: mb / v for k, v in got.items()}
    best = max(v for k, v in speed.items() if k != "ours")
    row(f"write a table of {n} rows: i64, 8 f64, bool", speed.pop("ours"), "MB/s", speed, "≥ the best", mb / got["ours"] >= best, cpu)
    duckdb.unregister("summaries")
    del table, frame, data
    columns = pq.read_schema(paths["ours"]).names
    jobs = {"ours": lambda: timed_tool("long-read", paths["ours"], THREADS)}
    for who in ("pyarrow", "polars", "duckdb"):
        jobs[who] = readers(paths["ours"], columns)[who]
        jobs[who + ", own file"] = readers(paths[who], columns)[who]
    got, cpu = in_turns(jobs, 3)
    speed = {k: mb / v for k, v in got.items()}
    best = max(v for k, v in speed.items() if k != "ours")
    row("read it", speed.pop("ours"), "MB/s", speed, "≥ the best", mb / got["ours"] >= best, cpu)
    sizes = {who: os.path.getsize(path) / 1e6 for who, path in paths.items()}
    row("its size", sizes.pop("ours"), "MB", sizes)


def main():
    """Both files."""
    folder, scale = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    long(folder, scale)
    for path in folder.iterdir():
        path.unlink()
    wide(folder, scale)


if __name__ == "__main__":
    main()
