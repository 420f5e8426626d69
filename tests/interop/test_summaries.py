# SPDX-License-Identifier: Apache-2.0
"""What `sheaf simulate` stores, in every format, against models and summaries written here again with NumPy alone: sums bit for bit."""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile

from outside import need

np = need("numpy")
SHEAF = os.environ["SHEAF"]
N, STEPS, EVERY, SEED = 400, 50, 10, 20240517
P = {"frequency": 3.0, "mu": 11.0, "sigma": 1.8, "retention": 5e5, "limit": 1e7, "margin": 0.075, "assets": 1e7}
COLUMNS = ("sim_id final_assets total_losses total_recoveries mean_annual_loss max_annual_loss min_annual_loss growth_rate "
           "ruin_occurred ruin_year volatility").split()


def philox(seed, trajectory, step, draw):
    """Philox4x32-10 (Salmon et al. 2011): four words."""
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    c = [trajectory & 0xFFFFFFFF, trajectory >> 32, step, draw]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def uniforms(*counter):
    """Two numbers within (0, 1)."""
    w = philox(*counter)
    return [(((w[i] << 32 | w[i + 1]) >> 11) + 0.5) * 2.0**-53 for i in (0, 2)]


def normals(*counter):
    """Box and Muller."""
    u = uniforms(*counter)
    r = math.sqrt(-2 * math.log(u[0]))
    return [r * math.cos(2 * math.pi * u[1]), r * math.sin(2 * math.pi * u[1])]


def poisson(mean, u):
    """By inversion of the distribution function."""
    n, term = 0, math.exp(-mean)
    below = term
    while u > below:
        n += 1
        term *= mean / n
        below += term
    return n


def insurance(trajectory):
    """Losses, recoveries, retained, assets of each year, and the year of ruin or None."""
    assets, rows = P["assets"], []
    for year in range(STEPS):
        losses = recoveries = 0.0
        for i in range(poisson(P["frequency"], uniforms(SEED, trajectory, year, 0)[0])):
            if i % 2 == 0:
                z = normals(SEED, trajectory, year, 1 + i // 2)
            loss = math.exp(P["mu"] + P["sigma"] * z[i % 2])
            losses += loss
            recoveries += min(max(loss - P["retention"], 0.0), P["limit"])
        assets = max(assets * (1 + P["margin"]) - (losses - recoveries), 0.0)
        rows.append((losses, recoveries, losses - recoveries, assets))
        if assets == 0:
            return np.array(rows).T.copy(), year
    return np.array(rows).T.copy(), None


def summary(trajectory, data, ruin_year):
    """The eleven columns."""
    losses, final = data[0], data[3][-1]
    n, base = len(losses), losses[:-1]
    with np.errstate(all="ignore"):
        changes = ((losses[1:] - base) / base)[base != 0]
    growth = math.log(final / P["assets"]) / n if final > 0 else -math.inf
    return [trajectory, final, np.sum(losses), np.sum(data[1]), np.mean(losses), losses.max(), losses.min(), growth, ruin_year is not None,
            ruin_year, np.std(changes) if len(changes) else 0.0]


def run(*arguments):
    """The command; its output."""
    return subprocess.run([SHEAF, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def readers(folder, store):
    """name -> array, of what is stored, by an outside tool."""
    path = os.path.join(folder, store)
    if store.endswith(".npyd"):
        return lambda name: np.load(os.path.join(path, name + ".npy"), mmap_mode="r")
    if store.endswith(".zarr"):
        group = need("zarr>=3").open_group(path, mode="r")
        return lambda name: group[name][:]
    file = need("h5py").File(path, "r")
    return lambda name: file[name][:]


def same(a, b):
    """Equal bit for bit, NaN too."""
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


def check_arrays(read, data, rows):
    """Series and summaries as outside tools see them."""
    m = math.ceil(STEPS / EVERY)
    assert same(read("trajectory"), np.arange(N))
    assert same(read("time"), np.arange(0, STEPS, EVERY))
    assert same(read("length"), [d.shape[1] for d, _ in data])
    for v, name in enumerate(["annual_losses", "insurance_recoveries", "retained_losses", "assets"]):
        want = np.full((N, m), np.nan, "f4")
        for i, (d, _) in enumerate(data):
            want[i, : math.ceil(d.shape[1] / EVERY)] = d[v][::EVERY].astype("f4")
        assert same(read(name), want), name
    for c, name in enumerate(COLUMNS[1:], 1):
        want = [-1 if row[c] is None else row[c] for row in rows]
        got = read(name)
        if name in ("growth_rate", "volatility"):  # log may differ in its last bit between libraries
            assert np.allclose(got, want, rtol=1e-14, atol=0, equal_nan=True), name
        else:
            assert same(got.astype(float), np.array(want, float)), name


def check_exports(folder, store, rows):
    """CSV and JSON: the columns in their order, absent as an empty field and null."""
    path = os.path.join(folder, store)
    run("export", path, folder + "/s.csv", "--what", "summaries")
    run("export", path, folder + "/s.json", "--what", "summaries")
    run("export", path, folder + "/strings.json", "--what", "summaries", "--nonfinite", "string")
    with open(folder + "/s.csv", newline="", encoding="utf8") as file:
        table = list(csv.reader(file))
    assert table[0] == COLUMNS, table[0]
    assert len(table) == N + 1
    objects = json.load(open(folder + "/s.json", encoding="utf8"), parse_constant=lambda text: sys.exit(f"{text} in JSON"))
    strings = json.load(open(folder + "/strings.json", encoding="utf8"))
    assert [list(o) for o in objects] == [COLUMNS] * N
    for line, obj, text, row in zip(table[1:], objects, strings, rows):
        assert line[8] == str(row[8]).lower() and obj["ruin_occurred"] is row[8]
        assert line[9] == ("" if row[9] is None else str(row[9])) and obj["ruin_year"] == row[9]
        assert float(line[2]) == row[2] == obj["total_losses"]
        if row[7] == -math.inf:
            assert line[7] == "-inf" and obj["growth_rate"] is None and text["growth_rate"] == "-inf"


def check_description(folder, store, data):
    """`sheaf summary` against NumPy."""
    path = os.path.join(folder, store)
    levels = [0.05, 0.5, 0.999]
    said = json.loads(run("summary", path, "--json", "--by", "time", "--quantiles", ",".join(map(str, levels)), "--variable", "assets"))
    assert len(said["variables"]) == math.ceil(STEPS / EVERY)
    for row in said["variables"]:
        t = int(row["time"])
        x = np.array([d[3][t] for d, _ in data if d.shape[1] > t], "f4").astype(float)
        assert row["count"] == len(x)
        assert np.allclose([row["mean"], row["std"]], [x.mean(), x.std(ddof=1)], rtol=1e-12)
        assert (row["min"], row["max"]) == (x.min(), x.max())
        assert [row[f"q{p}"] for p in levels] == list(np.quantile(x, levels))
    said = json.loads(run("summary", path, "--json"))
    ruined = sum(year is not None for _, year in data)
    ever = said["ruin"][-1]
    z, p = 1.959963984540054, ruined / N
    middle, half = p + z * z / (2 * N), z * math.sqrt(p * (1 - p) / N + z * z / (4 * N * N))
    assert (ever["ruined"], ever["of"]) == (ruined, N)
    assert np.allclose([ever["low95"], ever["high95"]], [(middle - half) / (1 + z * z / N), (middle + half) / (1 + z * z / N)], rtol=1e-12)
    growth = said["growth"][0]
    final = np.array([d[3][-1] for d, _ in data])
    ensemble = math.log(final.mean() / P["assets"]) / STEPS
    assert math.isclose(growth["ensemble"], ensemble, rel_tol=1e-12)
    rates = [math.log(d[3][-1] / P["assets"]) / d.shape[1] if d[3][-1] > 0 else -math.inf for d, _ in data]
    assert math.isclose(growth["median"], float(np.median(rates)), rel_tol=1e-12)


def main():
    """Every format."""
    data = [insurance(i) for i in range(N)]
    rows = [summary(i, *d) for i, d in enumerate(data)]
    assert any(year is not None for _, year in data), "no ruin among these trajectories"
    formats = [name for name in run("--version").split("formats:")[1].split("\n")[0].split() if name != "mem"]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in [{"zarr": "zarr", "hdf5": "h5", "npy": "npyd"}[name] for name in formats]:
            store = "run." + suffix
            run("simulate", "insurance", os.path.join(folder, store), "-n", N, "--steps", STEPS, "--every", EVERY, "--seed", SEED, "--dtype", "f32")
            check_arrays(readers(folder, store), data, rows)
            check_exports(folder, store, rows)
            check_description(folder, store, data)
            print(store, "agrees with NumPy")


main()
