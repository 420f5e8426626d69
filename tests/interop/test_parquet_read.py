# SPDX-License-Identifier: Apache-2.0
"""Files that pyarrow, polars, DuckDB and pandas write are read with equal values."""

import datetime
import decimal
import os
import pathlib
import sys
import tempfile

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import parquet_tool as tool

CODECS = ["none", "snappy", "gzip", "zstd", "lz4"]
EPOCH = datetime.date(1970, 1, 1)


def zoo(n, nulls, seed=1):
    """One column of each type; about a third of the values absent when nulls is true."""
    r = np.random.default_rng(seed)

    def column(values, kind):
        mask = r.random(n) < 0.3 if nulls else np.zeros(n, bool)
        return pa.array([None if m else v for v, m in zip(values, mask)], kind)

    ints = r.integers(-2**62, 2**62, n).tolist()
    words = ["", "wind", "solar", "a.b", "größe", "x" * 300]
    columns = {
        "bool": column(r.random(n) < 0.5, pa.bool_()),
        "runs": column(np.arange(n) % 500 < 400, pa.bool_()),
        "i8": column(r.integers(-128, 128, n).tolist(), pa.int8()),
        "u16": column(r.integers(0, 65536, n).tolist(), pa.uint16()),
        "i32": column(r.integers(-2**31, 2**31, n).tolist(), pa.int32()),
        "u32": column(r.integers(0, 2**32, n).tolist(), pa.uint32()),
        "i64": column(ints, pa.int64()),
        "u64": column(r.integers(0, 2**64, n, dtype=np.uint64).tolist(), pa.uint64()),
        "rising": column(list(range(1000, 1000 + 3 * n, 3)), pa.int64()),
        "few": column(r.integers(0, 5, n).tolist(), pa.int32()),
        "f32": column(r.normal(size=n).astype("f4").tolist(), pa.float32()),
        "f64": column(r.normal(size=n).tolist(), pa.float64()),
        "special": column([[np.nan, np.inf, -np.inf, -0.0, 5e-324][i % 5] for i in range(n)], pa.float64()),
        "text": column([words[i] for i in r.integers(0, len(words), n)], pa.string()),
        "binary": column([bytes(r.integers(0, 256, k, dtype="u1")) for k in r.integers(0, 20, n)], pa.binary()),
        "prefixed": column([f"scenario/{i // 7:06d}/{i}" for i in range(n)], pa.string()),
        "fixed": column([bytes(r.integers(0, 256, 5, dtype="u1")) for _ in range(n)], pa.binary(5)),
        "d9": column([decimal.Decimal(v % 10**9) / 100 for v in ints], pa.decimal128(9, 2)),
        "d18": column([decimal.Decimal(v % 10**18) / 10000 for v in ints], pa.decimal128(18, 4)),
        "d38": column([decimal.Decimal(v) * 10**9 / 10**10 for v in ints], pa.decimal128(38, 10)),
        "date": column([EPOCH + datetime.timedelta(days=int(v)) for v in r.integers(-30000, 30000, n)], pa.date32()),
        "ms": column((r.integers(0, 2**40, n)).tolist(), pa.timestamp("ms")),
        "us": column((r.integers(0, 2**50, n)).tolist(), pa.timestamp("us", "UTC")),
        "time": column(r.integers(0, 86400 * 10**6, n).tolist(), pa.time64("us")),
        "dotted.name": column(r.normal(size=n).tolist(), pa.float64()),
        " odd \"näme\",;": column(r.normal(size=n).tolist(), pa.float64()),
    }
    return pa.table(columns)


def physical(array, unit):
    """An arrow column as tool_parquet gives it: items, None where absent. unit: of times in the file, as Parquet numbers them."""
    kind = array.type
    unit = [None, "ms", "us", "ns"][unit]
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(kind):
        return physical(array.dictionary_decode(), 0)
    if pa.types.is_decimal(kind):
        return [None if v is None else int(v.scaleb(kind.scale)) for v in array.to_pylist()]
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp(unit or "ns", kind.tz)).cast(pa.int64()).to_pylist()
    if pa.types.is_time64(kind):
        return array.cast(pa.time64(unit)).cast(pa.int64()).to_pylist()
    if pa.types.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()
    items = array.to_pylist()
    if pa.types.is_boolean(kind):
        return [None if v is None else int(v) for v in items]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return [None if v is None else v.encode() for v in items]
    return items


def bits(items):
    """Floats by their bits, so that NaN and -0.0 compare."""
    return [np.float64(v).tobytes() if isinstance(v, float) else v for v in items]


def as_expected(column, kind):
    """The tool's items in the form of physical()."""
    items = column.items()
    if pa.types.is_decimal(kind) and column.head["type"] == "FIXED_LEN_BYTE_ARRAY":
        return [None if v is None else int.from_bytes(v, "big", signed=True) for v in items]
    if pa.types.is_uint32(kind):
        return [None if v is None else v % 2**32 for v in items]
    if pa.types.is_uint64(kind):
        return [None if v is None else v % 2**64 for v in items]
    return items


def compare(path, table, what, rows=None):
    """Every column of the file against an arrow table; rows: (first, n)."""
    columns = tool.dump(path, *(rows or ()))
    expected = table.slice(*rows) if rows else table
    assert [c.name for c in columns] == expected.column_names, what
    for column in columns:
        want = physical(expected[column.name], column.head["unit"])
        got = as_expected(column, expected[column.name].type)
        assert bits(got) == bits(want), f"{what}: column {column.name}"


def check_pyarrow(folder):
    """Codecs × page versions × dictionary × nulls × sizes, with page indexes and checksums or without."""
    path, count = folder / "a.parquet", 0
    for n in (0, 1, 9, 3000):
        for nulls in (False, True):
            table = zoo(n, nulls)
            for i, codec in enumerate(CODECS):
                for version in ("1.0", "2.0"):
                    for dictionary in (True, False):
                        pq.write_table(table, path, compression=codec, data_page_version=version, use_dictionary=dictionary,
                                       row_group_size=1000 if i % 2 else 10**6, data_page_size=2000, write_batch_size=64,
                                       write_page_index=i % 3 != 0, write_page_checksum=i % 2 == 0,
                                       store_decimal_as_integer=i == 1)
                        compare(path, pq.read_table(path), (n, nulls, codec, version, dictionary))
                        if n == 3000:
                            for rows in ((0, 1), (999, 2), (1234, 168), (2999, 1), (3000, 0), (100, 2800)):
                                compare(path, table, (n, nulls, codec, version, dictionary, rows), rows)
                        count += 1
    return count


def check_encodings(folder):
    """Each encoding that pyarrow writes for each type."""
    path, count = folder / "e.parquet", 0
    encodings = {
        "DELTA_BINARY_PACKED": ["i8", "u16", "i32", "u32", "i64", "u64", "rising", "few", "ms", "us", "time", "date"],
        "BYTE_STREAM_SPLIT": ["i32", "i64", "f32", "f64", "special", "fixed", "d38", "dotted.name"],
        "DELTA_LENGTH_BYTE_ARRAY": ["text", "binary", "prefixed"],
        "DELTA_BYTE_ARRAY": ["text", "binary", "prefixed", "fixed"],
        "RLE": ["bool", "runs"],
        "PLAIN": ["bool", "i32", "f64", "text", "fixed"],
    }
    for n in (1, 3000):
        for nulls in (False, True):
            for encoding, names in encodings.items():
                table = zoo(n, nulls).select(names)
                for version in ("1.0", "2.0"):
                    pq.write_table(table, path, use_dictionary=False, column_encoding={k: encoding for k in names},
                                   data_page_version=version, data_page_size=3000, write_batch_size=100, compression="zstd",
                                   write_page_index=nulls)
                    used = {e for c in range(len(names)) for e in pq.read_metadata(path).row_group(0).column(c).encodings}
                    assert encoding in used, (encoding, used)
                    compare(path, table, (n, nulls, encoding, version))
                    if n == 3000:
                        compare(path, table, (n, nulls, encoding, version), (777, 1000))
                    count += 1
    return count


def check_int96(folder):
    """Impala's timestamps, to the nanosecond, before and after 1970."""
    path = folder / "t.parquet"
    stamps = [None, 0, 1, -1, 1_700_000_000_123_456_789, -5_000_000_000_000_000_001]
    table = pa.table({"t": pa.array(stamps, pa.timestamp("ns")), "r": pa.array([s or 0 for s in stamps], pa.timestamp("ns"))})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    assert pq.read_metadata(path).schema.column(0).physical_type == "INT96"
    compare(path, table, "int96")
    return 1


def check_f64(folder):
    """Numbers of all types as f64, NaN where absent."""
    path = folder / "f.parquet"
    table = zoo(3000, True)
    table = table.append_column("half", pa.array(np.linspace(-2, 2, 3000).astype("f2")))
    pq.write_table(table, path, data_page_size=2000, write_batch_size=64, write_page_index=True)
    for name in table.column_names:
        kind = table[name].type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)):
            continue
        want = np.array([np.nan if v is None else float(v) for v in table[name].to_pylist()])
        for rows in ((0, 3000), (500, 168)):
            got = tool.f64(path, *rows, name)[0]
            if pa.types.is_decimal(kind):
                np.testing.assert_allclose(got, want[rows[0]:rows[0] + rows[1]], rtol=1e-15)
            else:
                np.testing.assert_array_equal(got, want[rows[0]:rows[0] + rows[1]])
    try:
        tool.f64(path, 0, 1, "text")
    except tool.Failed as error:
        assert error.code == "mismatch" and error.column == "text", error
    else:
        raise AssertionError("text as f64 must be an error")
    return 1


def check_others(folder):
    """polars, DuckDB and pandas with their own defaults and codecs."""
    count = 0
    path = folder / "o.parquet"
    for nulls in (False, True):
        table = zoo(2500, nulls)
        frame = pl.from_arrow(table)
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4"):
            for size in (None, 700):
                frame.write_parquet(path, compression=codec, row_group_size=size, data_page_size=4096, statistics=True)
                compare(path, pq.read_table(path), ("polars", nulls, codec, size))
                compare(path, pq.read_table(path), ("polars", nulls, codec, size), (650, 200))
                count += 1
        source = table  # named in the query
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"):
            for version in ("v1", "v2"):
                duckdb.sql(f"COPY (SELECT * FROM source) TO '{path}' (FORMAT parquet, CODEC '{codec}', PARQUET_VERSION {version}, "
                           "ROW_GROUP_SIZE 2048)")
                # pyarrow 26 fails on some of DuckDB's v2 files ("InitBlock EOF"): DuckDB is asked itself
                written = duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table()
                compare(path, written, ("duckdb", nulls, codec, version))
                compare(path, written, ("duckdb", nulls, codec, version), (2000, 300))
                count += 1
        del source
        data = table.to_pandas()
        for codec in (None, "snappy", "gzip", "zstd"):
            data.to_parquet(path, compression=codec, index=False)
            compare(path, pq.read_table(path), ("pandas", nulls, codec))
            count += 1
    pd.DataFrame({str(k): np.arange(50.0) * k for k in range(30)}).to_parquet(path)
    np.testing.assert_array_equal(tool.f64(path, 7, 20, "29", "0", "3"), [np.arange(7.0, 27) * k for k in (29, 0, 3)])
    return count + 1


def check_refused(folder):
    """What is not supported is an error that names the column; columns beside it are read."""
    path = folder / "n.parquet"
    table = pa.table({"plain": [1.0, 2.0], "list": [[1], [2, 3]], "struct": [{"a": 1}, {"a": 2}], "after": [3.0, 4.0]})
    pq.write_table(table, path)
    assert tool.f64(path, 0, 2, "plain", "after").tolist() == [[1, 2], [3, 4]]
    for name in ("list", "struct", "struct.a"):
        try:
            tool.f64(path, 0, 2, name)
        except tool.Failed as error:
            assert error.code == "unsupported" and name in error.message, error
        else:
            raise AssertionError(name)
    pq.write_table(table.select(["plain", "after"]), path, compression={"plain": "zstd", "after": "brotli"})
    assert tool.f64(path, 0, 2, "plain").tolist() == [[1, 2]]
    try:
        tool.f64(path, 0, 2, "after")
    except tool.Failed as error:
        assert error.code == "unsupported" and error.column == "after" and "brotli" in error.message, error
    else:
        raise AssertionError("brotli")
    try:
        tool.f64(path, 0, 2, "absent")
    except tool.Failed as error:
        assert error.code == "not_found" and "absent" in error.message, error
    else:
        raise AssertionError("absent")
    return 6


def main():
    """All checks, each with how many files it compared."""
    with tempfile.TemporaryDirectory() as name:
        for check in (check_pyarrow, check_encodings, check_int96, check_f64, check_others, check_refused):
            print(f"{check.__name__}: {check(pathlib.Path(name))} files")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    main()
