# SPDX-License-Identifier: Apache-2.0
"""Files of ours are read by pyarrow, polars, DuckDB and pandas with equal values; statistics and page indexes agree with the data."""

import math
import pathlib
import tempfile

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import parquet_tool as tool

TYPE = {"BOOLEAN": 0, "INT32": 1, "INT64": 2, "FLOAT": 4, "DOUBLE": 5, "BYTE_ARRAY": 6, "FIXED": 7}
LOGICAL = {"": 0, "string": 1, "decimal": 2, "date": 3, "time": 4, "timestamp": 5, "integer": 6, "uuid": 7, "float16": 8}
CODECS = {"uncompressed": 0, "snappy": 1, "gzip": 2, "zstd": 6, "lz4_raw": 7}


class Field:
    """A column to write: its values (NumPy array or list of bytes) and which of them are there."""

    def __init__(self, name, kind, values, valid=None, optional=False, logical="", unit=0, utc=0, bits=0, signed=0, scale=0, precision=0,
                 length=0):
        self.name, self.kind, self.values, self.valid = name, kind, values, valid
        self.optional = optional or valid is not None
        self.more = (LOGICAL[logical], unit, utc, bits, signed, scale, precision)
        self.length = length

    def raw(self):
        """As the tool reads it."""
        if self.kind == "BYTE_ARRAY":
            body = b"".join(self.values)
            offsets = np.concatenate([[0], np.cumsum([len(v) for v in self.values])]).astype("<u8").tobytes()
        elif self.kind == "FIXED":
            body, offsets = b"".join(self.values), b""
        else:
            body, offsets = np.ascontiguousarray(self.values).tobytes(), b""
        head = (self.name.encode().hex() or "-", TYPE[self.kind], self.length, int(self.optional), *self.more,
                int(self.valid is not None), len(body))
        valid = b"" if self.valid is None else self.valid.astype("u1").tobytes()
        return " ".join(map(str, head)).encode() + b"\n" + valid + offsets + body


def write(path, fields, rows, codec="zstd", level=-1, rows_per_page=0, rows_per_group=1 << 20, threads=0, batch=0):
    """Runs the tool."""
    data = f"{len(fields)} {rows}\n".encode() + b"".join(f.raw() for f in fields)
    tool.run("write", path, CODECS[codec], level, rows_per_page, rows_per_group, threads, batch, data=data)


def zoo(n, nulls, seed=3):
    """One column of each type that is written."""
    r = np.random.default_rng(seed)

    def some(share=0.7):
        return r.random(n) < share if nulls else None

    words = [b"", b"wind", b"solar", "größe".encode(), b"x" * 100]
    special = np.array([[math.nan, math.inf, -math.inf, -0.0, 5e-324][i % 5] for i in range(n)])
    return [
        Field("flag", "BOOLEAN", (r.random(n) < 0.5).astype("u1"), some()),
        Field("runs", "BOOLEAN", (np.arange(n) % 500 < 400).astype("u1"), some()),
        Field("i32", "INT32", r.integers(-2**31, 2**31, n).astype("<i4"), some()),
        Field("i8", "INT32", r.integers(-128, 128, n).astype("<i4"), some(), logical="integer", bits=8, signed=1),
        Field("u32", "INT32", r.integers(0, 2**32, n).astype("<u4"), some(), logical="integer", bits=32),
        Field("i64", "INT64", r.integers(-2**62, 2**62, n), some()),
        Field("u64", "INT64", r.integers(0, 2**64, n, dtype="u8"), some(), logical="integer", bits=64),
        Field("ids", "INT64", np.arange(n, dtype="<i8") * 3 - 100, some()),
        Field("wide ids", "INT64", np.cumsum(r.integers(-2**40, 2**40, n)), some()),
        Field("small ids", "INT32", np.cumsum(r.integers(-3, 5, n)).astype("<i4"), some()),
        Field("edges", "INT64", np.array([[2**63 - 1, -2**63][i % 2] for i in range(n)], "<i8"), some()),
        Field("few", "INT64", r.integers(0, 7, n) * 10**15, some()),
        Field("f32", "FLOAT", r.normal(size=n).astype("<f4"), some()),
        Field("walk", "DOUBLE", np.exp(np.cumsum(r.normal(size=n)) / 100), some()),
        Field("losses", "DOUBLE", np.where(r.random(n) < 0.7, 0, r.gamma(2, 1e5, n)), some()),
        Field("steps", "DOUBLE", np.repeat(r.normal(size=n // 50 + 1), 50)[:n], some()),
        Field("noise", "DOUBLE", r.integers(0, 2**62, n).view("<f8"), some()),
        Field("special", "DOUBLE", special, some()),
        Field("nan", "DOUBLE", np.full(n, np.nan), some()),
        Field("zeros", "DOUBLE", np.zeros(n), some()),
        Field("text", "BYTE_ARRAY", [words[i] for i in r.integers(0, len(words), n)], some(), logical="string"),
        Field("names", "BYTE_ARRAY", [f"scenario {i}".encode() for i in range(n)], some(), logical="string"),
        Field("binary", "BYTE_ARRAY", [bytes(r.integers(0, 256, k, dtype="u1")) for k in r.integers(0, 90, n)], some()),
        Field("uuid", "FIXED", [bytes(r.integers(0, 256, 16, dtype="u1")) for _ in range(n)], some(), length=16),
        Field("cents", "INT64", r.integers(-10**12, 10**12, n), some(), logical="decimal", scale=2, precision=18),
        Field("date", "INT32", r.integers(-30000, 30000, n).astype("<i4"), some(), logical="date"),
        Field("us", "INT64", r.integers(0, 2**50, n), some(), logical="timestamp", unit=2, utc=1),
        Field("ns", "INT64", r.integers(0, 2**60, n), some(), logical="timestamp", unit=3),
        Field("dotted.name", "DOUBLE", r.normal(size=n), some()),
        Field(" odd \"näme\",;", "DOUBLE", r.normal(size=n), some()),
        Field("all absent", "DOUBLE", np.ones(n), np.zeros(n, bool) if nulls else None),
    ]


def expected(field):
    """Values as Python objects, None where absent."""
    values = field.values if isinstance(field.values, list) else field.values.tolist()
    if field.kind == "BOOLEAN":
        values = [bool(v) for v in values]
    if field.kind == "BYTE_ARRAY" and field.more[0] == LOGICAL["string"]:
        values = [v.decode() for v in values]
    return values if field.valid is None else [v if ok else None for v, ok in zip(values, field.valid)]


def plain(field, column):
    """An arrow column in the same form."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_timestamp(column.type):
        unit = ["", "ms", "us", "ns"][field.more[1]]
        return column.cast(pa.timestamp(unit, column.type.tz)).cast(pa.int64()).to_pylist()
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()).to_pylist()
    items = column.to_pylist()
    if pa.types.is_decimal(column.type):
        return [None if v is None else int(v.scaleb(field.more[5])) for v in items]
    return items


def bits(items):
    """Floats by their bits."""
    return [np.float64(v).tobytes() if isinstance(v, float) else v for v in items]


def same(fields, table, what):
    """Every column equal, in order."""
    assert table.column_names == [f.name for f in fields], what
    for i, field in enumerate(fields):
        assert bits(plain(field, table.column(i))) == bits(expected(field)), f"{what}: column {field.name}"


def read_by_all(path, fields, what):
    """pyarrow (checksums verified), polars, DuckDB, pandas and ourselves."""
    same(fields, pq.ParquetFile(path, page_checksum_verification=True).read(), ("pyarrow", what))
    same(fields, pl.read_parquet(path).to_arrow(), ("polars", what))
    same(fields, duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table(), ("duckdb", what))
    assert pd.read_parquet(path).columns.tolist() == [f.name for f in fields], what
    for field, column in zip(fields, tool.dump(path)):
        got, want = column.items(), expected(field)
        if field.kind == "BYTE_ARRAY" and field.more[0] == LOGICAL["string"]:
            got = [None if v is None else v.decode() for v in got]
        if field.more[0] == LOGICAL["integer"] and not field.more[4]:
            got = [None if v is None else v % 2**field.more[3] for v in got]
        assert bits(got) == bits(want), ("ours", what, field.name)


def check_values(folder):
    """Codecs × nulls × sizes × ways of writing."""
    path, count = folder / "a.parquet", 0
    for n in (1, 7, 3000):
        for nulls in (False, True):
            fields = zoo(n, nulls)
            for i, codec in enumerate(CODECS):
                write(path, fields, n, codec, rows_per_page=[0, 100, 1000, 13, 512][i], rows_per_group=[700, 10**6, 3000, 1000, 999][i],
                      threads=[0, 2, 0, 1, 3][i], batch=[100, 0, -1, 1, 3000][i])
                read_by_all(path, fields, (n, nulls, codec))
                count += 1
    return count


def check_empty(folder):
    """No rows, and no columns at all."""
    path = folder / "e.parquet"
    fields = zoo(0, False)
    write(path, fields, 0)
    read_by_all(path, fields, "no rows")
    write(path, [], 0)
    assert pq.read_table(path).num_columns == 0 and tool.dump(path) == []
    return 2


def check_threads(folder):
    """The same bytes whatever the number of threads."""
    fields, written = zoo(5000, True), []
    for threads in (0, 1, 2, 5):
        path = folder / f"t{threads}.parquet"
        write(path, fields, 5000, threads=threads, batch=-1)
        written.append(path.read_bytes())
    assert all(w == written[0] for w in written)
    return len(written)


def check_metadata(folder):
    """Statistics in pyarrow's metadata and DuckDB's parquet_metadata, and pages pruned by their indexes."""
    path, n = folder / "m.parquet", 5000
    r = np.random.default_rng(5)
    ids, walk = np.arange(n, dtype="<i8"), np.cumsum(r.normal(size=n))
    walk[::7] = np.nan
    valid = r.random(n) < 0.8
    fields = [Field("ids", "INT64", ids), Field("walk", "DOUBLE", walk), Field("some", "DOUBLE", walk + 1, valid),
              Field("zeros", "DOUBLE", np.zeros(n)), Field("nan", "DOUBLE", np.full(n, np.nan)),
              Field("u32", "INT32", r.integers(0, 2**32, n).astype("<u4"), logical="integer", bits=32),
              Field("text", "BYTE_ARRAY", [f"{i % 977:05d}".encode() for i in range(n)], logical="string")]
    write(path, fields, n, rows_per_page=250, rows_per_group=2000, batch=900)
    meta = pq.read_metadata(path)
    assert (meta.num_rows, meta.num_row_groups, meta.num_columns) == (n, 3, len(fields)) and meta.created_by.startswith("sheaf ")
    assert meta.metadata[b"made by"] == b"tool_parquet"
    for g in range(3):
        rows = slice(2000 * g, min(n, 2000 * (g + 1)))
        for c, field in enumerate(fields):
            chunk = meta.row_group(g).column(c)
            present = [v for v in expected(field)[rows] if v is not None and v == v]
            stats = chunk.statistics
            assert chunk.has_offset_index and chunk.has_column_index == (field.name != "nan"), field.name
            assert stats.null_count == sum(v is None for v in expected(field)[rows])
            assert stats.has_min_max == (field.name != "nan"), field.name
            if stats.has_min_max:
                assert (stats.min, stats.max) == (min(present), max(present)), field.name
            if field.name == "zeros":
                assert math.copysign(1, stats.min) == -1 and math.copysign(1, stats.max) == 1
    found = duckdb.sql(f"SELECT path_in_schema, row_group_id, stats_min_value, stats_max_value, stats_null_count, num_values, "
                       f"total_compressed_size FROM parquet_metadata('{path}') ORDER BY row_group_id, column_id").fetchall()
    for row in found:
        g, chunk = row[1], meta.row_group(row[1]).column([f.name for f in fields].index(row[0]))
        assert row[4] == chunk.statistics.null_count and row[5] == chunk.num_values and row[6] == chunk.total_compressed_size
        if row[0] in ("walk", "some"):
            values = np.array([v for f in fields if f.name == row[0] for v in expected(f)[2000 * g:2000 * (g + 1)] if v is not None])
            assert (float(row[2]), float(row[3])) == (np.nanmin(values), np.nanmax(values)), row
    # readers that prune by statistics and page indexes find the same rows
    for low, high in ((0, 1), (1234, 1240), (3990, 4010), (4999, 6000), (-5, -1)):
        want = [i for i in range(n) if low <= i < high]
        assert duckdb.sql(f"SELECT ids FROM '{path}' WHERE ids >= {low} AND ids < {high} ORDER BY 1").to_arrow_table()["ids"].to_pylist() == want
        kept = pl.scan_parquet(path).filter((pl.col("ids") >= low) & (pl.col("ids") < high)).collect()["ids"].to_list()
        assert kept == want
        assert pq.read_table(path, filters=[("ids", ">=", low), ("ids", "<", high)])["ids"].to_pylist() == want
    top = float(np.nanmax(walk)) - 0.5
    # not DuckDB: 2.0 lets NaN pass such a filter in files of pyarrow, too
    assert pl.scan_parquet(path).filter((pl.col("walk") > top) & pl.col("walk").is_not_nan()).collect().height == int((walk > top).sum())
    return len(found)


def check_sizes(folder):
    """Encodings are chosen by content, and never cost more than a little beside plain zstd in large pages."""
    path, n = folder / "s.parquet", 50000
    r = np.random.default_rng(7)
    cases = {
        "DELTA_BINARY_PACKED": Field("c", "INT64", np.arange(n, dtype="<i8") + 10**12),
        "RLE_DICTIONARY": Field("c", "DOUBLE", r.choice(r.normal(size=20), n)),
        "BYTE_STREAM_SPLIT": Field("c", "DOUBLE", np.exp(np.cumsum(r.normal(size=n)) / 1000)),
        "PLAIN": Field("c", "DOUBLE", np.where(r.random(n) < 0.7, 0, r.gamma(2, 1e5, n))),
    }
    for encoding, field in cases.items():
        write(path, [field], n)
        assert encoding in pq.read_metadata(path).row_group(0).column(0).encodings, encoding
        ours = path.stat().st_size
        pq.write_table(pa.table({"c": field.values}), path, compression="zstd", use_dictionary=False)
        assert ours < path.stat().st_size * 1.1, (encoding, ours, path.stat().st_size)
    write(path, [Field("c", "DOUBLE", r.integers(0, 2**62, n).view("<f8"))], n)
    assert pq.read_metadata(path).row_group(0).column(0).compression == "UNCOMPRESSED"
    return len(cases) + 1


def main():
    """All checks, each with how many files it compared."""
    with tempfile.TemporaryDirectory() as name:
        for check in (check_values, check_empty, check_threads, check_metadata, check_sizes):
            print(f"{check.__name__}: {check(pathlib.Path(name))}", flush=True)


if __name__ == "__main__":
    main()
