# SPDX-License-Identifier: Apache-2.0
"""The library's statistics against NumPy: sums, deviations and quantiles bit for bit, the rest to rounding."""

import ctypes as c
import os

from outside import need

np = need("numpy")
lib = c.CDLL(os.path.join(os.environ["SHEAF_BUILD"], "libsheaf.so"))
DOUBLES = np.ctypeslib.ndpointer(np.float64, flags="C")
INTEGERS = np.ctypeslib.ndpointer(np.int64, flags="C")
SIZE = c.c_size_t
rng = np.random.default_rng(20240611)


class Moments(c.Structure):
    _fields_ = [("count", c.c_uint64)] + [(k, c.c_double) for k in ("sum", "mean", "std", "min", "max", "last")]


class Share(c.Structure):
    _fields_ = [("count", c.c_uint64), ("n", c.c_uint64)] + [(k, c.c_double) for k in ("share", "low", "high")]


class Growth(c.Structure):
    _fields_ = [(k, c.c_double) for k in ("mean", "median", "ensemble", "gap")]


def declare(name, *arguments, result=c.c_int):
    function = getattr(lib, "sheaf_stats_" + name)
    function.restype = result
    function.argtypes = arguments
    return function


def scalar(name, *kinds):
    """A function of an array and parameters with one double as its result."""
    function = declare(name, *kinds, c.POINTER(c.c_double), c.c_void_p)

    def call(*arguments):
        out = c.c_double()
        assert function(*arguments, c.byref(out), None) == 0, (name, arguments)
        return out.value

    return call


sum_of = declare("sum", DOUBLES, SIZE, result=c.c_double)
volatility = declare("volatility", DOUBLES, SIZE, result=c.c_double)
describe = declare("describe", DOUBLES, SIZE, c.c_uint, c.POINTER(Moments), c.c_void_p)
quantiles = declare("quantiles", DOUBLES, SIZE, DOUBLES, SIZE, DOUBLES, c.c_void_p)
tvar = scalar("tvar", DOUBLES, SIZE, c.c_double)
pml = scalar("pml", DOUBLES, SIZE, c.c_double)
capital = scalar("economic_capital", DOUBLES, SIZE, c.c_double)
hill = scalar("hill", DOUBLES, SIZE, c.c_double)
drawdown = scalar("drawdown", DOUBLES, SIZE)
rhat = scalar("rhat", DOUBLES, SIZE, SIZE)
ess = scalar("ess", DOUBLES, SIZE)
mcse = scalar("mcse", DOUBLES, SIZE)
ruin = declare("ruin", INTEGERS, SIZE, c.c_int64, c.POINTER(Share), c.c_void_p)
survival = declare("survival", INTEGERS, SIZE, SIZE, DOUBLES, c.c_void_p)
growth = declare("growth_of", DOUBLES, DOUBLES, SIZE, c.c_double, c.POINTER(Growth), c.c_void_p)


def same(got, want, what):
    assert np.float64(got).tobytes() == np.float64(want).tobytes(), f"{what}: {got!r} is not {want!r}"


def near(got, want, what):
    assert abs(got - want) <= 1e-12 * max(1.0, abs(want)), f"{what}: {got!r} is not {want!r}"


def lengths():
    return list(range(1, 300)) + [383, 384, 385, 1000, 1001, 1023, 1024, 1025, 4097, 65536, 100003, 1000001]


def check_sums_and_deviations():
    for n in lengths():
        x = rng.lognormal(3, 2, n)
        same(sum_of(x, n), np.sum(x), f"sum of {n}")
        m = Moments()
        for ddof in (0, 1):
            assert describe(x, n, ddof, c.byref(m), None) == 0
            same(m.mean, np.mean(x), f"mean of {n}")
            if n > ddof:
                same(m.std, np.std(x, ddof=ddof), f"std of {n}, ddof {ddof}")
            same(m.min, np.min(x), "min")
            same(m.max, np.max(x), "max")
    narrow = rng.lognormal(3, 2, 1003).astype(np.float32).astype(np.float64)
    same(sum_of(narrow, 1003), np.sum(narrow), "sum of widened f32")


def check_volatility():
    for n in lengths():
        x = rng.lognormal(3, 2, n)
        for zeros in (0, n // 7):
            x[rng.integers(0, n, zeros)] = 0
            base = x[:-1]
            change = np.diff(x)[base != 0] / base[base != 0]
            same(volatility(x, n), np.std(change) if len(change) else 0.0, f"volatility of {n}")


def check_quantiles():
    p = np.array([0, 1, 0.5, 0.01, 0.05, 0.95, 0.99, 0.999, 1 / 3, 0.1, 0.7])
    out = np.empty(len(p))
    for n in lengths():
        for x in (rng.normal(0, 10, n), rng.integers(0, 5, n).astype(float)):
            assert quantiles(x, n, p, len(p), out, None) == 0
            assert out.tobytes() == np.quantile(x, p).tobytes(), (n, out, np.quantile(x, p))


def check_risk():
    for n in (1, 2, 10, 1000, 100003):
        x = rng.lognormal(10, 2, n)
        for level in (0.9, 0.95, 0.99, 0.995):
            same(tvar(x, n, level), np.mean(x[x >= np.quantile(x, level)]), "tvar")
        for period in (2, 5, 10, 25, 50, 100, 200, 250, 500, 1000):
            same(pml(x, n, period), np.quantile(x, 1 - 1 / period), "pml")
        same(capital(x, n, 0.999), max(0.0, np.quantile(x, 0.999) - np.mean(x)), "economic capital")
        u = np.quantile(x, 0.9)
        if n > 1:
            near(hill(x, n, 0.9), np.sum(x > u) / np.sum(np.log(x[x > u] / u)), "hill")


def check_paths():
    for n in (1, 2, 50, 1000):
        x = np.cumsum(rng.normal(0, 1, n))
        same(drawdown(x, n), np.max(np.maximum.accumulate(x) - x), "drawdown")
    first, last = np.full(999, 100.0), rng.lognormal(4.7, 1, 999)
    g, out = np.log(last / first) / 50, Growth()
    assert growth(first, last, 999, 50.0, c.byref(out), None) == 0
    near(out.mean, np.mean(g), "time average")
    near(out.median, np.median(g), "median")
    near(out.ensemble, np.log(np.mean(last) / 100) / 50, "ensemble growth")
    near(out.gap, out.ensemble - out.mean, "gap")


def check_ruin():
    year = np.where(rng.random(1000) < 0.3, rng.integers(0, 50, 1000), -1).astype(np.int64)
    curve = np.empty(50)
    assert survival(year, 1000, 50, curve, None) == 0
    for horizon in range(50):
        share = Share()
        assert ruin(year, 1000, horizon, c.byref(share), None) == 0
        p = np.mean((year >= 0) & (year <= horizon))
        near(share.share, p, "ruin")
        near(curve[horizon], 1 - p, "survival")
        z, n = 1.959963984540054, 1000
        assert abs((share.low - p) * (share.low - p) - z * z * share.low * (1 - share.low) / n) < 1e-12  # Wilson's defining equation
        assert abs((share.high - p) * (share.high - p) - z * z * share.high * (1 - share.high) / n) < 1e-12


def check_convergence():
    chains = rng.normal(0, 1, (4, 500)) + np.arange(4)[:, None] * 0.1
    within, between = np.mean(np.var(chains, axis=1, ddof=1)), 500 * np.var(np.mean(chains, axis=1), ddof=1)
    near(rhat(chains, 4, 500), np.sqrt((499 / 500 * within + between / 500) / within), "rhat")
    x = np.zeros(5000)
    for i in range(1, 5000):
        x[i] = 0.9 * x[i - 1] + rng.normal()
    d = x - np.mean(x)
    rho = [np.sum(d[: 5000 - k] * d[k:]) / np.sum(d * d) for k in range(1001)]
    pairs, k = 0.0, 1
    while 2 * k <= min(5000 // 4, 1000) and rho[2 * k - 1] + rho[2 * k] > 0:
        pairs += rho[2 * k - 1] + rho[2 * k]
        k += 1
    want = 5000 / max(1.0, 1 + 2 * pairs)
    assert abs(ess(x, 5000) - want) < 1e-8 * want
    assert abs(mcse(x, 5000) - np.std(x, ddof=1) / np.sqrt(want)) < 1e-8


with np.errstate(all="ignore"):
    for check in (check_sums_and_deviations, check_volatility, check_quantiles, check_risk, check_paths, check_ruin, check_convergence):
        check()
        print(check.__name__, "ok")
