"""Prints KL(p||q) of the pairs that the bracket on a line is tested with, to 22 digits.

Needs mpmath; it works with 60 digits.
"""
from mpmath import mp, mpf, exp, log, sqrt, pi, quad, nstr

mp.dps = 60

def kl(p, q):
    # The numbers are those that 64 bits hold.
    p, q = ([[mpf(x) for x in row] for row in rows] for rows in (p, q))
    def density(rows, x):
        total = sum(w for w, _, _ in rows)
        return sum(w / total * exp(-((x - m) / s) ** 2 / 2) / (s * sqrt(2 * pi)) for w, m, s in rows)
    def f(x):
        a, b = density(p, x), density(q, x)
        return a * log(a / b)
    marks = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 13, 17, 30, 100, 1000]
    ends = [min(m - 17 * s for _, m, s in p), max(m + 17 * s for _, m, s in p)]
    cuts = {m + sign * k * s for rows in (p, q) for _, m, s in rows for k in [0] + marks for sign in (-1, 1)}
    cuts = sorted(c for c in cuts | set(ends) if ends[0] <= c <= ends[1])
    def panel(a, b):
        value, error = quad(f, [a, b], method="gauss-legendre", error=True, maxdegree=5)
        if error < mpf(10) ** -35 * (1 + abs(value)):
            return value, error
        (v, e), (w, d) = panel(a, (a + b) / 2), panel((a + b) / 2, b)
        return v + w, e + d
    parts = [panel(a, b) for a, b in zip(cuts, cuts[1:])]
    value, error = (sum(column) for column in zip(*parts))
    return value, error

# [weight, mean, std]
far = [[0.5, 0.0, 1.0], [0.5, 2000.0, 1.0]], [[0.5, 0.0, 1.5], [0.5, 1000.0, 2.0]]
spike = [[0.5, 0.0, 1e-6], [0.5, 1.0, 1e3]], [[0.3, 1e-6, 2e-6], [0.7, 0.0, 500.0]]
light = [[0.5, -1.0, 1.0], [0.5, 1.0, 2.0]], [[0.5, 0.0, 1e-3], [0.5, 0.1, 7e-4]]
near = [[0.25, -1.0, 0.5], [0.75, 2.0, 1.0]], [[0.25, -1.0 - 1e-7, 0.5], [0.75, 2.0, 1.0 + 1e-7]]
close = near[0], [[0.25, -1.001, 0.5], [0.75, 2.0, 1.001]]
wider = near[0], [[0.3, -1.03, 0.5], [0.7, 2.1, 1.07]]
half = lambda rows: [[w / 2, m, s] for w, m, s in rows]
shannon = [[1.0, 0.0, 1.0]], half([[1.0, 0.0, 1.0]]) + half([[0.1, 0.5, 1e-4], [0.9, 3.0, 2.0]])
for name, (p, q) in dict(far=far, spike=spike, light=light, near=near, close=close, wider=wider, shannon=shannon).items():
    value, error = kl(p, q)
    print(name, nstr(value, 22), "+/-", nstr(error, 2))
