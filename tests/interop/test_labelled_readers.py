# SPDX-License-Identifier: Apache-2.0
"""Ensembles in the tools that know labels: xarray (zarr, h5netcdf, netCDF4) finds coordinates and masks what is absent; pandas reads the exports."""

import os
import subprocess
import tempfile
import warnings

from outside import need

np, xarray, pandas = need("numpy", "xarray", "pandas")
SHEAF = os.environ["SHEAF"]


def run(*arguments):
    """The command; its output."""
    return subprocess.run([SHEAF, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def datasets(path):
    """(engine, dataset) for each tool that reads the format."""
    if path.endswith(".zarr"):
        need("zarr>=3")
        yield "zarr", xarray.open_zarr(path)
        return
    for engine, module in (("h5netcdf", "h5netcdf"), ("netcdf4", "netCDF4")):
        need(module)
        yield engine, xarray.open_dataset(path, engine=engine)


def check_trajectories(path, engine, data):
    """Coordinates, types, absent values, selection by label."""
    assert dict(data.sizes) == {"trajectory": 1500, "time": 5}, (path, engine)
    assert list(data.trajectory.values) == list(range(1500)) and list(data.time.values) == [0, 10, 20, 30, 40]
    assert data.attrs["model"] == "insurance" and int(data.attrs["seed"]) == 3
    ruined = data.ruin_occurred.values.astype(bool)
    assert ruined.any() and not ruined.all()
    assert np.array_equal(np.isnan(data.ruin_year.values), ~ruined), engine
    assert np.array_equal(data.ruin_year.values[ruined] + 1, data.length.values[ruined])
    beyond = data.time.values[None, :] >= data.length.values[:, None]
    assert np.array_equal(np.isnan(data.assets.values), beyond), engine
    last = data.assets_last.values
    assert np.array_equal(last, data.final_assets.values.astype("f4"))
    assert data.annual_losses.sel(trajectory=7, time=20).dtype == np.float32


def check_exports(path, folder, data):
    """pandas sees the same summaries."""
    run("export", path, folder + "/s.csv", "--quiet")
    run("export", path, folder + "/s.json", "--quiet", "--nonfinite", "string")
    csv = pandas.read_csv(folder + "/s.csv")
    json = pandas.read_json(folder + "/s.json", precise_float=True)
    assert list(csv.columns) == list(json.columns) and len(csv) == len(json) == 1500
    assert np.array_equal(csv.sim_id, data.trajectory.values)
    for name in csv.columns[1:]:
        assert np.array_equal(csv[name].astype(float), data[name].values.astype(float), equal_nan=True) or np.allclose(csv[name], data[name], rtol=1e-15, equal_nan=True), name
    assert csv.ruin_occurred.dtype == bool and csv.ruin_year.isna().sum() == (~csv.ruin_occurred).sum()
    assert np.allclose(json.total_losses, csv.total_losses, rtol=1e-15)


def main():
    """Both labelled formats, both orders."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module="pandas")
    formats = [name for name in run("--version").split("formats:")[1].split("\n")[0].split() if name in ("zarr", "hdf5")]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in [{"zarr": "zarr", "hdf5": "h5"}[name] for name in formats]:
            path, steps = f"{folder}/run.{suffix}", f"{folder}/steps.{suffix}"
            run("simulate", "insurance", path, "-n", 1500, "--every", 10, "--dtype", "f32", "--seed", 3, "--keep-last")
            run("simulate", "gbm", steps, "-n", 40, "--steps", 30, "--every", 4, "--order", "step")
            for engine, data in datasets(path):
                check_trajectories(path, engine, data)
                check_exports(path, folder, data)
                data.close()
            for engine, data in datasets(steps):
                assert dict(data.sizes) == {"time": 8, "trajectory": 40}, engine
                assert np.allclose(data.time.values * 252, np.arange(0, 30, 4)) and data.price.dims == ("time", "trajectory")
                assert (data.price.isel(time=0) == 100).all()
                data.close()
            print(suffix, "read with its labels")


main()
