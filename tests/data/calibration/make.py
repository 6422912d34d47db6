"""Writes pairs.jsonl: pairs of mixtures on a line with every divergence to 24 digits.

Needs mpmath and gmpy2; takes some ten minutes on two cores. Every panel between the points of
structure is integrated by two rules, tanh-sinh and Gauss-Legendre, and bisected until they agree;
every tenth pair is done again with more digits on other panels, and its KL by mpmath's own quad.
"""
import json
import math
import random
import sys
from concurrent.futures import ProcessPoolExecutor

import gmpy2
import mpmath
from gmpy2 import mpfr
from mpmath.calculus.quadrature import GaussLegendre, TanhSinh

ORDERS = [-0.5, 0.5, 1.5, 2.0]
AGREE = 26  # digits to which the rules must agree
WRITTEN = 24


# ---- the pairs -------------------------------------------------------------------------------

def mixture(rng, most, widest, ratio):
    k = rng.randint(1, most)
    stds = [widest * math.exp(-rng.random() * math.log(ratio)) for _ in range(k)]
    stds[rng.randrange(k)] = widest
    means = [rng.uniform(-5, 5) * widest for _ in range(k)]
    light = rng.random() < 0.5
    weights = [math.exp(rng.uniform(math.log(1e-6), 0)) if light else rng.uniform(0.1, 1) for _ in range(k)]
    return [list(row) for row in zip(weights, means, stds)]


def pairs():
    rng = random.Random(20)
    hard = math.exp(11.5)
    third = [[0.27744362413815976, -2.454224875624668, 1.8292007071987069],
             [0.0761796825109851, -3.7517999376857767, 0.0008952285495214683],
             [0.33203035917103346, 1.3126132566809126, 1.4871018262577762],
             [0.3143463341798216, 2.3945169227934158, 0.000618403009207881]]
    yield "spikes in slabs", third, [[1.0, 1.5226765955160868, 0.8204454518056621]]
    yield "two spikes apart", \
        [[0.0431206228748715, -3.4610443820543226, 0.799627090517759], [1 - 0.0431206228748715, 5.576022387408573, 0.0006961463925850683]], \
        [[0.0369180516898995, 3.643165040546072, 1.0342941024222084], [1 - 0.0369180516898995, 3.344699286571805, 0.007261604690524146]]
    yield "spike on slab", [[0.5, 0.0, 0.3], [0.5, 3.0, 0.003]], [[1.0, 1.5, 2.0]]
    for _ in range(80):
        yield "random", mixture(rng, 4, 1.0, hard), mixture(rng, 4, 1.0, hard)
    for _ in range(15):
        yield "many", mixture(rng, 10, 1.0, hard), mixture(rng, 10, 1.0, hard)
    for _ in range(50):
        # A light or heavy spike beside, in or far outside a slab, seen by another slab.
        s = math.exp(rng.uniform(-11.5, 0))
        w = math.exp(rng.uniform(math.log(1e-6), math.log(0.5)))
        m = rng.choice([rng.uniform(-1, 1), rng.uniform(-8, 8), rng.uniform(-30, 30)])
        p = [[1 - w, 0.0, 1.0], [w, m, s]]
        q = [[1.0, rng.uniform(-1, 1), math.exp(rng.uniform(-0.5, 1))]]
        yield "spike", *rng.choice([(p, q), (q, p)])
    for _ in range(50):
        # Spikes of q on those of p.
        p = mixture(rng, 4, 1.0, hard)
        q = mixture(rng, 2, 1.3, 10)
        for w, m, s in p:
            if rng.random() < 0.7:
                q.append([w * rng.uniform(0.3, 3), m + s * rng.uniform(-2, 2), s * math.exp(rng.uniform(-1, 1))])
        yield "spike on spike", *rng.choice([(p, q), (q, p)])
    for i in range(50):
        size = 10.0 ** -rng.uniform(1, 9)
        p = mixture(rng, 4, 1.0, hard if i % 2 else 10)
        q = [[w * (1 + size * rng.uniform(-1, 1)), m + size * s * rng.uniform(-1, 1), s * (1 + size * rng.uniform(-1, 1))] for w, m, s in p]
        yield "near", p, q
    for _ in range(40):
        p, q = mixture(rng, 3, 1.0, 1e3), mixture(rng, 3, 1.0, 30)
        apart = 10.0 ** rng.uniform(0.8, 3.15)
        q = [[w, m + apart, s * 3] for w, m, s in q]
        yield "far", *rng.choice([(p, q), (q, p)])
    for _ in range(20):
        p, q = ([[1.0, rng.uniform(-2, 2), math.exp(rng.uniform(-3, 1))]] for _ in range(2))
        yield "two Gaussians", p, q


# ---- the rules -------------------------------------------------------------------------------

class Rules:
    """Nodes and weights on [-1, 1] from mpmath, in numbers of gmpy2."""

    def __init__(self, bits):
        self.bits = bits
        gmpy2.get_context().precision = bits
        mpmath.mp.prec = bits
        self.rules = [self.read(TanhSinh, 5), self.read(GaussLegendre, 5)]
        self.root = gmpy2.sqrt(2 * gmpy2.const_pi())

    def read(self, kind, degree):
        nodes = kind(mpmath.mp).get_nodes(-1, 1, degree, self.bits)
        number = lambda x: mpfr(mpmath.nstr(x, int(self.bits * 0.302) + 3, strip_zeros=False))
        nodes = [(number(x), number(w)) for x, w in nodes]
        if kind is TanhSinh:
            # The table of a degree holds what is new beside the degree before.
            for d in range(1, degree):
                nodes += [(number(x), number(w)) for x, w in kind(mpmath.mp).get_nodes(-1, 1, d, self.bits)]
            total = sum(w for _, w in nodes)
            nodes = [(x, w * 2 / total) for x, w in nodes]
        assert abs(sum(w for _, w in nodes) - 2) < mpfr(10) ** -36
        assert abs(sum(w * x**6 for x, w in nodes) - mpfr(2) / 7) < mpfr(10) ** -36
        return nodes


class Pair:
    def __init__(self, p, q, rules):
        self.rules = rules
        # The numbers are those that 64 bits hold; weights count by their share.
        self.sides = [[(mpfr(w) / sum(mpfr(v) for v, _, _ in rows) / (mpfr(s) * rules.root), mpfr(m), mpfr(s))
                       for w, m, s in rows] for rows in (p, q)]
        widest = [max(s for _, _, s in rows) for rows in self.sides]
        self.finite = [a / widest[0] ** 2 + (1 - a) / widest[1] ** 2 > 0 for a in map(mpfr, ORDERS)]
        self.orders = [mpfr(a) for a in ORDERS]

    def densities(self, x):
        return [sum(c * gmpy2.exp(-((x - m) / s) ** 2 / 2) for c, m, s in rows) for rows in self.sides]

    def powers(self, lp, lq):
        return [gmpy2.exp(a * lp + (1 - a) * lq) if fine else mpfr(0) for a, fine in zip(self.orders, self.finite)]

    def at(self, x):
        """KL both ways, JS, TV and alpha-divergences before integration, in forms of which no part
        cancels another panel's, and the integral of sqrt(p q)."""
        p, q = self.densities(x)
        lp, lq, lm = gmpy2.log(p), gmpy2.log(q), gmpy2.log((p + q) / 2)
        js = (p * (lp - lm) + q * (lq - lm)) / 2
        powers = self.powers(lp, lq)
        alphas = [(a * p + (1 - a) * q - power) / (a * (1 - a)) if fine else mpfr(0)
                  for a, power, fine in zip(self.orders, powers, self.finite)]
        return [p * (lp - lq) - p + q, q * (lq - lp) - q + p, js, abs(p - q) / 2] + alphas + [powers[ORDERS.index(0.5)]]

    def apply(self, rule, a, b):
        mid, half = (a + b) / 2, (b - a) / 2
        total = [mpfr(0)] * (5 + len(ORDERS))
        for x, w in rule:
            w = w * half
            total = [t + w * f for t, f in zip(total, self.at(mid + half * x))]
        return total

    def crossings(self, a, b):
        """Where p - q changes its sign, as far as 40 steps tell."""
        difference = lambda x: (lambda d: d[0] - d[1])(self.densities(x))
        steps = [a + (b - a) * i / 40 for i in range(41)]
        signs = [difference(x) > 0 for x in steps]
        for low, high, sign, other in zip(steps, steps[1:], signs, signs[1:]):
            if sign == other:
                continue
            for _ in range(self.rules.bits):
                middle = (low + high) / 2
                low, high = (middle, high) if (difference(middle) > 0) == sign else (low, middle)
            yield low

    def cuts(self, marks):
        parts = [(m, s) for rows in self.sides for _, m, s in rows]
        ends = [min(m - 24 * s for m, s in parts), max(m + 24 * s for m, s in parts)]
        cuts = {m + sign * k * s for m, s in parts for k in marks for sign in (-1, 1)} | set(ends)
        # Where one component takes over from another of the same side.
        for rows in self.sides:
            for i, (c, m, s) in enumerate(rows):
                for d, n, t in rows[:i]:
                    a, b = 1 / t**2 - 1 / s**2, m / s**2 - n / t**2
                    e = n**2 / t**2 - m**2 / s**2 + 2 * gmpy2.log(c / d)
                    if a == 0:
                        cuts |= {-e / (2 * b)} if b != 0 else set()
                    elif b * b > a * e:
                        root = gmpy2.sqrt(b * b - a * e)
                        cuts |= {(-b - root) / a, (-b + root) / a}
        cuts = sorted(c for c in cuts if ends[0] <= c <= ends[1])
        # Powers may live farther out: outwards until nothing is left of them.
        for sign in (-1, 1):
            step, edge = (ends[1] - ends[0]) / 8, ends[(sign + 1) // 2]
            size = lambda x: [max(v, mpfr(0)) for v in self.powers(*map(gmpy2.log, self.densities(x)))]
            largest = [max(column) for column in zip(*map(size, cuts))]
            while any(here > mpfr(10) ** -60 * most for here, most in zip(size(edge), largest)):
                edge, step = edge + sign * step, step * mpfr(1.5)
                cuts.append(edge)
                largest = [max(pair) for pair in zip(largest, size(edge))]
        cuts = sorted(cuts)
        merged = cuts[:1]
        for cut in cuts[1:]:
            if cut - merged[-1] > mpfr(10) ** -3 * min(s for _, s in parts):
                merged.append(cut)
        merged[-1] = max(merged[-1], cuts[-1])
        return merged

    def integrals(self, marks):
        cuts = self.cuts(marks)
        cuts = sorted(set(cuts) | {c for ends in zip(cuts, cuts[1:]) for c in self.crossings(*ends)})
        tanh_sinh, gauss = self.rules.rules
        panels = [(a, b, self.apply(gauss, a, b)) for a, b in zip(cuts, cuts[1:])]
        scale = [max(map(abs, column)) for column in zip(*(g for _, _, g in panels))]
        total, other = [mpfr(0)] * len(scale), [mpfr(0)] * len(scale)
        while panels:
            a, b, g = panels.pop()
            t = self.apply(tanh_sinh, a, b)
            scale = [max(s, abs(v)) for s, v in zip(scale, t)]
            if all(abs(x - y) <= mpfr(10) ** -32 * s for x, y, s in zip(g, t, scale)):
                total = [x + y for x, y in zip(total, t)]
                other = [x + y for x, y in zip(other, g)]
            else:
                middle = (a + b) / 2
                panels += [(a, middle, self.apply(gauss, a, middle)), (middle, b, self.apply(gauss, middle, b))]
        return total, other


def divergences(integrals, finite):
    forward, reverse, js, tv = integrals[:4]
    alphas = {a: v if fine else mpfr("inf") for a, v, fine in zip(ORDERS, integrals[4:], finite)}
    values = {"forward-kl": forward, "reverse-kl": reverse, "js": js, "jeffreys": forward + reverse, "total-variation": tv}
    values |= {f"alpha-{a}": alphas[a] for a in (-0.5, 0.5, 1.5)}
    values["chi2"] = 2 * alphas[2.0]
    values["squared-hellinger"] = alphas[0.5] / 4
    apart = integrals[-1]
    values["renyi-0.5"] = -2 * (gmpy2.log(apart) if apart < 0.5 else gmpy2.log1p(-alphas[0.5] / 4))
    values["renyi-1.5"] = 2 * gmpy2.log1p(mpfr(0.75) * alphas[1.5])
    return values


MARKS = [0, 0.5, 1, 2, 3, 4.5, 6, 8, 11, 16, 24]
OTHERS = [0, 0.75, 1.5, 2.5, 4, 5, 7, 10, 14, 20, 24]


def close(a, b, digits=AGREE):
    return a == b or abs(a - b) <= mpfr(10) ** -digits * max(abs(a), abs(b))


def solve(numbered):
    number, (name, p, q) = numbered
    rules = Rules(176)
    pair = Pair(p, q, rules)
    total, other = pair.integrals(MARKS)
    values, again = divergences(total, pair.finite), divergences(other, pair.finite)
    for kind in values:
        assert close(values[kind], again[kind]), (number, name, kind, values[kind], again[kind])
    if number % 10 == 0:
        more = Rules(224)
        pair = Pair(p, q, more)
        again = divergences(pair.integrals(OTHERS)[0], pair.finite)
        for kind in values:
            assert close(values[kind], again[kind]), (number, name, kind, values[kind], again[kind])
        mpmath.mp.dps = 50
        def f(x):
            of = [sum(mpmath.mpf(w) / sum(mpmath.mpf(v) for v, _, _ in rows) / s * mpmath.npdf((x - m) / mpmath.mpf(s)) for w, m, s in rows) for rows in (p, q)]
            return of[0] * mpmath.log(of[0] / of[1]) - of[0] + of[1]
        parts = [(m, s) for rows in (p, q) for _, m, s in rows]
        ends = sorted({mpmath.mpf(m) + mpmath.mpf(sign * k) / 2 * s for m, s in parts for k in range(0, 49, 2) for sign in (-1, 1)})
        kl = mpmath.quad(f, ends, maxdegree=8)
        assert close(mpfr(mpmath.nstr(kl, 40)), values["forward-kl"], 18), (number, name, kl, values["forward-kl"])
    digits = lambda v: "inf" if gmpy2.is_infinite(v) else f"{v:.{WRITTEN}e}".replace("e+", "e")
    return {"name": name, "p": p, "q": q, "values": {kind: digits(v) for kind, v in values.items()}}


if __name__ == "__main__":
    todo = list(enumerate(pairs()))
    if len(sys.argv) > 1:
        todo = todo[:: int(sys.argv[1])]
    with ProcessPoolExecutor(2) as pool, open("pairs.jsonl" if len(sys.argv) == 1 else "/dev/stdout", "w") as file:
        for row in pool.map(solve, todo):
            file.write(json.dumps(row) + "\n")
