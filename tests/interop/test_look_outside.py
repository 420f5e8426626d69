# SPDX-License-Identifier: Apache-2.0
"""While a writer is at work, and makes a checkpoint every 30 ms (200 ms where a reader's two reads have no lock around them), the outside readers open its store again and again, hold it open for a while, and
read: none is refused, and each trajectory read is that of the store in the end. SHEAF_TEST_SECONDS: how long for each format (2);
SHEAF_TEST_SEED."""

import multiprocessing
import os
import random
import subprocess
import tempfile
import time

from outside import need

np, zarr, h5py = need("numpy", "zarr>=3", "h5py")

SHEAF = os.environ["SHEAF"]
SECONDS = float(os.environ.get("SHEAF_TEST_SECONDS", "2"))
SEED = int(os.environ.get("SHEAF_TEST_SEED", time.time_ns() % 1_000_000))
READERS = 5
FORMATS = subprocess.run([SHEAF, "--version"], capture_output=True, text=True, check=True).stdout
KNOWN = [line for line in FORMATS.splitlines() if line.startswith("formats:")][0].split()[1:]
SUFFIX = {"zarr": "zarr", "hdf5": "h5", "npy": "npyd"}


class Store:
    """Ids and prices of a store, opened outside."""

    def __init__(self, path):
        self.file = None
        if path.endswith(".h5"):
            self.file = h5py.File(path, "r")
            self.ids, self.prices = self.file["trajectory"], self.file["price"]
        elif path.endswith(".zarr"):
            group = zarr.open_group(path, mode="r")
            self.ids, self.prices = group["trajectory"], group["price"]
        else:
            self.ids, self.prices = (np.load(f"{path}/{name}.npy", mmap_mode="r") for name in ("trajectory", "price"))
        self.n = min(self.ids.shape[0], self.prices.shape[0])

    def row(self, k):
        """Id and prices of the k-th trajectory."""
        return int(self.ids[k]), bytes(np.ascontiguousarray(self.prices[k]).tobytes())

    def close(self):
        """Lets go of the file."""
        if self.file:
            self.file.close()


def look(path, seed, end, results):
    """Opens, reads, holds, closes, until the time is over."""
    draw, looks, rows = random.Random(seed), 0, []
    try:
        while time.time() < end:
            store = Store(path)
            looks += 1
            until = time.time() + draw.choice((0, 0, 0.02, 0.2))
            while store.n:
                for k in {store.n - 1, draw.randrange(store.n), max(0, store.n - 1 - draw.randrange(2000))}:
                    rows.append((k, *store.row(k)))
                if time.time() >= until:
                    break
                time.sleep(0.01)
            store.close()
            time.sleep(draw.random() * 0.03)
        results.put((looks, rows, None))
    except Exception as error:  # whatever the reader says
        results.put((looks, rows, f"{type(error).__name__}: {error}"))


def followed(path):
    """Looks, rows read, trajectories in the end."""
    writer = subprocess.Popen([SHEAF, "simulate", "gbm", path, "-n", "100000000", "--steps", "1000", "--seed", "3", "--threads", "1", "--quiet",
                               "--commit-every", "8", "--checkpoint-every", "30ms" if path.endswith(".h5") else "200ms"], stderr=subprocess.DEVNULL)
    while not os.path.exists(path):
        time.sleep(0.01)
    results, end = multiprocessing.Queue(), time.time() + SECONDS
    readers = [multiprocessing.Process(target=look, args=(path, SEED * 100 + r, end, results)) for r in range(READERS)]
    for reader in readers:
        reader.start()
    told = [results.get() for _ in readers]
    for reader in readers:
        reader.join()
    writer.terminate()
    writer.wait()
    return told


def main():
    """Each format."""
    with tempfile.TemporaryDirectory() as work:
        for name in KNOWN:
            if name not in SUFFIX:
                continue
            path = os.path.join(work, "run." + SUFFIX[name])
            told = followed(path)
            whole, n_rows = Store(path), 0
            for looks, rows, error in told:
                assert error is None, f"{name}, seed {SEED}, after {looks} looks: {error}"
                n_rows += len(rows)
                for k, identifier, prices in rows:
                    assert whole.row(k) == (identifier, prices), f"{name}, seed {SEED}: trajectory {k} was read torn"
            assert n_rows > READERS
            whole.close()
            print(f"{name}: {sum(t[0] for t in told)} looks from outside, none refused; {n_rows} trajectories, none torn, of {whole.n}")


if __name__ == "__main__":
    main()
