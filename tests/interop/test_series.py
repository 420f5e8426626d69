# SPDX-License-Identifier: Apache-2.0
"""Series are read with the values that NumPy, polars and pyarrow see: Parquet files of several writers, text files of several forms."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from outside import need

np, pa, pl, pd, duckdb = need("numpy", "pyarrow", "polars", "pandas", "duckdb")
import pyarrow.parquet as pq

SHEAF = os.environ["SHEAF"]
DATA = pathlib.Path(os.environ.get("SHEAF_DATA", pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data"))


def run(*arguments):
    """sheaf series ARGUMENTS: exit status, stdout, stderr."""
    done = subprocess.run([SHEAF, "series", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def read(folder, name, *arguments):
    """(times, scenarios, values) that sheaf series prints; every number as its exact f64."""
    status, out, err = run(folder, name, "--csv", *arguments)
    assert status == 0, err
    lines = out.splitlines()
    header = lines[0].split(",")
    assert header[0] == "time"
    rows = [line.split(",") for line in lines[1:]]
    values = np.array([[float(v) for v in row[1:]] for row in rows], dtype="f8").reshape(len(rows), len(header) - 1)
    return [int(row[0]) for row in rows], [int(h) for h in header[1:]], values


def same(got, want):
    """Equal bit for bit, NaN where NaN is."""
    want = np.asarray(want, dtype="f8")
    assert got.shape == want.shape, (got.shape, want.shape)
    assert np.array_equal(got, want, equal_nan=True), np.argwhere(~((got == want) | (np.isnan(got) & np.isnan(want))))[:5]


def refused(part, *arguments, status=1):
    """The command fails with this status, prints nothing, and says part in one line."""
    code, out, err = run(*arguments)
    assert code == status and out == "" and err.count("\n") == 1 and part in err, (code, out, err)


def table(values, order=None):
    """Columns "0" … "S-1", in another order when asked."""
    columns = order if order is not None else range(values.shape[1])
    return pa.table({str(j): values[:, j] for j in columns})


def check_parquet(folder, rng):
    """Writers, codecs, row groups, page versions; a few rows and columns of each, in any order, duplicates kept."""
    values = rng.normal(size=(8760, 12)).cumsum(axis=0)
    values[5, 3] = np.nan
    values[6, 3] = np.inf
    written = {
        "arrow.snappy": lambda p: pq.write_table(table(values), p),
        "arrow.groups": lambda p: pq.write_table(table(values), p, row_group_size=1000, compression="zstd"),
        "arrow.v2": lambda p: pq.write_table(table(values), p, data_page_version="2.0", compression="gzip", use_dictionary=False, data_page_size=4096),
        "arrow.split": lambda p: pq.write_table(table(values), p, use_dictionary=False, use_byte_stream_split=True, compression="zstd"),
        "arrow.order": lambda p: pq.write_table(table(values, [3, 11, 0, 1, 2, 10, 9, 4, 8, 5, 7, 6]), p, write_page_index=True),
        "polars.zstd": lambda p: pl.from_arrow(table(values)).write_parquet(p, row_group_size=3000),
        "pandas.lz4": lambda p: pd.DataFrame(values, columns=[str(j) for j in range(12)]).to_parquet(p, compression="lz4"),
    }
    for name, write in written.items():
        write(folder / f"{name}.parquet")
        times, scenarios, got = read(folder, name)
        assert times == list(range(8760)) and scenarios == list(range(12))
        same(got, pl.read_parquet(folder / f"{name}.parquet").select([str(j) for j in range(12)]).to_numpy())
        same(got, values)
        for first, last in ((0, 1), (995, 1005), (4200, 4368), (8759, 8760)):
            times, scenarios, got = read(folder, name, "--time", f"{first}:{last}", "--scenario", "7,0,7,11,3")
            assert times == list(range(first, last)) and scenarios == [7, 0, 7, 11, 3]
            same(got, values[first:last][:, [7, 0, 7, 11, 3]])
        same(read(folder, name, "--time", "3::997", "--scenario", "3")[2], values[3::997, [3]])
        refused("out of range", folder, name, "--scenario", "12")
        refused("out of range", folder, name, "--time", "8000:8761")


def check_duckdb(folder, rng):
    """DuckDB's own files; integers and f32 become f64."""
    values = rng.integers(-1000, 1000, size=(3000, 3))
    frame = pd.DataFrame({"0": values[:, 0], "1": values[:, 1].astype("f4") / 3, "2": values[:, 2].astype("i4")})
    path = folder / "duck.parquet"
    duckdb.sql("SELECT * FROM frame").write_parquet(str(path))
    same(read(folder, "duck")[2], frame.to_numpy(dtype="f8"))


def check_choice(folder):
    """Parquet wins over text; the whole name counts, dots included."""
    pq.write_table(pa.table({"0": [1.5, 2.5]}), folder / "both.parquet")
    (folder / "both.txt").write_text("9\n")
    same(read(folder, "both")[2], [[1.5], [2.5]])
    pq.write_table(pa.table({"0": [2030.0]}), folder / "load.2030.parquet")
    pq.write_table(pa.table({"0": [0.0]}), folder / "load.parquet")
    same(read(folder, "load.2030")[2], [[2030.0]])
    same(read(folder, "load")[2], [[0.0]])


def check_refusals(folder):
    """What is no series says so."""
    (folder / "zero.parquet").write_bytes(b"")
    refused("zero.parquet: the file is empty (0 bytes)", folder, "zero")
    (folder / "text.parquet").write_text("1 2 3\n")
    code, out, err = run(folder, "text")
    assert code in (1, 3) and out == "" and "text.parquet" in err, err
    whole = (folder / "arrow.snappy.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    code, out, err = run(folder, "cut")
    assert code in (1, 3) and out == "" and "cut.parquet" in err, err
    pq.write_table(pa.table({"0": [1.0], "time": [2.0]}), folder / "odd.parquet")
    refused('there is no "1"', folder, "odd")
    pq.write_table(pa.table({"0": ["a", "b"]}), folder / "words.parquet")
    code, out, err = run(folder, "words")
    assert code == 1 and "words.parquet" in err, err


def check_text(folder, rng):
    """NumPy's text, with every line end and separator, is read with NumPy's values."""
    values = rng.normal(size=(300, 7)) * 10.0 ** rng.integers(-300, 300, size=(300, 7))
    for suffix, separator in ((".txt", " "), (".txt", "\t"), (".tsv", "\t"), (".csv", ",")):
        for k, (end, last) in enumerate((("\n", True), ("\r\n", True), ("\n", False), ("\r\n", False))):
            name = f"text{suffix}.{ord(separator)}.{k}"
            text = end.join(separator.join(repr(float(v)) for v in row) for row in values) + (end if last else "")
            (folder / (name + suffix)).write_bytes(text.encode())
            same(read(folder, name)[2], values)
            loaded = np.loadtxt(folder / (name + suffix), delimiter=None if suffix == ".txt" else separator)
            same(read(folder, name, "--time", "100:110", "--scenario", "6,0,6")[2], loaded[100:110][:, [6, 0, 6]])


def check_map(folder):
    """Scenarios go through the map of their group, and JSON says the same as CSV."""
    values = np.arange(40.0).reshape(10, 4)
    pq.write_table(table(values), folder / "mapped.parquet")
    (folder / "modeler-scenariobuilder.dat").write_text("# made here\r\nwind, 0 = 4\r\nwind, 1 = 1\r\nwind, 2 = 4\r\n")
    same(read(folder, "mapped", "--group", "wind")[2], values[:, [3, 0, 3]])
    same(read(folder, "mapped", "--group", "wind", "--scenario", "1,2")[2], values[:, [0, 3]])
    status, out, err = run(folder, "mapped", "--group", "wind", "--scenario", "1,2,1", "--json")
    assert status == 0, err
    assert json.loads(out) == [{"time": t, "1": values[t, 0], "2": values[t, 3]} for t in range(10)]
    refused("group 'sun' is unknown", folder, "mapped", "--group", "sun")
    refused("scenario 3 is out of range", folder, "mapped", "--group", "wind", "--scenario", "3")


def check_real(folder):
    """Series of real studies, where they are: tabs with LF, tabs with CRLF."""
    for source, name, shape in (("wind-8760x100.txt", "real.wind", (8760, 100)), ("nuclear-8760x60-crlf.txt", "real.nuclear", (8760, 60))):
        if not (DATA / source).exists():
            continue
        (folder / f"{name}.txt").write_bytes((DATA / source).read_bytes())
        want = pd.read_csv(DATA / source, header=None, sep="\t").to_numpy(dtype="f8")
        assert want.shape == shape
        same(read(folder, name)[2], want)
        same(read(folder, name, "--time", "8592:8760", "--scenario", "59,0,30")[2], want[8592:8760][:, [59, 0, 30]])


def main():
    """Everything, in a folder of its own."""
    rng = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        check_parquet(folder, rng)
        check_duckdb(folder, rng)
        check_choice(folder)
        check_refusals(folder)
        check_text(folder, rng)
        check_map(folder)
        check_real(folder)
    print("series: Parquet of four writers, text of NumPy, maps, refusals")
    return 0


if __name__ == "__main__":
    sys.exit(main())
