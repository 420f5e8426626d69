# SPDX-License-Identifier: Apache-2.0
"""After sheaf repair the outside readers open what a killed writer left, and what had a damaged chunk: every value is the one of an
unbroken run, or the fill value where repair said that it gave something up. SHEAF_TEST_KILLS: writers killed for each format (3), committing
each record, each 8 and each 1,000 in turn; SHEAF_TEST_SEED."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from outside import need

np, zarr, h5py, xarray = need("numpy", "zarr>=3", "h5py", "xarray")

SHEAF = os.environ["SHEAF"]
N = 5000
KILLS = int(os.environ.get("SHEAF_TEST_KILLS", "3"))
MOST = 300_000  # trajectories that a writer may come to
OPTIONS = ["-n", str(N), "--steps", "60", "--seed", "4", "--threads", "2", "--quiet"]
FORMATS = subprocess.run([SHEAF, "--version"], capture_output=True, text=True, check=True).stdout
KNOWN = [line for line in FORMATS.splitlines() if line.startswith("formats:")][0].split()[1:]
SUFFIX = {"zarr": "zarr", "hdf5": "h5", "npy": "npyd"}


def outside(path):
    """All arrays of a store as the outside readers see them."""
    if path.endswith(".zarr"):
        group = zarr.open_group(path, mode="r")
        xarray.open_zarr(path).close()
        return {name: array[...] for name, array in group.arrays()}
    if path.endswith(".h5"):
        with h5py.File(path, "r") as file:
            arrays = {k: v[...] for k, v in file.items() if isinstance(v, h5py.Dataset) and v.dtype.names is None}
        xarray.open_dataset(path).close()
        return arrays
    return {f[:-4]: np.load(os.path.join(path, f)) for f in sorted(os.listdir(path)) if f.endswith(".npy")}


def compare(got, whole, fill_allowed):
    """Rows by id; returns how many values are fill values."""
    filled = 0
    ids = whole["trajectory"]
    order = {int(t): i for i, t in enumerate(ids)}
    usable = np.array([int(t) in order for t in got["trajectory"]], dtype=bool)
    assert fill_allowed or usable.all()
    rows = np.array([order[int(t)] for t in got["trajectory"][usable]], dtype=int)
    for name in ("price", "price_mean", "length"):
        a, b = got[name][usable], whole[name][rows]
        assert a.dtype == b.dtype and len(got[name]) == len(got["trajectory"]), name
        same = (a == b) | ((a != a) & (b != b))
        if not same.all():
            assert fill_allowed, f"{name}: values differ"
            rest = a[~same]
            assert np.isnan(rest).all() if a.dtype.kind == "f" else (rest == np.iinfo(a.dtype).min).all() or (rest == 0).all(), name
            filled += int((~same).sum())
    return filled


def killed(path, after, cadence):
    """A store whose writer was killed after so many seconds, at the earliest when it exists."""
    child = subprocess.Popen([SHEAF, "simulate", "gbm", path, "--commit-every", str(cadence), *OPTIONS, "-n", str(MOST)],
                             stderr=subprocess.DEVNULL)
    while not os.path.exists(path):
        time.sleep(0.01)
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait()


def flip(path):
    """A bit in the midst of the largest file."""
    files = [path] if os.path.isfile(path) else [os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs]
    largest = max(files, key=os.path.getsize)
    with open(largest, "r+b") as f:
        f.seek(os.path.getsize(largest) // 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 4]))


def after_kills(name, path, unbroken):
    """Kills, repairs and looks from outside."""
    seed = int(os.environ.get("SHEAF_TEST_SEED", time.time_ns() % 1_000_000))
    draw, total = random.Random(seed), 0
    for k in range(KILLS):
        killed(path, draw.random() * 0.3, (1, 8, 1000)[k % 3])
        done = subprocess.run([SHEAF, "repair", path], capture_output=True, text=True)
        assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
        assert not os.path.exists(path + ".sheaf-log") and not os.path.exists(path + "/.sheaf-log")
        got = outside(path)
        total += len(got["trajectory"])
        compare(got, unbroken, False)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)
    print(f"{name}: {KILLS} writers killed (seed {seed}), {total} trajectories open outside after repair, all equal")


def main():
    with tempfile.TemporaryDirectory() as work:
        long = os.path.join(work, "long.npyd")
        subprocess.run([SHEAF, "simulate", "gbm", long, *OPTIONS, "-n", str(MOST)], check=True, stderr=subprocess.DEVNULL)
        unbroken = outside(long)
        for name in KNOWN:
            if name not in SUFFIX:
                continue
            path = os.path.join(work, "a." + SUFFIX[name])
            whole = os.path.join(work, "whole." + SUFFIX[name])
            after_kills(name, path, unbroken)
            subprocess.run([SHEAF, "simulate", "gbm", whole, *OPTIONS], check=True, stderr=subprocess.DEVNULL)
            subprocess.run([SHEAF, "simulate", "gbm", path, *OPTIONS], check=True, stderr=subprocess.DEVNULL)
            flip(path)
            assert subprocess.run([SHEAF, "verify", path], capture_output=True).returncode == 3
            done = subprocess.run([SHEAF, "repair", path], capture_output=True, text=True)
            assert done.returncode == 3 and "price" in done.stdout, done.stdout + done.stderr
            assert subprocess.run([SHEAF, "verify", path], capture_output=True).returncode == 0
            filled = compare(outside(path), outside(whole), True)
            print(f"{name}: a flipped bit, {filled} values given up, the others equal outside")
            assert 0 < filled < N * 50


if __name__ == "__main__":
    main()
