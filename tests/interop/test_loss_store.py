#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outside readers rebuild a loss stream, byte for byte, from the tables of its store."""

import os
import struct
import subprocess
import sys
import tempfile

from outside import need

h5py, np, xarray, zarr = need("h5py", "numpy", "xarray", "zarr>=3")
SHEAF = os.environ["SHEAF"]


def make_stream(rng, summary):
    """Packets of many sizes with all that must be kept."""
    out = [struct.pack("<Ii", (3 if summary else 2) << 24 | 1, 200)]
    if summary:
        out.append(struct.pack("<i", 9))
    for k in range(3000):
        out.append(struct.pack("<ii", k // 40, k % 40 - 5))
        if summary:
            out.append(struct.pack("<f", rng.uniform(1e5, 1e7)))
        sidx = [-5, -4, -3, -1] if k % 3 else []
        sidx += list(rng.permutation(200)[: rng.integers(0, 200)] + 1) if k % 5 == 0 else list(range(1, rng.integers(1, 201)))
        losses = rng.integers(0, 2**32, len(sidx), dtype=np.uint32)
        pairs = np.stack([np.array(sidx, dtype=np.int32).view(np.uint32), losses], axis=1) if sidx else np.empty((0, 2), np.uint32)
        out.append(pairs.astype("<u4").tobytes())
        out.append(struct.pack("<iI", 0, 0xDEADBEEF if k % 100 == 7 else 0))
    return b"".join(out[:-1])  # without the last delimiter


def rebuild(column, attributes):
    """The stream from columns; column(name) gives an array."""
    word, samples, set_id = (int(attributes[name]) for name in ("loss_word", "loss_samples", "loss_summary_set"))
    summary = word >> 24 == 3
    out = [struct.pack("<Ii", word, samples) + (struct.pack("<i", set_id) if summary else b"")]
    delta, loss = column("sidx_delta"), column("loss")
    begin = 0
    columns = [column(name) for name in ("event_id", "item_id", "pair_end", "delimiter", "flags")]
    exposure = column("exposure") if summary else None
    for i, (event, item, end, delimiter, flags) in enumerate(zip(*columns)):
        out.append(struct.pack("<ii", event, item) + (exposure[i].tobytes() if summary else b""))
        sidx = np.cumsum(delta[begin:end], dtype=np.int32)
        out.append(np.stack([sidx.view(np.uint32), loss[begin:end].view(np.uint32)], axis=1).tobytes())
        if not flags & 1:
            out.append(struct.pack("<ii", 0, delimiter))
        begin = int(end)
    return b"".join(out)


def check_index(column):
    """Runs of equal event ids end where the table `event` says."""
    ids = column("event_id")
    ends = np.append(np.flatnonzero(np.diff(ids)) + 1, len(ids))
    assert np.array_equal(column("packet_end"), ends)
    assert np.array_equal(column("event"), ids[ends - 1])


def main():
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        for summary in (False, True):
            stream = make_stream(rng, summary)
            for suffix in ("zarr", "h5", "npyd"):
                path = os.path.join(folder, f"s{int(summary)}.{suffix}")
                subprocess.run([SHEAF, "loss", "store", "-", path], input=stream, check=True, stderr=subprocess.DEVNULL)
                if suffix == "zarr":
                    group = zarr.open_group(path, mode="r")
                    column, attributes = (lambda name, g=group: g[name][:]), dict(group.attrs)
                    assert xarray.open_zarr(path, decode_cf=False).sizes["packet"] == 3000
                elif suffix == "h5":
                    file = h5py.File(path, "r")
                    column, attributes = (lambda name, f=file: f[name][:]), dict(file.attrs)
                else:
                    column = lambda name, p=path: np.load(os.path.join(p, name + ".npy"))  # noqa: E731
                assert rebuild(column, attributes) == stream, path
                check_index(column)
    print("loss store: passed")


if __name__ == "__main__":
    sys.exit(main())
