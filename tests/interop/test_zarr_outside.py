# SPDX-License-Identifier: Apache-2.0
"""zarr-python and xarray read what Sheaf writes, while it grows and closed; Sheaf reads what zarr-python, numcodecs and xarray write."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from outside import need  # noqa: E402

np, zarr = need("numpy", "zarr>=3")
warnings.simplefilter("ignore")
TOOL = os.path.join(os.environ["SHEAF_BUILD"], "tool_hdf5")
DTYPES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
NAMES = {np.dtype(d).name: d for d in DTYPES}


def price(rows):
    return np.arange(rows, dtype="f8")[:, None, None] + (np.arange(15) / 16.0).reshape(5, 3)


def event(number, name, count):
    n = np.arange(count)
    return n % 3 == 0 if name == "bool" else ((n * 7 + number) % 100).astype(name)


def run(*args):
    done = subprocess.run([TOOL, *args], capture_output=True)
    assert done.returncode == 0, (args, done.stderr.decode())
    return done.stdout


def fails(path):
    done = subprocess.run([TOOL, "dump", path], capture_output=True)
    assert done.returncode == 1, (path, done.returncode)
    return done.stderr.decode()


def dump(path):
    """Attributes of the store, and per array (header, values) as Sheaf reads them."""
    out, arrays = run("dump", path), {}
    line, out = out.split(b"\n", 1)
    while out:
        head, out = out.split(b"\n", 1)
        head = json.loads(head)
        dtype = np.dtype(head["dtype"])
        size = int(np.prod(head["shape"])) * dtype.itemsize
        arrays[head["name"]] = head, np.frombuffer(out[:size], dtype).reshape(head["shape"])
        out = out[size:]
    return json.loads(line), arrays


def same(a, b):
    assert a.shape == b.shape, (a.shape, b.shape)
    np.testing.assert_array_equal(a, b)


def check_ours(group, rows):
    same(group["price"][:], price(rows))
    same(group["trajectory"][:], 2 * np.arange(rows))
    same(group["time"][:], np.arange(5) / 4)
    for number, name in enumerate(NAMES, 1):
        array = group["e_" + name]
        assert array.dtype == np.dtype(name), (array.dtype, name)
        same(array[:], event(number, name, 3 * rows))


def ours_is_read_by_zarr(folder):
    for codec in ["default", "none", "zstd", "gzip"]:
        path = f"{folder}/{codec}.zarr"
        run("write", path, "333", codec)
        for consolidated in [True, False]:
            group = zarr.open_group(path, mode="r", use_consolidated=consolidated)
            check_ours(group, 333)
            assert group["price"].metadata.dimension_names == ("trajectory", "time", "asset")
            assert group["price"].attrs["units"] == "EUR" and group.attrs["model"] == "walk"
            assert group["price"].shards is not None
        attributes, arrays = dump(path)
        assert attributes == {"model": "walk", "seed": 7}, attributes
        assert not any(".sheaf" in name for _, _, files in os.walk(path) for name in files)


def ours_is_read_by_xarray(folder):
    xr = need("xarray")
    path = f"{folder}/default.zarr"
    for consolidated in [True, False]:
        with xr.open_zarr(path, consolidated=consolidated) as ds:
            assert dict(ds.sizes) == {"trajectory": 333, "time": 5, "asset": 3, "event": 999}, ds.sizes
            check_ours({name: ds[name].values for name in ds.variables}, 333)
            assert ds["e_int32"].dtype == np.dtype("i4") and ds["e_bool"].dtype == np.dtype("bool")
            assert ds["price"].attrs["units"] == "EUR" and "_FillValue" not in ds["price"].attrs


def outside_readers_see_checkpoints_whole(folder):
    path, rows = f"{folder}/grow.zarr", 0
    with subprocess.Popen([TOOL, "grow", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def say(line):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        for n in [3, 20, 64, 200, 1, 700]:
            say(f"append {n}")
            say("commit")
            check_ours(zarr.open_group(path, mode="r"), rows)
            say("checkpoint")
            rows += n
            check_ours(zarr.open_group(path, mode="r"), rows)
            check_ours(zarr.open_group(path, mode="r", use_consolidated=False), rows)
        say("close")
        check_ours(zarr.open_group(path, mode="r"), rows)
    assert process.returncode == 0


def killed_writer_leaves_the_last_checkpoint(folder):
    path = f"{folder}/killed.zarr"
    process = subprocess.Popen([TOOL, "grow", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in ["append 100", "commit", "checkpoint", "append 400", "commit"]:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
    process.kill()
    process.communicate()
    check_ours(zarr.open_group(path, mode="r"), 100)
    _, arrays = dump(path)
    same(arrays["price"][1], price(500))


def values_of(dtype, shape):
    values = (np.arange(np.prod(shape)) * 37 % 101).reshape(shape)
    return (values % 2 == 0) if dtype == "bool" else values.astype(dtype)


def check_theirs(path, expected):
    _, arrays = dump(path)
    assert set(arrays) == set(expected), (set(arrays), set(expected))
    for name, values in expected.items():
        same(arrays[name][1], values)


def v3_of_others_is_read(folder):
    from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

    path, expected = f"{folder}/theirs3.zarr", {}
    group = zarr.open_group(path, mode="w", zarr_format=3)
    compressors = {
        "raw": None,
        "blosc": BloscCodec(cname="lz4", shuffle="bitshuffle"),
        "zlib": BloscCodec(cname="zlib", shuffle="noshuffle"),
        "gzip": GzipCodec(level=5),
        "zstd": [ZstdCodec(level=3, checksum=True), Crc32cCodec()],
    }
    for number, ((name, compressor), dtype) in enumerate(itertools.product(compressors.items(), DTYPES)):
        options = dict(shape=(50, 7), chunks=(10, 3), dtype=dtype, compressors=compressor)
        if number % 2:
            options["shards"] = (20, 6)
        if number % 3 == 0:
            options["chunk_key_encoding"] = {"name": ["default", "v2"][number % 2], "separator": "./"[number // 2 % 2]}
        if number % 5 == 0:
            options["filters"] = [TransposeCodec(order=(1, 0))]
        if number % 7 == 0 and np.dtype(dtype).itemsize > 1:
            options["serializer"] = BytesCodec(endian="big")
        array = group.create_array(f"{name}_{dtype}", dimension_names=("step", "path"), **options)
        expected[f"{name}_{dtype}"] = array[:] = values_of(dtype, (50, 7))
    shape = (6, 4, 5)
    array = group.create_array("t3", shape=shape, chunks=(4, 3, 2), dtype="f8", filters=[TransposeCodec(order=(2, 0, 1))])
    expected["t3"] = array[:] = values_of("f8", shape)
    start = {"name": "sharding_indexed", "configuration": {
        "chunk_shape": [5], "index_location": "start", "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip", "configuration": {"level": 1}}]}}
    array = group.create_array("start", shape=(30,), chunks=(20,), dtype="i4", serializer=start, compressors=None)
    expected["start"] = array[:] = values_of("i4", (30,))
    check_theirs(path, expected)
    zarr.consolidate_metadata(path)
    check_theirs(path, expected)
    check_theirs(f"{path}/t3", {"t3": expected["t3"]})


def fill_values_of_others_are_read(folder):
    path, expected = f"{folder}/fill.zarr", {}
    group = zarr.open_group(path, mode="w", zarr_format=3)
    fills = {"f8": [0, 1.5, np.nan, np.inf, -np.inf, -0.0], "f4": [0.1, np.nan], "i8": [-(2**63), 7], "u8": [2**64 - 1, 2**63], "bool": [True]}
    for dtype, values in fills.items():
        for number, value in enumerate(values):
            name = f"{dtype}_{number}"
            array = group.create_array(name, shape=(20,), chunks=(6,), dtype=dtype, fill_value=value, dimension_names=("n",))
            expected[name] = np.full(20, value, dtype)
            array[6:12] = expected[name][6:12] = values_of(dtype, (6,))
    check_theirs(path, expected)
    hexed = json.load(open(f"{path}/f4_1/zarr.json"))
    hexed["fill_value"] = "0x3f800000"
    json.dump(hexed, open(f"{path}/f4_1/zarr.json", "w"))
    expected["f4_1"][np.r_[0:6, 12:20]] = 1.0
    check_theirs(path, expected)


def v2_of_others_is_read(folder):
    numcodecs = need("numcodecs")
    path, expected = f"{folder}/theirs2.zarr", {}
    group = zarr.open_group(path, mode="w", zarr_format=2, attributes={"who": "them"})
    compressors = {"raw": None, "blosc": numcodecs.Blosc("lz4", 5, 1), "zlib": numcodecs.Zlib(4), "gzip": numcodecs.GZip(4),
                   "zstd": numcodecs.Zstd(2)}
    for number, ((name, compressor), dtype) in enumerate(itertools.product(compressors.items(), DTYPES)):
        order, separator, endian = "CF"[number % 2], "./"[number // 2 % 2], "<>"[number // 3 % 2]
        full = dtype if np.dtype(dtype).itemsize == 1 else endian + dtype
        array = group.create_array(f"{name}_{dtype}", shape=(50, 7, 3), chunks=(20, 4, 2), dtype=full, order=order, compressors=compressor,
                                   chunk_key_encoding={"name": "v2", "separator": separator}, fill_value=0)
        array.attrs["_ARRAY_DIMENSIONS"] = ["step", "path", "asset"]
        expected[f"{name}_{dtype}"] = array[:] = values_of(dtype, (50, 7, 3))
    check_theirs(path, expected)
    attributes, arrays = dump(path)
    assert attributes == {"who": "them"}
    assert arrays["raw_f8"][0]["dimensions"] == ["step", "path", "asset"] and arrays["raw_f8"][0]["attributes"] == {}
    zarr.consolidate_metadata(path)
    check_theirs(path, expected)


def xarray_of_others_is_read(folder):
    xr = need("xarray")
    ds = xr.Dataset(
        {"a": (("time", "x"), np.random.default_rng(1).normal(size=(40, 6))), "n": (("time",), np.arange(40)), "one": ((), 3.5)},
        {"time": np.arange(40) * 0.5, "x": np.arange(6)})
    ds["a"].attrs["valid"] = float("nan")
    for version in [2, 3]:
        path = f"{folder}/xarray{version}.zarr"
        ds.to_zarr(path, zarr_format=version, encoding={"a": {"chunks": (16, 4)}})
        _, arrays = dump(path)
        for name in ds.variables:
            same(arrays[name][1].reshape(ds[name].shape), ds[name].values)
        assert arrays["a"][0]["grows"] and arrays["a"][0]["dimensions"] == ["time", "x"]


def what_is_not_supported_is_named(folder):
    path = f"{folder}/odd.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.create_array("text", shape=(3,), chunks=(3,), dtype="str")
    assert "text" in fails(path) or "string" in fails(path), fails(path)
    path = f"{folder}/codec.zarr"
    numcodecs = need("numcodecs")
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("x", shape=(3,), chunks=(3,), dtype="f8", compressors=numcodecs.LZ4())
    assert "lz4" in fails(path), fails(path)


def main():
    folder = tempfile.mkdtemp(prefix="sheaf-zarr-outside-")
    try:
        for check in [ours_is_read_by_zarr, ours_is_read_by_xarray, outside_readers_see_checkpoints_whole,
                      killed_writer_leaves_the_last_checkpoint, v3_of_others_is_read, fill_values_of_others_are_read, v2_of_others_is_read,
                      xarray_of_others_is_read, what_is_not_supported_is_named]:
            check(folder)
            print("ok", check.__name__, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
