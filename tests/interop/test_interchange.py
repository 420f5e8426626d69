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


# ---- in ----

def held(path, *arrays):
    """Arrays of a store, read by zarr-python."""
    g = zarr.open_group(path, mode="r")
    return [g[name][:] for name in arrays]


def test_npz_in_by_name_and_with_its_times():
    rng = np.random.default_rng(5)
    time, data = np.linspace(0, 1, 9), rng.normal(size=(2, 4, 9))
    for save in (np.savez, np.savez_compressed):
        for order in "CF":
            save("sde.npz", time=time, data=np.asarray(data, order=order))
            sheaf("import", "sde.npz", "sde.zarr", "--replace")
            t, x, ids = held("sde.zarr", "time", "data", "trajectory")
            same(t, time)
            same(x, np.moveaxis(data, -1, 0))
            same(ids, range(4))
    np.savez("state.npz", t=time, y=data.T.copy(), other=np.arange(3))
    refused(1, "say which one: t y other", "import", "state.npz", "out.zarr")
    refused(1, 'no array "z"', "import", "state.npz", "out.zarr", "--array", "z")
    sheaf("import", "state.npz", "state.zarr", "--array", "y", "--dtype", "f32")
    t, y = held("state.zarr", "time", "y")
    same(t, time)
    same(y, data.T.astype("f4"))
    np.savez("paths.npz", paths=rng.normal(size=(6, 5)).astype(">f4"))
    sheaf("import", "paths.npz", "paths.zarr", "--as", "trajectories", "--name", "p")
    same(held("paths.zarr", "p")[0], np.load("paths.npz")["paths"].astype("f4"))
    with open("paths.npz", "rb") as f, open("cut.npz", "wb") as g:
        g.write(f.read()[:150])
    refused(1, "cut.npz", "import", "cut.npz", "out.zarr")


def test_npz_goes_out_and_comes_back():
    sheaf("import", "field.npz", "back.zarr")
    t, x = held("back.zarr", "time", "data")
    same(x, np.load("field.npy"))
    same(t, np.arange(11.0))


def test_foreign_hdf5_and_zarr_arrays_in():
    rng = np.random.default_rng(6)
    t, y = np.arange(50) / 8, rng.normal(size=(50, 3))
    with h5py.File("foreign.h5", "w") as f:
        f["t"] = t
        f.create_dataset("y", data=y, chunks=(7, 2), compression="gzip", shuffle=True)
        f.create_dataset("deep/er/z", data=np.arange(20, dtype=">i4").reshape(10, 2))
        f["word"] = "text is left out"
    refused(1, "say which one", "import", "foreign.h5", "out.zarr")
    refused(1, "deep/er/z", "import", "foreign.h5", "out.zarr", "--array", "nothing")
    sheaf("import", "foreign.h5", "y.zarr", "--array", "y")
    same(held("y.zarr", "time")[0], t)
    same(held("y.zarr", "y")[0], y)
    sheaf("import", "foreign.h5", "z.zarr", "--array", "deep/er/z", "--as", "trajectories")
    same(held("z.zarr", "z")[0], np.arange(20).reshape(10, 2))
    sheaf("convert", "foreign.h5", "whole.zarr")
    same(held("whole.zarr", "y")[0], y)
    same(held("whole.zarr", "deep.er.z")[0], np.arange(20).reshape(10, 2))
    for version in (2, 3):
        g = zarr.open_group(f"f{version}.zarr", mode="w", zarr_format=version)
        g.create_array("t", data=t)
        g.create_array("y", data=y, chunks=(7, 2))
        g.create_group("deep").create_array("z", data=np.arange(6.0).reshape(2, 3))
        g.attrs["who"] = "zarr-python"
        sheaf("import", f"f{version}.zarr", "y.zarr", "--array", "y", "--replace")
        same(held("y.zarr", "time")[0], t)
        same(held("y.zarr", "y")[0], y)
        for args in ([f"f{version}.zarr", "z.zarr", "--array", "deep/z"], [f"f{version}.zarr/deep", "z.zarr", "--array", "z"]):
            sheaf("import", *args, "--replace")
            same(held("z.zarr", "z")[0], np.arange(6.0).reshape(2, 3))
        done = subprocess.run([SHEAF, "convert", f"f{version}.zarr", "whole.h5", "--replace", "--quiet"], capture_output=True, text=True)
        assert done.returncode == 0 and "1 groups inside" in done.stderr, done
        sheaf("convert", f"f{version}.zarr/deep", "deep.npyd", "--format", "npy", "--replace")
        same(np.load("deep.npyd/z.npy"), np.arange(6.0).reshape(2, 3))
        with h5py.File("whole.h5") as f:
            same(f["y"], y)
            assert f.attrs["who"] == "zarr-python"


def test_wide_parquet_in_as_steps_and_as_trajectories():
    values = np.random.default_rng(7).normal(size=(30, 12))
    pd.DataFrame(values, columns=[str(i) for i in range(12)]).to_parquet("wide.parquet")
    sheaf("import", "wide.parquet", "wide.zarr")
    same(held("wide.zarr", "wide")[0], values)
    sheaf("import", "wide.parquet", "turned.zarr", "--as", "trajectories", "--name", "x")
    same(held("turned.zarr", "x")[0], values.T)
    sheaf("export", "turned.zarr", "again.parquet", "--wide", "x")
    same(pd.read_parquet("again.parquet"), values)


def test_long_parquet_goes_out_and_comes_back():
    sheaf("import", "long.parquet", "long.zarr")
    names = ["trajectory", "annual_losses", "assets"]
    for a, b in zip(held("long.zarr", *names), held("run.zarr", *names)):
        same(a, b)
    length, stored = held("long.zarr", "length")[0], held("run.zarr", "length")[0]
    same(-(-length // 5), -(-stored // 5))
    for write in (lambda t, to: t.to_parquet(to), lambda t, to: pl.from_pandas(t).write_parquet(to),
                  lambda t, to: duckdb.sql(f"copy t to '{to}' (format parquet)")):
        table = pd.DataFrame({"id": [4, 4, 4, 2, 2], "time": [0, 1, 2, 0, 1], "x": [1.5, 2.5, np.nan, 4.5, 5.5], "n": [1, 2, 3, 4, 5]})
        write(table, "mine.parquet")
        sheaf("import", "mine.parquet", "mine.zarr", "--replace")
        ids, x, n, length, total = held("mine.zarr", "trajectory", "x", "n", "length", "n_total")
        same(ids, [4, 2])
        same(length, [3, 2])
        same(x, [[1.5, 2.5, np.nan], [4.5, 5.5, np.nan]])
        assert n.dtype.kind == "i"
        same(n[0], [1, 2, 3])
        same(total, [6, 9])
    table.iloc[[0, 1, 3, 4, 2]].to_parquet("torn.parquet")
    refused(1, "trajectory 4: time 2", "import", "torn.parquet", "out.zarr")
    table.iloc[[0, 2]].iloc[::-1].to_parquet("late.parquet")
    refused(1, "where a trajectory begins, not 0", "import", "late.parquet", "out.zarr")


def test_convert_takes_and_makes_parquet():
    sheaf("convert", "run.h5", "converted.parquet")
    assert pd.read_parquet("converted.parquet").equals(pd.read_parquet("long.parquet"))
    sheaf("convert", "converted.parquet", "converted.zarr")
    same(held("converted.zarr", "assets")[0], held("run.zarr", "assets")[0])
    refused(2, "--every", "convert", "run.h5", "out.parquet", "--every", "2")


def test_a_parquet_table_of_summaries_and_one_of_columns():
    sheaf("import", "summaries.parquet", "summaries.zarr")
    same(held("summaries.zarr", "trajectory")[0], range(600))
    same(held("summaries.zarr", "final_assets")[0], held("run.zarr", "final_assets")[0])
    sheaf("export", "summaries.zarr", "again.csv")
    sheaf("export", "run.zarr", "first.csv")
    with open("again.csv") as a, open("first.csv") as b:
        assert a.read() == b.read()
    same(held("summaries.zarr", "length")[0], held("run.zarr", "length")[0])
    assert "ruin" in subprocess.run([SHEAF, "summary", "summaries.zarr"], capture_output=True, text=True, check=True).stdout
    big = 2**62 + 1
    pd.DataFrame({"id": [1, 2, 3], "n": pd.array([big, None, 0], "Int64"), "x": pd.array([0.0, None, 2.0], "Float64"),
                  "y": [np.nan, 0.0, 1.0]}).to_parquet("absent.parquet")
    sheaf("import", "absent.parquet", "absent.npyd")
    sheaf("export", "absent.npyd", "absent.csv", "--what", "all")
    with open("absent.csv") as f:
        assert f.read() == f"trajectory,n,x,y\n1,{big},0,\n2,,,0\n3,0,2,1\n"
    pd.DataFrame({"id": [3, 3], "x": [1.0, 2.0]}).to_parquet("twice.parquet")
    refused(1, "trajectory 3 is there twice", "import", "twice.parquet", "out.zarr")
    pd.DataFrame({"t": [0.5, 1.0], "load": [1.0, 2.0], "on": [True, False]}).to_parquet("columns.parquet")
    sheaf("import", "columns.parquet", "columns.zarr")
    same(held("columns.zarr", "time")[0], [0.5, 1.0])
    same(held("columns.zarr", "load")[0], [1, 2])
    same(held("columns.zarr", "on")[0], [True, False])
    pd.DataFrame({"name": ["a"], "x": [1.0]}).to_parquet("words.parquet")
    refused(1, 'column "name" holds no numbers', "import", "words.parquet", "out.zarr")
    refused(1, "trajectories need a column of ids", "import", "columns.parquet", "out.zarr", "--as", "trajectories")


def test_text_with_a_column_of_times_or_ids():
    with open("times.csv", "w") as f:
        f.write("a,when,b\n1,0.5,2\n3,0.75,4\n")
    with open("plain.tsv", "w") as f:
        f.write("1\t7\t2\n3\t-5\t4\n")
    sheaf("import", "times.csv", "times.zarr", "--time", "when")
    same(held("times.zarr", "time")[0], [0.5, 0.75])
    same(held("times.zarr", "times")[0], [[1, 2], [3, 4]])
    sheaf("import", "plain.tsv", "plain.zarr", "--as", "trajectories", "--id", "1")
    same(held("plain.zarr", "trajectory")[0], [7, -5])
    same(held("plain.zarr", "plain")[0], [[1, 2], [3, 4]])
    refused(1, 'no column "whence": 3 columns', "import", "times.csv", "out.zarr", "--time", "whence")
    with open("bad.csv", "w") as f:
        f.write("1,2\n3,x4\n")
    refused(1, "line 2", "import", "bad.csv", "out.zarr")
    refused(1, "bad.csv", "import", "bad.csv", "out.zarr")


# ---- folders of the Python class TrajectoryStorage ----

COLUMNS = ["final_assets", "total_losses", "total_recoveries", "mean_annual_loss", "max_annual_loss", "min_annual_loss", "growth_rate"]


def make_storage(folder, interval=5, dtype="f4", years=23, n=12):
    """What the class writes for n simulations, some of them ruined, with a loss of zero where it would divide by it."""
    rng, runs = np.random.default_rng(8), {}
    os.makedirs(f"{folder}/summaries")
    os.makedirs(f"{folder}/time_series")
    for i in range(n):
        length = years if i % 3 else 4 + i
        losses = rng.lognormal(10, 1, length)
        rows = np.vstack([losses, losses * 0.25, losses * 0.75])
        final = 0.0 if i % 3 == 0 else float(rng.lognormal(12, 1))
        change = np.diff(losses) / losses[:-1]
        summary = {"sim_id": i, "final_assets": final, "total_losses": float(losses.sum()), "total_recoveries": float(rows[1].sum()),
                   "mean_annual_loss": float(losses.mean()), "max_annual_loss": float(losses.max()), "min_annual_loss": float(losses.min()),
                   "growth_rate": float(np.log(final / 1e6) / length) if final > 0 else -np.inf, "ruin_occurred": i % 3 == 0,
                   "ruin_year": length - 1 if i % 3 == 0 else None, "volatility": None if i == 1 else float(change.std())}
        runs[i] = summary, rows[:, ::interval].astype(dtype), length
        with open(f"{folder}/summaries/sim_{i}.json", "w") as f:
            json.dump(summary, f)
        runs[i][1].tofile(f"{folder}/time_series/sim_{i}.dat")
    return runs


def check_storage(store, runs, interval, dtype):
    ids, length, time = held(store, "trajectory", "length", "time")
    same(ids, sorted(runs))
    same(length, [runs[i][2] for i in ids])
    same(time, np.arange(len(time)) * interval)
    for name in COLUMNS:
        same(held(store, name)[0], [runs[i][0][name] for i in ids])
    same(held(store, "volatility")[0], [runs[i][0]["volatility"] or 0.0 for i in ids])
    same(held(store, "ruin_year")[0], [-1 if runs[i][0]["ruin_year"] is None else runs[i][0]["ruin_year"] for i in ids])
    same(held(store, "ruin_occurred")[0], [runs[i][0]["ruin_occurred"] for i in ids])
    for row, name in enumerate(["annual_losses", "insurance_recoveries", "retained_losses"]):
        values = held(store, name)[0]
        assert values.dtype == np.dtype(dtype)
        for k, i in enumerate(ids):
            n = runs[i][1].shape[1]
            same(values[k, :n], runs[i][1][row])
            assert np.isnan(values[k, n:]).all()


def test_trajectory_storage_folders_tell_their_interval_and_type():
    for dtype in ("f4", "f8"):
        runs = make_storage(f"old-{dtype}", dtype=dtype)
        sheaf("import", f"old-{dtype}", f"old-{dtype}.zarr")
        check_storage(f"old-{dtype}.zarr", runs, 5, dtype)
    refused(1, "an interval of 7 is told", "import", "old-f4", "out.zarr", "--every", "7")
    refused(1, "do not fit their summaries", "import", "old-f8", "out.zarr", "--dtype", "f32", "--every", "5")
    summary = subprocess.run([SHEAF, "summary", "old-f4.zarr"], capture_output=True, text=True, check=True).stdout
    assert "ruin" in summary
    sheaf("export", "old-f4.zarr", "old.csv")
    table = pd.read_csv("old.csv")
    same(table.ruin_year.isna(), [i % 3 != 0 for i in range(12)])
    assert table.volatility[1] == 0.0


def test_trajectory_storage_asks_for_what_nothing_tells():
    runs = make_storage("few", interval=10, years=20, n=3)
    for i in (0, 2):
        os.remove(f"few/summaries/sim_{i}.json")
        os.remove(f"few/time_series/sim_{i}.dat")
    refused(1, "(--every)", "import", "few", "out.zarr")
    sheaf("import", "few", "few.zarr", "--every", "10")
    check_storage("few.zarr", {1: runs[1]}, 10, "f4")
    os.remove("old-f4/summaries/sim_4.json")
    refused(1, "1 of 12 simulations have no summary", "import", "old-f4", "out.zarr")
    sheaf("import", "old-f4", "series.zarr", "--no-summaries")
    with open("old-f8/time_series/sim_3.dat", "ab") as f:
        f.write(b"xxxx")
    refused(1, "sim_3.dat", "import", "old-f8", "out.zarr")


def test_trajectory_storage_in_hdf5():
    runs = make_storage("json-of-h5")
    os.makedirs("old-h5")
    with h5py.File("old-h5/trajectories.h5", "w") as f:
        for i, (summary, rows, _) in runs.items():
            group = f.create_group(f"summaries/sim_{i}")
            for key, value in summary.items():
                group.attrs[key] = value if value is not None else -1
            group = f.create_group(f"time_series/sim_{i}")
            for name, row in zip(["annual_losses", "insurance_recoveries", "retained_losses"], rows):
                group.create_dataset(name, data=row, compression="gzip", compression_opts=4)
            group.attrs["sample_indices"] = np.arange(rows.shape[1]) * 5
    for source in ("old-h5", "old-h5/trajectories.h5"):
        sheaf("import", source, "old-h5.zarr", "--replace")
        check_storage("old-h5.zarr", runs, 5, "f4")


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
