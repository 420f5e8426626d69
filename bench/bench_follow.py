#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs a simulation on all cores, each 8 trajectories committed, that four `sheaf follow` look at its store every 100 ms.

bench/run calls it as bench_follow.py FOLDER SCALE. Rounds with and without them are interleaved; figures are medians.
"""

import os
import pathlib
import subprocess
import sys
import time

from store_common import interleaved, remove, row

FOLDER, SCALE = pathlib.Path(sys.argv[1]), float(sys.argv[2])
SHEAF = os.environ["SHEAF"]
N = max(20_000, int(400_000 * SCALE))
STEPS, FOLLOWERS = 100, 4


def simulate(suffix, n_followers):
    """Trajectories a second."""
    path = FOLDER / f"followed.{suffix}"
    remove(path)
    begun = time.perf_counter()
    writer = subprocess.Popen([SHEAF, "simulate", "gbm", path, "-n", str(N), "--steps", str(STEPS), "--seed", "3", "--commit-every", "8", "--quiet"],
                              stderr=subprocess.DEVNULL)
    while not path.exists() and writer.poll() is None:
        time.sleep(0.001)
    followers = [subprocess.Popen([SHEAF, "follow", path, "--interval", "100ms"], stdout=subprocess.PIPE, text=True) for _ in range(n_followers)]
    if writer.wait() != 0:
        sys.exit("simulate failed")
    seconds = time.perf_counter() - begun
    for follower in followers:
        last = follower.communicate()[0].splitlines()[-1]
        if follower.returncode != 0 or f"trajectory {N} " not in last:
            sys.exit(f"sheaf follow: exit status {follower.returncode}, last line {last}")
    remove(path)
    return N / seconds


def main():
    """A row for each format."""
    formats = subprocess.run([SHEAF, "--version"], capture_output=True, text=True, check=True).stdout
    for name, suffix in (("zarr", "zarr"), ("hdf5", "h5"), ("npy", "npyd")):
        if name not in formats:
            continue
        rate = interleaved({"followed": lambda s=suffix: simulate(s, FOLLOWERS), "alone": lambda s=suffix: simulate(s, 0)})
        row(f"simulate gbm to {name}, {FOLLOWERS} sheaf follow each 100 ms", rate["followed"], "trajectories/s", {"alone": rate["alone"]}, "≥ 0.9 × alone",
            rate["followed"] >= 0.9 * rate["alone"])


main()
