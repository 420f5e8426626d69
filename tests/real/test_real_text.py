# SPDX-License-Identifier: Apache-2.0
"""Wind and nuclear series of a real study (../shared/data beside the source tree, or SHEAF_DATA): every value equal in every format, read
by zarr-python, xarray, h5py and NumPy maps, and by Sheaf itself."""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["SHEAF_SOURCE"], "tests", "interop"))
from outside import need  # noqa: E402

np = need("numpy")
SHEAF = os.environ["SHEAF"]
DATA = pathlib.Path(os.environ.get("SHEAF_DATA", pathlib.Path(os.environ["SHEAF_SOURCE"]).parent / "shared" / "data"))


def run(*arguments):
    """The command; its output."""
    return subprocess.run([SHEAF, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def outside(path, name):
    """(tool, array) as outside tools read it."""
    if path.endswith(".npyd"):
        yield "numpy", np.load(os.path.join(path, name + ".npy"), mmap_mode="r")
    elif path.endswith(".zarr"):
        zarr, xarray = need("zarr>=3", "xarray")
        yield "zarr-python", zarr.open_group(path, mode="r")[name][:]
        yield "xarray", xarray.open_zarr(path)[name].values
    else:
        h5py, xarray = need("h5py", "xarray")
        with h5py.File(path, "r") as file:
            yield "h5py", file[name][:]
        yield "xarray", xarray.open_dataset(path)[name].values


def main():
    """Both files, both meanings, every format."""
    files = [DATA / "wind-8760x100.txt", DATA / "nuclear-8760x60-crlf.txt"]
    if not all(file.exists() for file in files):
        print(f"SKIPPED: no real inputs in {DATA}")
        sys.exit(77)
    formats = [name for name in run("--version").split("formats:")[1].split("\n")[0].split() if name != "mem"]
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            want = np.loadtxt(file)
            for kind in ("steps", "trajectories"):
                for suffix in [{"zarr": "zarr", "hdf5": "h5", "npy": "npyd"}[name] for name in formats]:
                    store = f"{folder}/{file.stem}-{kind}.{suffix}"
                    run("import", file, store, "--as", kind)
                    for tool, got in outside(store, file.stem):
                        assert got.dtype == np.float64 and np.array_equal(got, want), (store, tool)
                    run("export", store, folder + "/back.npy", "--what", file.stem)
                    assert np.array_equal(np.load(folder + "/back.npy"), want), store
                    run("verify", store)
            print(file.name, want.shape, "equal in", ", ".join(formats))


main()
