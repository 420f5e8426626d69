# SPDX-License-Identifier: Apache-2.0
"""Headers of .npy files and .npz archives, ours and NumPy's, each read by the other."""

import io
import os
import re
import subprocess
import tempfile
import zipfile

from outside import need

np = need("numpy")
BUILD, SOURCE = os.environ["SHEAF_BUILD"], os.environ["SHEAF_SOURCE"]
work = tempfile.TemporaryDirectory()
TOOL = os.path.join(work.name, "npz_tool")


def path(name):
    return os.path.join(work.name, name)


def build():
    with open(os.path.join(BUILD, "CMakeCache.txt")) as cache:
        settings = dict(re.findall(r"^(\w+):\w+=(.*)$", cache.read(), re.M))
    sanitize = settings.get("SHEAF_SANITIZE")
    source = os.path.join(SOURCE, "tests", "interop", "npz_tool.c")
    command = [settings["CMAKE_C_COMPILER"], "-D_GNU_SOURCE", f"-I{SOURCE}/src", f"-I{SOURCE}/include", source, os.path.join(BUILD, "libsheaf.a")]
    subprocess.run(command + ([f"-fsanitize={sanitize}"] if sanitize else []) + ["-lz", "-lm", "-lpthread", "-o", TOOL], check=True)


def tool(*arguments):
    return subprocess.run([TOOL, *arguments], check=True, capture_output=True, text=True).stdout


def check_headers():
    dtypes = ["?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f4", "<f8", ">f8", ">i4", ">u2"]
    for dtype in dtypes:
        for shape in [(), (0,), (7,), (3, 4), (2, 3, 4), (1,) * 8, (10**6, 0), (0, 123456789012)]:
            for order in "CF":
                for version in [(1, 0), (2, 0), (3, 0)]:
                    a = np.asarray(np.zeros(shape, dtype), order=order)
                    with open(path("a.npy"), "wb") as f:
                        np.lib.format.write_array(f, a, version=version)
                    fields, ours = tool("header", path("a.npy")).splitlines()
                    assert fields.split() == [a.dtype.name, str(int(a.dtype.str[0] == ">")), str(int(a.flags.fnc)), str(a.ndim), *map(str, shape)], (fields, a)
                    saved = io.BytesIO()
                    np.lib.format.write_array(saved, a, version=(1, 0))
                    assert saved.getvalue()[: len(ours) // 2].hex() == ours, (dtype, shape, order)


def check_refusals():
    for dtype in ["c16", "U3", "f2", [("a", "f8")], "M8[s]"]:
        np.save(path("a.npy"), np.zeros(2, dtype))
        result = subprocess.run([TOOL, "header", path("a.npy")], capture_output=True, text=True)
        assert result.returncode == 1 and result.stderr.startswith("unsupported:"), result


def arrays():
    rng = np.random.default_rng(2)
    return {"losses": rng.lognormal(10, 2, (300, 50)), "ids": np.arange(1000), "flags": rng.random(77) < 0.5, "empty": np.zeros((0, 3)), "größe": np.float32(3)}


def check_ours_in_numpy():
    for method in ("stored", "deflated"):
        pairs = []
        for name, a in arrays().items():
            np.save(path(name + ".npy"), a)
            pairs += [name + ".npy", path(name + ".npy")]
        tool("pack", path("ours.npz"), method, *pairs)
        with np.load(path("ours.npz")) as z:
            assert sorted(z.files) == sorted(arrays())
            for name, a in arrays().items():
                assert np.array_equal(z[name], a) and z[name].dtype == a.dtype, name
        with zipfile.ZipFile(path("ours.npz")) as z:
            assert z.testzip() is None
    tool("pack", path("none.npz"), "stored")
    assert zipfile.ZipFile(path("none.npz")).namelist() == []


def check_numpys_in_ours():
    for save in (np.savez, np.savez_compressed):
        save(path("numpy.npz"), **arrays())
        for name, a in arrays().items():
            tool("unpack", path("numpy.npz"), name + ".npy", path("out.npy"))
            assert np.array_equal(np.load(path("out.npy")), a), name


def check_other_zip_files():
    """Streamed with data descriptors, with a comment, with zip64 sizes, in folders."""

    class Unseekable(io.RawIOBase):
        def __init__(self, to):
            self.to = to

        def writable(self):
            return True

        def write(self, data):
            return self.to.write(data)

    data = os.urandom(5000) + bytes(100000)
    with open(path("other.zip"), "wb") as f, zipfile.ZipFile(Unseekable(f), "w", zipfile.ZIP_DEFLATED) as z:
        z.comment = b"a comment"
        z.writestr("folder/a", data)
        with z.open("b", "w", force_zip64=True) as member:
            member.write(data)
    for name in ("folder/a", "b"):
        tool("unpack", path("other.zip"), name, path("out"))
        with open(path("out"), "rb") as f:
            assert f.read() == data


build()
for check in (check_headers, check_refusals, check_ours_in_numpy, check_numpys_in_ours, check_other_zip_files):
    check()
    print(check.__name__, "ok")
