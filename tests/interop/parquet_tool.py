# SPDX-License-Identifier: Apache-2.0
"""Runs build/tool_parquet and understands what it prints."""

import json
import os
import pathlib
import subprocess

import numpy as np

BUILD = pathlib.Path(os.environ.get("SHEAF_BUILD", "build"))
TOOL = BUILD / "tool_parquet"
DTYPE = {"BOOLEAN": "u1", "INT32": "<i4", "INT64": "<i8", "FLOAT": "<f4", "DOUBLE": "<f8"}


class Failed(Exception):
    """The tool said no; .code, .byte, .column, .message."""

    def __init__(self, text):
        super().__init__(text)
        self.__dict__.update(json.loads(text))


def run(*args, data=None):
    """Standard output of the tool."""
    done = subprocess.run([str(TOOL), *map(str, args)], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip()
        if done.returncode != 1 or not text.startswith("{"):
            raise AssertionError(f"{args}: exit status {done.returncode}: {text[:2000]}")
        raise Failed(text.splitlines()[-1])
    return done.stdout


class Column:
    """One column as the tool gives it: head (JSON), valid (or None), values (NumPy array or list of bytes)."""

    def __init__(self, head, raw, at):
        self.head, self.name, n = head, bytes.fromhex(head["name"]).decode(), head["rows"]
        self.valid = None
        if head["valid"]:
            self.valid = np.frombuffer(raw, "u1", n, at)
            at += n
        if head["type"] == "BYTE_ARRAY":
            offsets = np.frombuffer(raw, "<u8", n + 1, at)
            at += 8 * (n + 1)
            self.values = [raw[at + int(a):at + int(b)] for a, b in zip(offsets[:-1], offsets[1:])]
            at += head["bytes"]
        elif head["type"] == "FIXED_LEN_BYTE_ARRAY":
            size = head["size"]
            self.values = [raw[at + i * size:at + (i + 1) * size] for i in range(n)]
            at += n * size
        else:
            self.values = np.frombuffer(raw, DTYPE[head["type"]], n, at)
            at += n * head["size"]
        self.end = at

    def items(self):
        """Values in their physical type, None where absent."""
        values = self.values if isinstance(self.values, list) else self.values.tolist()
        return values if self.valid is None else [v if ok else None for v, ok in zip(values, self.valid)]


def dump(path, *rows):
    """All columns of a file, or rows (first, n) of them."""
    raw, at, columns = run("dump", path, *rows), 0, []
    while at < len(raw):
        line_end = raw.index(b"\n", at)
        columns.append(Column(json.loads(raw[at:line_end]), raw, line_end + 1))
        at = columns[-1].end
    return columns


def f64(path, first, n, *names):
    """Columns as f64, one row of the result per name."""
    return np.frombuffer(run("f64", path, first, n, *names), "<f8").reshape(len(names), n)
