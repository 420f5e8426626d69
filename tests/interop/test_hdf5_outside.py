# SPDX-License-Identifier: Apache-2.0
"""h5py, netCDF4 and xarray read our HDF5 files with equal values, also while they grow; we read theirs."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from outside import need

np, h5py, netCDF4, xarray, _ = need("numpy", "h5py", "netCDF4", "xarray", "h5netcdf")

TOOL = pathlib.Path(os.environ.get("SHEAF_BUILD", "build")) / "tool_hdf5"
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]


HOLD = """
import sys, h5py, numpy as np
file = h5py.File(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
n = int(sys.argv[2])
np.testing.assert_array_equal(file["price"][...], np.arange(n)[:, None, None] + np.arange(15).reshape(5, 3) / 16)
"""


def events(dtype, n):
    """What the tool stores in the array of events of a dtype."""
    i = np.arange(n)
    if dtype == "bool":
        return i % 3 == 0
    return ((i * 7 + DTYPES.index(dtype) + 1) % 100).astype(dtype)


def prices(n):
    return np.arange(n)[:, None, None] + np.arange(15).reshape(5, 3) / 16


def tool(*arguments):
    run = subprocess.run([TOOL, *map(str, arguments)], capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def dump(path):
    """(attributes, {name: (array, dimensions, attributes)}) as our reader has it."""
    out, arrays = tool("dump", path), {}
    line, _, out = out.partition(b"\n")
    attributes = json.loads(line)
    while out:
        line, _, out = out.partition(b"\n")
        head = json.loads(line)
        dtype = np.dtype(head["dtype"])
        size = int(np.prod(head["shape"], dtype=np.int64)) * dtype.itemsize
        values = np.frombuffer(out[:size], dtype).reshape(head["shape"])
        out = out[size:]
        arrays[head["name"]] = (values, head["dimensions"], head["attributes"])
    return attributes, arrays


def equal(a, b):
    np.testing.assert_array_equal(a, b)


def check_h5py(path, n):
    with h5py.File(path) as file:
        equal(file["price"][...], prices(n))
        equal(file["trajectory"][...], np.arange(n) * 2)
        equal(file["time"][...], [0, 0.25, 0.5, 0.75, 1])
        for dtype in DTYPES:
            equal(file["e_" + dtype][...].astype(dtype), events(dtype, 3 * n))
        assert file.attrs["model"] == "walk" and file.attrs["seed"] == 7
        attributes = file["price"].attrs
        assert attributes["units"] == "EUR" and attributes["scale"] == 2 and attributes["rate"] == 0.5
        assert list(attributes["list"]) == [1, 2, 3] and list(attributes["names"]) == ["a", "größe"]
        assert json.loads(file["e_int8"].attrs["nested"]) == {"a": [1, "b", None]}
        assert [list(d.keys())[0] for d in file["price"].dims][:2] == ["trajectory", "time"]
        assert np.isnan(file["price"].fillvalue) and file["e_int8"].fillvalue == 0


def check_netcdf(path, n):
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        assert file["price"].dimensions == ("trajectory", "time", "asset")
        assert file.dimensions["trajectory"].isunlimited() and not file.dimensions["asset"].isunlimited()
        equal(file["price"][...], prices(n))
        for dtype in DTYPES:
            equal(file["e_" + dtype][...].astype(dtype), events(dtype, 3 * n))


def check_xarray(path, n):
    for engine in ("h5netcdf", "netcdf4"):
        with xarray.open_dataset(path, engine=engine) as data:
            assert data["price"].dims == ("trajectory", "time", "asset")
            equal(data["price"].values, prices(n))
            equal(data["price"].sel(trajectory=2 * n - 2, time=0.5).values, prices(n)[-1, 2]) if n else None
            for dtype in DTYPES:
                equal(data["e_" + dtype].values, events(dtype, 3 * n))
                assert data["e_" + dtype].dtype == dtype


def ours_are_read_outside(folder):
    for codec in ("default", "none", "gzip"):
        for n in (0, 1, 16, 100):
            path = folder / "ours.h5"
            tool("write", path, n, codec)
            check_h5py(path, n)
            check_netcdf(path, n)
            check_xarray(path, n)
            attributes, arrays = dump(path)
            assert attributes == {"model": "walk", "seed": 7}
            assert arrays["e_int8"][2] == {"flag": True, "nested": {"a": [1, "b", None]}}
            assert arrays["price"][1] == ["trajectory", "time", "asset"]
            equal(arrays["price"][0], prices(n))


def others_read_while_a_writer_is_at_work(folder):
    path = folder / "growing.h5"
    writer = subprocess.Popen([TOOL, "grow", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(line):
        writer.stdin.write(line + "\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "done\n"

    n, published, held = 0, 0, None
    for step in range(12):
        say("append 7")
        say("commit")
        n += 7
        check_h5py(path, published)  # the last checkpoint, whatever was committed since
        equal(dump(path)[1]["price"][0], prices(n))  # our reader sees all
        if step % 3 == 2:
            say("checkpoint")
            published = n
            check_h5py(path, n)
            check_netcdf(path, n)
            check_xarray(path, n)
        if step == 5:
            # in a process of its own: within one, libhdf5 takes a file that is open already for the same
            held = subprocess.Popen([sys.executable, "-c", HOLD, path, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert held.stdout.readline() == "open\n"
    held.communicate("read\n")
    assert held.returncode == 0  # what was opened two checkpoints ago is still there
    say("close")
    assert writer.wait() == 0
    assert not os.path.exists(str(path) + ".sheaf-log")
    check_h5py(path, n)
    whole = path.read_bytes()
    tool("write", folder / "atonce.h5", n)
    assert len(whole) <= 1.1 * os.path.getsize(folder / "atonce.h5")


def killed_writer_leaves_a_file_for_all(folder):
    path = folder / "killed.h5"
    writer = subprocess.Popen([TOOL, "grow", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in ("append 20", "checkpoint", "append 30", "commit"):
        writer.stdin.write(line + "\n")
        writer.stdin.flush()
        writer.stdout.readline()
    writer.kill()
    writer.wait()
    check_h5py(path, 20)
    check_xarray(path, 20)
    equal(dump(path)[1]["price"][0], prices(50))


def theirs_are_read(folder):
    path = folder / "theirs.h5"
    random = np.random.default_rng(1)
    expected = {}
    with h5py.File(path, "w") as file:
        def put(name, values, **options):
            file.create_dataset(name, data=values, **options)
            expected[name] = np.asarray(values)

        for dtype in DTYPES[1:]:
            values = (random.random((50, 7)) * 100).astype(dtype)
            put("plain_" + dtype, values)
            put("chunked_" + dtype, values, chunks=(8, 3), compression="gzip", shuffle=True)
            put("checked_" + dtype, values, chunks=(8, 3), fletcher32=True)
            put("big_" + dtype, values.astype(values.dtype.newbyteorder(">")), chunks=(20, 7), compression="gzip")
        put("flags", random.random(30) < 0.5)
        put("deep", random.integers(0, 99, (3, 4, 5, 6)), chunks=(2, 2, 2, 2), scaleoffset=0)
        sparse = file.create_dataset("sparse", (40,), "f8", chunks=(8,), fillvalue=-1.0)
        sparse[11] = 3
        expected["sparse"] = sparse[...]
        put("group/inner", np.arange(12).reshape(3, 4))
        put("grown", np.arange(1000.0), maxshape=(None,), chunks=(64,), compression=9)
        file["scalar"] = 5.0
        file["text"] = "words"
        file["half"] = np.zeros(3, np.float16)
        file["record"] = np.zeros(3, [("a", "<i4"), ("b", "<f8")])
        file["empty"] = h5py.Empty("<f4")
        file["grown"].attrs["units"] = "m"
        file["grown"].attrs["flag"] = True
        file["grown"].attrs["vector"] = [1.5, 2.5]
        file.attrs["title"] = np.bytes_("fixed")
    with h5py.File(folder / "latest.h5", "w", libver=("v110", "v110")) as file:
        file.create_dataset("v", data=np.arange(5000.0).reshape(500, 10), chunks=(16, 5), maxshape=(None, 10), compression="gzip")
    with netCDF4.Dataset(folder / "net.nc", "w") as file:
        file.createDimension("time", None)
        file.createDimension("x", 4)
        file.createVariable("v", "f4", ("time", "x"), zlib=True)[:] = np.arange(40).reshape(10, 4)
    xarray.Dataset({"v": (("a", "b"), np.arange(6.0).reshape(2, 3)), "ok": ("a", [True, False])}).to_netcdf(folder / "x.h5", engine="h5netcdf")

    attributes, arrays = dump(path)
    assert sorted(arrays) == sorted(expected), sorted(set(arrays) ^ set(expected))
    for name, values in expected.items():
        equal(arrays[name][0], values)
    assert arrays["grown"][2] == {"units": "m", "flag": True, "vector": [1.5, 2.5]} and attributes == {"title": "fixed"}
    equal(dump(folder / "latest.h5")[1]["v"][0], np.arange(5000.0).reshape(500, 10))
    net = dump(folder / "net.nc")[1]
    equal(net["v"][0], np.arange(40, dtype="f4").reshape(10, 4))
    assert net["v"][1] == ["time", "x"]
    ours = dump(folder / "x.h5")[1]
    equal(ours["v"][0], np.arange(6.0).reshape(2, 3))
    assert ours["ok"][0].dtype == bool and ours["v"][1] == ["a", "b"]


def check_beside(path, before, rows):
    """What was there is as it was; t and y have their rows."""
    with h5py.File(path) as file:
        for name, values in before.items():
            equal(file[name][...], values)
        assert file["group"].attrs["note"] == "mine" and file.attrs["title"] == "theirs"
        row = np.arange(rows)
        equal(file["t"][...], row / 10)
        equal(file["y"][...], row[:, None] * 3 + np.arange(3))
        equal(file["component"][...], [7, 8, 9])
        assert file["y"].attrs["units"] == "m" and file.attrs["run"] == 5
    ours = dump(path)[1]
    assert list(ours) == ["y", "t", "component"]
    equal(ours["t"][0], row / 10)
    equal(ours["y"][0], row[:, None] * 3 + np.arange(3))


def arrays_beside_those_of_others(folder):
    random = np.random.default_rng(2)
    for options in ({}, {"libver": ("v110", "v110")}, {"track_order": True}, {"libver": ("v108", "v108")}):
        path = folder / "notebook.h5"
        before = {"a": random.random((100, 5)), "group/b": np.arange(50), "c": random.random(1000)}
        with h5py.File(path, "w", **options) as file:
            file["a"], file["group/b"] = before["a"], before["group/b"]
            file.create_dataset("c", data=before["c"], chunks=(100,), maxshape=(None,), compression="gzip")
            file["group"].attrs["note"], file.attrs["title"] = "mine", "theirs"
            for i in range(10):
                file[f"more/{i}"] = i
        tool("beside", path, 333)
        check_beside(path, before, 333)
        for rows in (1, 400, 10):
            with h5py.File(path, "a") as file:  # others go on with theirs in between
                file["c"].resize((len(before["c"]) + 100,))
                file["c"][-100:] = rows
            before["c"] = np.append(before["c"], np.full(100, rows))
            tool("append", path, rows)
        check_beside(path, before, 744)
        taken = subprocess.run([TOOL, "beside", path, "5"], capture_output=True)
        assert taken.returncode == 1 and b"already" in taken.stderr
        check_beside(path, before, 744)
        assert not os.path.exists(str(path) + ".sheaf-log")
    with h5py.File(path, "w") as file:
        file["a"] = before["a"]
    subprocess.run([TOOL, "beside", path, "0"], capture_output=True)  # killed
    tool("append", path, 20)
    with h5py.File(path) as file:
        equal(file["a"][...], before["a"])
        equal(file["t"][...], np.arange(20) / 10)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in (ours_are_read_outside, others_read_while_a_writer_is_at_work, killed_writer_leaves_a_file_for_all, theirs_are_read, arrays_beside_those_of_others):
            case(folder)
            print(case.__name__, "ok", flush=True)


main()
