# SPDX-License-Identifier: Apache-2.0
"""What outside tools read of our exports, and what we read of their files: NumPy, pandas, polars, DuckDB, h5py, zarr-python. Values are equal both ways."""

import json
import os
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from outside import need  # noqa: E402

np, pd, pl, duckdb, h5py, zarr = need("numpy", "pandas", "polars", "duckdb", "h5py", "zarr>=3")
warnings.simplefilter("ignore")
SHEAF = os.environ["SHEAF"]


def sheaf(*args):
    done = subprocess.run([SHEAF, *args, "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, (args, done.returncode, done.stderr)


def refused(status, said, *args):
    done = subprocess.run([SHEAF, *args, "--quiet"], capture_output=True, text=True)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert said in done.stderr, (said, done.stderr)
    assert not os.path.exists(args[2]), args


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, (a.shape, b.shape)
    np.testing.assert_array_equal(a, b)


def make_runs():
    """Ragged trajectories with absent ruin years, a run by step, and one with two dimensions."""
    sheaf("simulate", "insurance", "run.zarr", "-n", "600", "--steps", "50", "--every", "5", "--keep-last")
    sheaf("simulate", "gbm", "steps.zarr", "-n", "7", "--steps", "23", "--every", "2", "--order", "step")
    rng = np.random.default_rng(3)
    np.save("field.npy", rng.normal(size=(11, 3, 5)).astype("f4"))
    sheaf("import", "field.npy", "field.h5")


def test_summaries_as_one_flat_parquet_table():
    sheaf("export", "run.zarr", "summaries.parquet")
    g = zarr.open_group("run.zarr", mode="r")
    table = pd.read_parquet("summaries.parquet")
    assert list(table.columns) == ["sim_id", "final_assets", "total_losses", "total_recoveries", "mean_annual_loss", "max_annual_loss",
                                   "min_annual_loss", "growth_rate", "ruin_occurred", "ruin_year", "volatility"]
    absent = g["ruin_year"][:] == -1
    assert 0 < absent.sum() < 600
    same(table.ruin_year.isna(), absent)
    same(table.ruin_year[~absent].astype("i4"), g["ruin_year"][:][~absent])
    for name in ["final_assets", "growth_rate", "volatility"]:
        same(table[name], g[name][:])
    same(table.ruin_occurred, g["ruin_occurred"][:])
    same(pl.read_parquet("summaries.parquet")["final_assets"], table.final_assets)
    assert duckdb.sql("select count(*), count(ruin_year) from 'summaries.parquet'").fetchall() == [(600, 600 - absent.sum())]


def test_trajectories_as_a_long_table_have_only_the_steps_that_are_there():
    sheaf("export", "run.zarr", "long.parquet", "--what", "all")
    g = zarr.open_group("run.zarr", mode="r")
    samples = -(-g["length"][:] // 5)
    for table in (pd.read_parquet("long.parquet"), pl.read_parquet("long.parquet").to_pandas()):
        assert list(table.columns[:2]) == ["trajectory", "time"]
        same(table.trajectory, np.repeat(np.arange(600), samples))
        same(table.time, np.concatenate([np.arange(n) * 5 for n in samples]))
        for name in ["annual_losses", "insurance_recoveries", "retained_losses", "assets"]:
            values = g[name][:]
            same(table[name], np.concatenate([values[i, :n] for i, n in enumerate(samples)]))
    sheaf("export", "run.zarr", "assets.parquet", "--what", "assets")
    assert list(pd.read_parquet("assets.parquet").columns) == ["trajectory", "time", "assets"]


def test_steps_as_a_long_table():
    sheaf("export", "field.h5", "field.parquet", "--what", "all")
    field, table = np.load("field.npy"), pd.read_parquet("field.parquet")
    assert list(table.columns) == ["time", "trajectory", "field[0]", "field[1]", "field[2]"], table.columns
    same(table.time, np.repeat(np.arange(11.0), 5))
    same(table.trajectory, np.tile(np.arange(5), 11))
    for i in range(3):
        same(table[f"field[{i}]"], field[:, i, :].ravel())


def test_wide_series_are_read_by_sheaf_series_and_pandas():
    os.makedirs("data-series", exist_ok=True)
    for store, variable, transposed in (("run.zarr", "assets", True), ("steps.zarr", "price", False)):
        sheaf("export", store, f"data-series/{variable}.parquet", "--wide", variable)
        values = zarr.open_group(store, mode="r")[variable][:]
        values = values.T if transposed else values
        table = pd.read_parquet(f"data-series/{variable}.parquet")
        assert list(table.columns) == [str(i) for i in range(values.shape[1])]
        same(table.astype("f8"), values)
        out = subprocess.run([SHEAF, "series", "data-series", variable, "--time", "2:4", "--scenario", "3,1", "--csv"], capture_output=True,
                             text=True, check=True).stdout.splitlines()
        same([[float(x) for x in line.split(",")[1:]] for line in out[1:]], values[2:4, [3, 1]])
    table = pd.read_parquet("data-series/assets.parquet")
    assert pl.read_parquet("data-series/assets.parquet").null_count().sum_horizontal().sum() == table.isna().values.sum() > 0


def test_npz_as_sde_storages_lay_it_out():
    sheaf("export", "steps.zarr", "steps.npz")
    z, g = np.load("steps.npz"), zarr.open_group("steps.zarr", mode="r")
    assert sorted(z) == ["data", "time"]
    same(z["time"], g["time"][:])
    same(z["data"], g["price"][:].T[None])
    sheaf("export", "field.h5", "field.npz")
    z = np.load("field.npz")
    assert z["data"].shape == (3, 5, 11) and z["data"].dtype == np.float32
    same(z["data"], np.moveaxis(np.load("field.npy"), 0, -1))


def test_npz_of_other_stores_has_one_member_for_each_array():
    sheaf("export", "run.zarr", "run.npz")
    z, g = np.load("run.npz"), zarr.open_group("run.zarr", mode="r")
    assert sorted(z) == sorted(g.array_keys())
    for name in z:
        assert z[name].dtype == g[name].dtype
        same(z[name], g[name][:])
    sheaf("export", "run.zarr", "one.npz", "--what", "assets")
    assert list(np.load("one.npz")) == ["assets"]


def test_every_format_exports_and_an_unknown_one_is_an_error_that_lists_the_known():
    known = ["csv", "tsv", "json", "npy", "npz", "parquet"]
    for store in ("run.zarr", "run.h5", "run.npyd"):
        if store != "run.zarr":
            sheaf("convert", "run.zarr", store)
        for suffix in known:
            sheaf("export", store, f"every.{suffix}", "--what", "final_assets")
            assert os.path.getsize(f"every.{suffix}") > 600 * 4, (store, suffix)
            os.remove(f"every.{suffix}")
    refused(2, "known: " + " ".join(known), "export", "run.zarr", "out.feather")
    refused(2, "known: " + " ".join(known), "export", "run.zarr", "out")
    refused(1, "no array nothing", "export", "run.zarr", "out.parquet", "--what", "nothing")
    refused(1, "no summaries", "export", "steps.zarr", "out.parquet", "--what", "summaries")
    refused(2, "--wide", "export", "run.zarr", "out.csv", "--wide", "assets")


def test_exports_come_by_growing_id_and_as_valid_json():
    with open("scattered.csv", "w") as f:
        f.write("id,0,1\n9,1,inf\n-4,2,nan\n5,3,-inf\n")
    sheaf("import", "scattered.csv", "scattered.zarr", "--as", "trajectories", "--name", "x")
    for suffix, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet), ("json", pd.read_json)):
        sheaf("export", "scattered.zarr", f"scattered.{suffix}")
        assert list(read(f"scattered.{suffix}").trajectory) == [-4, 5, 9], suffix

    def never(constant):
        raise AssertionError(f"{constant} is no JSON")
    with open("scattered.json") as f:
        assert len(json.load(f, parse_constant=never)) == 3
    sheaf("export", "scattered.zarr", "scattered.npz")
    same(np.load("scattered.npz")["trajectory"], [-4, 5, 9])
    same(np.load("scattered.npz")["x"][:, 0], [2, 3, 1])


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_runs()
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                test()
                print("passed:", name, flush=True)
        os.chdir("/")


if __name__ == "__main__":
    main()
