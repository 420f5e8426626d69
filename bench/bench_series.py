# SPDX-License-Identifier: Apache-2.0
"""Series: text beside pandas, polars and strtod; get on a materialized handle; weeks of ten scenarios beside polars, pyarrow and DuckDB; plans.

Text: wind-8760x100.txt of the folder SHEAF_DATA, 8,760 × 100 integers with tabs; where it is not, one of that form is made.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

from outside import need

np, pa, pl, pd, duckdb = need("numpy", "pyarrow", "polars", "pandas", "duckdb")
import pyarrow.parquet as pq

TOOL = str(pathlib.Path(os.environ["SHEAF_BUILD"]) / "bench" / "tool_series")
WEEK = 168


def row(work, value, unit, against=None, goal=None, met=None):
    """One line for bench/run."""
    line = {"work": work, "value": value, "unit": unit, "against": against or {}}
    if goal:
        line.update(goal=goal, met=bool(met))
    print(json.dumps(line), flush=True)


def tool(what, folder, name, rounds):
    """The numbers that the tool prints, a list per line."""
    out = subprocess.run([TOOL, what, str(folder), name, str(rounds)], check=True, capture_output=True, text=True).stdout
    return [[float(v) for v in line.split()] for line in out.splitlines()]


def best(run, rounds):
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


def text(folder):
    """The wind file, read whole."""
    path = folder / "wind.txt"
    data = pathlib.Path(os.environ.get("SHEAF_DATA", pathlib.Path(__file__).resolve().parents[1] / ".." / "shared" / "data"))
    given = data / "wind-8760x100.txt"
    if given.exists():
        path.write_bytes(given.read_bytes())
    else:
        rng = np.random.default_rng(3)
        np.savetxt(path, np.clip(rng.normal(2500, 2500, size=(8760, 100)), 0, 9000), fmt="%d", delimiter="\t")
    size_mb = path.stat().st_size / 1e6
    lines = tool("text", folder, "wind", 15)
    ours, strtod = min(line[0] for line in lines), min(line[1] for line in lines)
    against = {
        "strtod": size_mb / strtod,
        "a processor second of ours": size_mb / min(line[2] for line in lines),
        "a processor second of strtod": size_mb / min(line[3] for line in lines),
        "pandas": size_mb / best(lambda: pd.read_csv(path, header=None, sep="\t"), 2),
        "polars": size_mb / best(lambda: pl.read_csv(path, has_header=False, separator="\t"), 3),
    }
    row("series from text, 8,760 x 100", size_mb / ours, "MB/s", against, "≥ 500 MB/s", size_mb / ours >= 500)
    values = pd.read_csv(path, header=None, sep="\t").to_numpy(dtype="f8")
    lines = tool("get", folder, "wind", 7)
    rows = np.arange(8760)
    columns = np.arange(99, 89, -1)
    numpy_rate = 8760 * 10 / 1e6 / best(lambda: values[np.ix_(rows, columns)], 20)
    whole, weeks = max(line[0] for line in lines), max(line[1] for line in lines)
    row("get(8,760 times, 10 scenarios), materialized", whole, "million values/s", {"numpy.ix_": numpy_rate}, "≥ 100", whole >= 100)
    row("get(168 times, 1 scenario), materialized", weeks, "million values/s", None, "≥ 100", weeks >= 100)


def by_others(path, names):
    """Milliseconds for the 52 weeks by polars, pyarrow and DuckDB, from five of them."""
    first = [WEEK * w for w in range(0, 50, 10)]

    def by_polars():
        for at in first:
            pl.scan_parquet(path).select(names).slice(at, WEEK).collect().to_numpy()

    def by_pyarrow():
        for at in first:
            pq.read_table(path, columns=names).slice(at, WEEK).to_pandas()

    def by_duckdb():
        quoted = ", ".join(f'"{name}"' for name in names)
        for at in first:
            duckdb.sql(f"SELECT {quoted} FROM '{path}' LIMIT {WEEK} OFFSET {at}").fetchnumpy()

    return {name: best(run, 2) * 52 / len(first) * 1e3 for name, run in (("polars", by_polars), ("pyarrow", by_pyarrow), ("duckdb", by_duckdb))}


def blocks(folder, scale):
    """Ten scenarios, week by week over a year, from a file that we wrote."""
    n_columns = max(int(2000 * scale), 100)
    tool("write", folder, "wide", n_columns)
    path = folder / "wide.parquet"
    lines = tool("blocks", folder, "wide", 7)
    lazy, whole = min(line[0] for line in lines[:-1]), min(line[1] for line in lines[:-1])
    fresh = min(line[0] for line in tool("load", folder, "wide", 15))
    chosen = ["7", "3", "99", "41", "12", "58", "77", "23", "90", "64"]
    others = {"polars": best(lambda: pl.read_parquet(path, columns=chosen), 5) * 1e3,
              "pyarrow": best(lambda: pq.read_table(path, columns=chosen), 3) * 1e3}
    row(f"open and load 10 of {n_columns} scenarios", fresh * 1e3, "ms", others, "≥ 5 × faster", min(others.values()) >= 5 * fresh * 1e3)
    names = [str(n_columns // 10 * j + j % 3) for j in range(10)]
    values = pq.read_table(path, columns=names).to_pandas().to_numpy()
    assert values.shape == (8760, 10)
    against = {"columns whole each time": whole * 1e3, **by_others(path, names)}
    row(f"52 weeks of 10 of {n_columns} scenarios", lazy * 1e3, "ms", against, "columns whole ≥ 8 ×", whole >= 8 * lazy)
    row("the same, bytes read", lines[-1][0] / 1e6, "MB", {"file": path.stat().st_size / 1e6})


def strategies(folder, scale):
    """Every strategy by every executor: seconds and memory of a year in weeks."""
    n = max(int(400 * scale), 10)
    sums = set()
    for executor in ("calling", "threads", "processes"):
        for strategy in ("none", "upfront", "worker"):
            seconds, own, worker, total = tool(f"plan-{strategy}-{executor}", folder, "wide", n)[0]
            sums.add(total)
            row(f"plan: {n} scenarios x 53 weeks, {executor}, {strategy}", seconds * 1e3, "ms", {"MiB": own / 1024, "MiB a worker process": worker / 1024})
    assert len(sums) == 1, sums


def main():
    """FOLDER SCALE, as bench/run calls it."""
    folder, scale = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    text(folder)
    blocks(folder, scale)
    strategies(folder, scale)
    return 0


if __name__ == "__main__":
    sys.exit(main())
