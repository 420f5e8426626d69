# SPDX-License-Identifier: Apache-2.0
"""The outside readers that a test needs: `from outside import need; np, zarr = need("numpy", "zarr>=3")`.

A missing one ends the test as skipped (exit status 77) with a line that says so; with CI=true it is a failure, because there
every check must run. Run as a program, it lists what is there and which checks will be skipped.
"""

import importlib
import os
import re
import sys

SKIPPED = 77
KNOWN = ["numpy", "h5py", "zarr>=3", "xarray", "pandas", "pyarrow", "polars", "duckdb", "netCDF4", "h5netcdf"]


def load(requirement):
    """The module of "name" or "name>=major"; raises ImportError when it is absent or too old."""
    name, least = re.fullmatch(r"([\w.]+)(?:>=(\d+))?", requirement).groups()
    module = importlib.import_module(name)
    if least and int(module.__version__.split(".")[0]) < int(least):
        raise ImportError(f"{name} is {module.__version__}, {least} or later is needed")
    return module


def need(*requirements):
    """The modules asked for (one module, or a list of them); ends the test when one is missing."""
    try:
        modules = [load(r) for r in requirements]
    except ImportError as error:
        failed = os.environ.get("CI") == "true"
        print(f"{'FAILED' if failed else 'SKIPPED'}: {os.path.basename(sys.argv[0])}: {error}", flush=True)
        sys.exit(1 if failed else SKIPPED)
    return modules[0] if len(modules) == 1 else modules


def main():
    """Says which readers are there."""
    there, missing = [], []
    for requirement in KNOWN:
        try:
            there.append(f"{requirement.split('>')[0]} {load(requirement).__version__}")
        except ImportError:
            missing.append(requirement)
    print("outside readers:", ", ".join(there) or "none")
    if missing:
        print("missing, so their checks will be skipped:", ", ".join(missing))


if __name__ == "__main__":
    main()
