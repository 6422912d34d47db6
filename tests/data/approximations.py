"""Prints the approximations to KL(p||q) that the tests expect, from the formulas of their papers.

Needs mpmath and SciPy. p and q are mixtures of two Gaussians on a line.
"""
from mpmath import exp, log, mp, mpf, npdf, sqrt

mp.dps = 30
p = [(mpf("0.4"), mpf(-1), mpf("0.5")), (mpf("0.6"), mpf(2), mpf("1.5"))]
q = [(mpf("0.7"), mpf("-0.5"), mpf(2)), (mpf("0.3"), mpf(1), mpf("1.75"))]


def density(mixture, x):
    return sum(w * npdf(x, m, s) for w, m, s in mixture)


def kl(f, g):
    return log(g[2] / f[2]) + (f[2] ** 2 + (f[1] - g[1]) ** 2) / (2 * g[2] ** 2) - mpf(1) / 2


def overlap(f, g):
    return npdf(f[1], g[1], sqrt(f[2] ** 2 + g[2] ** 2))


unscented = sum(
    w / 2 * sum(log(density(p, x) / density(q, x)) for x in (m - s, m + s)) for w, m, s in p
)
product = sum(
    f[0] * log(sum(g[0] * overlap(f, g) for g in p) / sum(g[0] * overlap(f, g) for g in q))
    for f in p
)
variational = sum(
    f[0] * log(sum(g[0] * exp(-kl(f, g)) for g in p) / sum(g[0] * exp(-kl(f, g)) for g in q))
    for f in p
)
goldberger = sum(f[0] * min(kl(f, g) + log(f[0] / g[0]) for g in q) for f in p)


def upper():
    """The least over both lists of shares, by a minimiser that knows nothing of the alternation."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit, rel_entr

    costs = np.array([[float(kl(f, g)) for g in q] for f in p])
    weights, others = [np.array([float(c[0]) for c in m]) for m in (p, q)]

    def bound(theta):
        a, b, c, d = expit(theta)
        phi = np.array([[a, 1 - a], [b, 1 - b]]) * weights[:, None]
        psi = np.array([[c, d], [1 - c, 1 - d]]) * others[None, :]
        return (rel_entr(phi, psi) + phi * costs).sum()

    starts = np.random.default_rng(0).normal(size=(20, 4))
    options = {"ftol": 1e-15, "gtol": 1e-12, "maxiter": 10000}
    ends = [minimize(bound, s, bounds=[(-30, 30)] * 4, options=options).fun for s in starts]
    return min(ends)


for name in ["unscented", "product", "variational", "goldberger"]:
    print(name, mp.nstr(globals()[name], 17))
print("variational-upper", repr(float(upper())))
