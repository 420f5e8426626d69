#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SELT, MELT and QELT of generated summary streams against NumPy in f64; text of streams against NumPy's float32."""

import os
import struct
import subprocess
import sys
import tempfile

from outside import need

np = need("numpy")
SHEAF = os.environ["SHEAF"]
QUANTILES = [0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0]


def make_stream(rng, n_samples, density, n_packets):
    """A stream and what is in it: (event, summary, exposure, mean, maximum or None, dense samples)."""
    out = [struct.pack("<Iii", 3 << 24 | 1, n_samples, 5)]
    packets = []
    for k in range(n_packets):
        event, summary = 1 + k // 3, k % 3 + 1
        exposure = np.float32(rng.uniform(1e5, 1e7))
        losses = np.where(rng.random(n_samples) < density, rng.lognormal(9, 1.2, n_samples), 0).astype(np.float32)
        if k % 7 == 0:
            losses[0] = -losses[0]
        mean, most = np.float32(rng.lognormal(9, 1)), (np.float32(rng.lognormal(12, 1)) if k % 2 else None)
        out.append(struct.pack("<iif", event, summary, exposure))
        pairs = [(-1, mean), (-4, 10)] + ([(-5, most)] if most is not None else [])
        keep_zeros = k % 4 == 0
        pairs += [(i + 1, x) for i, x in enumerate(losses) if x != 0 or keep_zeros]
        if k % 5 == 0:
            rng.shuffle(pairs)
        out += [struct.pack("<if", int(s), x) for s, x in pairs]
        out.append(struct.pack("<if", 0, 0))
        packets.append((event, summary, exposure, mean, most, losses))
    return b"".join(out), packets


def expected(packets, n_samples):
    """The three tables as lists of rows."""
    selt, melt, qelt = [], [], []
    for event, summary, exposure, mean, most, losses in packets:
        x, e = losses.astype(np.float64), float(exposure)
        top = float(most) if most is not None else max(float(x.max()), 0.0)
        chance = np.count_nonzero(x > 0) / n_samples
        sd = float(np.std(x, ddof=1)) if n_samples > 1 else 0.0
        selt += [[event, summary, i + 1, v, e] for i, v in enumerate(x) if v != 0]
        melt.append([event, summary, 1, np.nan, 0, float(mean), 0, top, e, e, e])
        melt.append([event, summary, 2, np.nan, chance, float(np.sum(x)) / n_samples, sd, top, e, e * chance, e if chance > 0 else 0])
        qelt += [[event, summary, q, float(np.quantile(x, q))] for q in QUANTILES]
    return selt, melt, qelt


def read_table(path, names):
    """Rows of a CSV file whose first line must be `names`."""
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    assert lines[0] == names, lines[0]
    return [[float(v) if v else np.nan for v in line.split(",")] for line in lines[1:]]


def compare(name, got, want):
    """Equal within rounding of the sums."""
    assert len(got) == len(want), f"{name}: {len(got)} rows instead of {len(want)}"
    if want:
        np.testing.assert_allclose(np.array(got), np.array(want, dtype=float), rtol=1e-12, atol=1e-9, err_msg=name)


def check_tables(folder, rng, n_samples, density, threads):
    """One stream through the command."""
    stream, packets = make_stream(rng, n_samples, density, 60)
    path = os.path.join(folder, "summary.bin")
    with open(path, "wb") as f:
        f.write(stream)
    files = [os.path.join(folder, name) for name in ("selt.csv", "melt.csv", "qelt.csv")]
    subprocess.run([SHEAF, "loss", "table", "selt", path, "--selt", files[0], "--melt", files[1], "--qelt", files[2], "--threads", str(threads),
                    "--quantiles", ",".join(map(str, QUANTILES))], check=True)
    names = ("EventId,SummaryId,SampleId,Loss,ImpactedExposure",
             "EventId,SummaryId,SampleType,EventRate,ChanceOfLoss,MeanLoss,SDLoss,MaxLoss,FootprintExposure,MeanImpactedExposure,MaxImpactedExposure",
             "EventId,SummaryId,Quantile,Loss")
    for file, header, want in zip(files, names, expected(packets, n_samples)):
        compare(f"{os.path.basename(file)} of {n_samples} samples at {density}", read_table(file, header), want)


def check_text(folder, rng):
    """Losses in text read as the same float32 by NumPy."""
    losses = rng.lognormal(5, 4, 20000).astype(np.float32)
    pairs = np.zeros(len(losses), dtype=[("sidx", "<i4"), ("loss", "<f4")])
    pairs["sidx"], pairs["loss"] = np.arange(1, len(losses) + 1), losses
    path = os.path.join(folder, "gul.bin")
    with open(path, "wb") as f:
        f.write(struct.pack("<Iiii", 2 << 24 | 1, len(losses), 9, 4) + pairs.tobytes() + bytes(8))
    text = subprocess.run([SHEAF, "loss", "csv", path], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    back = np.array([np.float32(line.split(",")[3]) for line in text])
    assert np.array_equal(back.view(np.uint32), losses.view(np.uint32))
    for line, loss in zip(text, losses):
        digits = len(line.split(",")[3].split("e")[0].replace(".", "").strip("0"))
        fewest = len(np.format_float_scientific(loss, unique=True).split("e")[0].replace(".", "").strip("0"))
        assert digits == fewest, f"{line}: NumPy needs {fewest} digits"


def main():
    rng = np.random.default_rng(20)
    with tempfile.TemporaryDirectory() as folder:
        for n_samples in (1, 2, 10, 100, 1500):
            for density in (0.0, 0.03, 0.7, 1.0):
                for threads in (1, 3):
                    check_tables(folder, rng, n_samples, density, threads)
        check_text(folder, rng)
    print("loss tables: passed")


if __name__ == "__main__":
    sys.exit(main())
