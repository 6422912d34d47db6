"""Divergences of random pairs of Gaussians with 60 digits: python closed_forms.py > closed-forms.json

Every number of a density is a double and stands for itself; the divergences are those of these
numbers, by the formulas with inverses and determinants. Needs mpmath. A row holds

- what it is, as `covariances` or `scale_trils`, and D;
- `p` and `q`: D numbers of the mean, then the lower triangle, row after row;
- `values`: KL(p‖q), KL(q‖p), R[0.3], R[2], D[-0.5], D[0.3], χ², H² and total variation, each as the sum of
  two doubles; null where it is infinite, or has no formula, or does not fit a double.
"""

import json
import random

from mpmath import cholesky, det, diag, eigsy, erf, exp, expm1, log, matrix, mp, mpf, qr, sqrt

mp.dps = 60
random.seed(13)
MOST_CONDITION = mpf(2) ** 53


def rotated(dim, condition):
    """A covariance with a spectrum from 1 down to 1 / condition, turned at random."""
    turn, _ = qr(matrix([[random.gauss(0, 1) for _ in range(dim)] for _ in range(dim)]))
    # On a line it is a variance.
    steps = [mpf(i) / (dim - 1) for i in range(dim)] if dim > 1 else [1]
    spectrum = [mpf(condition) ** -step for step in steps]
    return turn * diag(spectrum) * turn.T


def rounded(m):
    """The doubles nearest to the entries of the lower triangle, as a symmetric matrix."""
    dim = m.rows
    return matrix([[mpf(float(m[max(i, j), min(i, j)])) for j in range(dim)] for i in range(dim)])


def condition(covariance):
    dim = covariance.rows
    stds = [sqrt(covariance[i, i]) for i in range(dim)]
    scaled = matrix(dim, dim)
    for i in range(dim):
        for j in range(dim):
            scaled[i, j] = covariance[i, j] / stds[i] / stds[j]
    spectrum = eigsy(scaled, eigvals_only=True)
    return max(spectrum) / min(spectrum) if min(spectrum) > 0 else mp.inf


def lower(m):
    return matrix([[m[i, j] if j <= i else 0 for j in range(m.rows)] for i in range(m.rows)])


def kl(p, q):
    (mp_, sp), (mq, sq) = p, q
    inverse, offset = sq**-1, mq - mp_
    trace = sum((inverse * sp)[i, i] for i in range(sp.rows))
    return (trace + (offset.T * inverse * offset)[0] - sp.rows + log(det(sq) / det(sp))) / 2


def log_power(p, q, alpha):
    """ln of the integral of p^alpha q^(1 - alpha)."""
    (mp_, sp), (mq, sq) = p, q
    star, offset = alpha * sq + (1 - alpha) * sp, mq - mp_
    if min(eigsy(star, eigvals_only=True)) <= 0:
        return mp.inf
    logs = (1 - alpha) * log(det(sp)) + alpha * log(det(sq)) - log(det(star))
    return (logs - alpha * (1 - alpha) * (offset.T * star**-1 * offset)[0]) / 2


def total_variation(p, q):
    (mp_, sp), (mq, sq) = p, q
    if sp == sq:
        offset = mq - mp_
        return erf(sqrt((offset.T * sp**-1 * offset)[0]) / 2 / sqrt(mpf(2)))
    if sp.rows > 1:
        return None
    m1, s1, m2, s2 = mp_[0], sqrt(sp[0]), mq[0], sqrt(sq[0])
    # (x - m1)^2 / s1^2 - (x - m2)^2 / s2^2 = 2 ln(s2 / s1)
    a = 1 / s1**2 - 1 / s2**2
    b = -2 * (m1 / s1**2 - m2 / s2**2)
    c = m1**2 / s1**2 - m2**2 / s2**2 - 2 * log(s2 / s1)
    root = sqrt(b * b - 4 * a * c)
    ends = [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    mass = lambda m, s: (erf((ends[1] - m) / s / sqrt(mpf(2))) - erf((ends[0] - m) / s / sqrt(mpf(2)))) / 2
    return abs(mass(m1, s1) - mass(m2, s2))


def values(p, q):
    powers = {a: log_power(p, q, mpf(a)) for a in ("0.3", "2", "-0.5", "0.5")}
    # The orders are doubles too.
    powers["0.3"] = log_power(p, q, mpf(0.3))
    a = mpf(0.3)
    excess = lambda log_integral, factor: factor * expm1(log_integral)
    found = [
        kl(p, q),
        kl(q, p),
        powers["0.3"] / (a - 1),
        powers["2"],
        excess(powers["-0.5"], 1 / mpf("0.75")),
        excess(powers["0.3"], 1 / (a * (a - 1))),
        excess(powers["2"], 1),
        -expm1(powers["0.5"]),
        total_variation(p, q),
    ]
    fits = lambda x: x is not None and x < mpf(10) ** 290
    return [[float(x), float(x - mpf(float(x)))] if fits(x) else None for x in found]


def write(kind, means, shapes):
    """One row, of factors or covariances."""
    dim = means[0].rows
    covariances = [s * s.T if kind == "scale_trils" else s for s in shapes]
    # Of nearly equal ones most digits cancel.
    mp.dps = 160
    row = {
        "kind": kind,
        "dim": dim,
        "values": values(*zip(means, covariances)),
    }
    mp.dps = 60
    for name, mean, shape in zip("pq", means, shapes):
        triangle = [shape[i, j] for i in range(dim) for j in range(i + 1)]
        row[name] = [float(x) for x in list(mean) + triangle]
    return json.dumps(row, ensure_ascii=False)


def covariance(dim, exponent, units):
    """One that rounding to doubles leaves positive definite, in units of its own."""
    while True:
        found = rounded(units * rotated(dim, mpf(10) ** exponent) * units)
        if condition(found) < MOST_CONDITION:
            return found


def pair(dim, kind, nearness):
    exponents = [random.uniform(0, 15 if dim > 1 else 4) for _ in range(2)]
    units = diag([mpf(10) ** random.uniform(-3, 3) for _ in range(dim)])
    make = lambda exponent: covariance(dim, exponent, units)
    p = make(exponents[0])
    q = p if nearness == "equal" else make(exponents[1])
    if kind == "scale_trils":
        p, q = (lower(rounded(cholesky(s))) for s in (p, q))
        if nearness == "near":
            size = mpf(10) ** random.uniform(-12, -3)
            q = lower(rounded(p.apply(lambda x: x * (1 + size * random.gauss(0, 1)))))
    elif nearness == "near":
        # An entry of a factor in doubled precision moves by a little, and what that makes is rounded.
        size = mpf(10) ** random.uniform(-12, -3)
        factor = lower(cholesky(p)).apply(lambda x: x * (1 + size * random.gauss(0, 1)))
        q = rounded(factor * factor.T)
        if condition(q) >= MOST_CONDITION:
            return pair(dim, kind, nearness)
    far = {"near": mpf(10) ** random.uniform(-12, -3), "far": mpf(30)}.get(nearness, mpf(1))
    root = cholesky(p * p.T if kind == "scale_trils" else p)
    step = root * matrix([far * random.gauss(0, 1) for _ in range(dim)])
    mean = matrix([mpf(random.gauss(0, 1)) * units[i, i] for i in range(dim)])
    mean = mean.apply(lambda x: mpf(float(x)))
    other = (mean + step).apply(lambda x: mpf(float(x)))
    return write(kind, [mean, other], [p, q])


rows = []
for dim, count in ((1, 5), (2, 12), (3, 9), (5, 6), (20, 1)):
    for kind in ("covariances", "scale_trils"):
        for nearness in ("other", "near", "far", "equal"):
            rows += [pair(dim, kind, nearness) for _ in range(count)]
print("[\n" + ",\n".join(rows) + "\n]")
