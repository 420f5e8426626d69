# SPDX-License-Identifier: Apache-2.0
"""Sampling of steps and of trajectories: strides, numbers of steps and types against NumPy's slices, bit for bit, in every format."""

import os
import subprocess
import tempfile

from outside import need

np = need("numpy")
SHEAF = os.environ["SHEAF"]


def run(*arguments):
    """The command; its output."""
    return subprocess.run([SHEAF, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def reader(path):
    """name -> array, by an outside tool."""
    if path.endswith(".npyd"):
        return lambda name: np.load(os.path.join(path, name + ".npy"))
    if path.endswith(".zarr"):
        group = need("zarr>=3").open_group(path, mode="r")
        return lambda name: group[name][:]
    file = need("h5py").File(path, "r")
    return lambda name: file[name][:]


def check(folder, suffix, steps, stride, dtype, commit):
    """One array, both ways."""
    x = np.random.default_rng(steps * 1000 + stride).standard_normal((steps, 3, 7)).astype(dtype)
    x[0, 0, :4] = [np.nan, np.inf, -0.0, 5e-324]
    np.save(folder + "/x.npy", x)
    store = f"{folder}/s.{suffix}"
    run("import", folder + "/x.npy", store, "--replace", "--as", "steps", "--every", stride, "--commit-every", commit, "--quiet")
    read = reader(store)
    assert read("x").tobytes() == x[::stride].tobytes(), (steps, stride)
    assert np.array_equal(read("time"), np.arange(0, steps, stride, dtype=float))
    run("import", folder + "/x.npy", store, "--replace", "--as", "steps", "--every", stride, "--keep-last", "--quiet")
    rows = sorted({*range(0, steps, stride), steps - 1})
    read = reader(store)
    assert read("x").tobytes() == x[rows].tobytes()
    assert np.array_equal(read("time"), np.array(rows, float))
    y = np.ascontiguousarray(x.reshape(steps, 21).T)
    np.save(folder + "/y.npy", y)
    run("import", folder + "/y.npy", store, "--replace", "--as", "trajectories", "--every", stride, "--keep-last", "--quiet")
    read = reader(store)
    assert read("y").tobytes() == np.ascontiguousarray(y[:, ::stride]).tobytes()
    assert read("y_last").tobytes() == np.ascontiguousarray(y[:, -1]).tobytes()
    assert np.array_equal(read("time"), np.arange(0, steps, stride))
    with np.errstate(all="ignore"):
        totals = np.array([np.sum(row) for row in y.astype(float)])
    assert np.array_equal(read("y_total"), totals, equal_nan=True)
    run("export", store, folder + "/back.npy", "--what", "y", "--quiet")
    assert np.load(folder + "/back.npy").tobytes() == np.ascontiguousarray(y[:, ::stride]).tobytes()


def main():
    """All combinations."""
    formats = [name for name in run("--version").split("formats:")[1].split("\n")[0].split() if name != "mem"]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in [{"zarr": "zarr", "hdf5": "h5", "npy": "npyd"}[name] for name in formats]:
            for steps in (1, 20, 101):
                for stride in (1, 5, 7):
                    for dtype in ("f4", "f8"):
                        check(folder, suffix, steps, stride, dtype, 1 if stride == 5 else 1000)
            print(suffix, "agrees with NumPy's slices")


main()
