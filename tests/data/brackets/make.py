"""Writes pairs.jsonl: random pairs of densities on the line and their divergences to 20 digits and more.

Needs python-flint, whose numbers carry a bound on their own rounding. Each integral is a sum of
Gauss-Legendre rules of 32 points over panels graded around every component; a panel is halved until
its halves agree with it to 26 digits of the whole, and beyond the last panel x = exp(u) is
integrated as far as anything is left.
"""
import json
import random
import sys

from flint import arb, ctx

ctx.prec = 160
POINTS = 32
HALF = arb("0.5")
LOG2 = arb(2).log()
NODES = [arb.legendre_p_root(POINTS, k, weight=True) for k in range(POINTS)]
ORDERS = [-0.5, 0.3, 0.9, 1.5, 3.0]
EPS = arb("1e-26")


class Density:
    def __init__(self, rows, dof=None):
        # The numbers are those that 64 bits hold.
        total = sum((arb(w) for w, _, _ in rows), arb(0))
        self.rows, self.dof = rows, dof
        if dof is None:
            scale = -(2 * arb.pi()).log() / 2
        else:
            nu = self.nu = arb(dof)
            half = nu / 2
            scale = (half + HALF).lgamma() - half.lgamma() - (nu * arb.pi()).log() / 2
        self.parts = [((arb(w) / total / arb(s)).log() + scale, arb(m), arb(s)) for w, m, s in rows]

    def log(self, x):
        logs = []
        for height, m, s in self.parts:
            z = (x - m) / s
            if self.dof is None:
                logs.append(height - z * z / 2)
            else:
                logs.append(height - (self.nu + 1) / 2 * (1 + z * z / self.nu).log())
        return log_sum(logs)


def log_sum(logs):
    top = max(logs, key=lambda log: float(log.mid()))
    if float(top.rad()) > 1e-9:
        return top  # So far below anything that only its size matters.
    return top + sum(((log - top).exp() for log in logs), arb(0)).log()


def integrands(log_p, log_q, orders):
    """All but total variation, at one point, each nowhere negative; keys as in the file."""
    p, q = log_p.exp(), log_q.exp()
    log_m = log_sum([log_p, log_q]) - LOG2
    ratio = log_p - log_q
    values = {
        "forward-kl": p * ratio - p + q,
        "reverse-kl": p - q - q * ratio,
        "js": (p * (log_p - log_m) + q * (log_q - log_m)) / 2,
        "half": ((log_p / 2).exp() - (log_q / 2).exp()) ** 2 / 2,
        "affinity-half": ((log_p + log_q) / 2).exp(),
        "chi2": (2 * log_p - log_q).exp() - 2 * p + q,
    }
    for alpha in orders:
        a = arb(alpha)
        power = (a * log_p + (1 - a) * log_q).exp()
        values[f"alpha-{alpha}"] = (power - a * p - (1 - a) * q) / (a * (a - 1))
        values[f"affinity-{alpha}"] = power
    return values


def infinite(p, q):
    """The integrals that are infinite, or too nearly so."""
    found = set()
    for alpha, names in [(a, [f"alpha-{a}", f"affinity-{a}"]) for a in ORDERS] + [(2.0, ["chi2"])]:
        if p.dof is None and q.dof is None:
            heavy, light, excess = (p, q, alpha - 1) if alpha > 1 else (q, p, -alpha)
            if excess <= 0:
                continue
            widest = max(s for _, _, s in light.rows)
            bad = any((1 + excess) / s**2 <= 1.02 * excess / widest**2 for _, _, s in heavy.rows)
        elif p.dof is not None and q.dof is not None:
            bad = alpha * p.dof + (1 - alpha) * q.dof < 0.1
        else:
            bad = alpha > 1 if p.dof is not None else alpha < 0
        if bad:
            found.update(names)
    if p.dof is not None and q.dof is None and p.dof < 2.1:
        found.add("forward-kl")
    if q.dof is not None and p.dof is None and q.dof < 2.1:
        found.add("reverse-kl")
    return found


def rule(f, a, b):
    center, half = (a + b) / 2, (b - a) / 2
    total = {}
    for node, weight in NODES:
        for key, value in f(center + half * node).items():
            total[key] = total.get(key, arb(0)) + weight * half * value
    return total


def mid(x):
    return arb(x.mid())


def integrate(f, panels, keys, scales):
    """Adds up panels; `scales` grows to what each integral is at least."""
    totals = {key: arb(0) for key in keys}
    stack = [(a, b, rule(f, a, b), 0) for a, b in panels]
    for key in keys:
        scales[key] = max(scales.get(key, arb(0)), sum((mid(abs(v[key])) for _, _, v, _ in stack), arb(0)))
    while stack:
        a, b, value, depth = stack.pop()
        c = mid((a + b) / 2)
        halves = [rule(f, a, c), rule(f, c, b)]
        both = {key: halves[0][key] + halves[1][key] for key in keys}
        if all(abs(both[key] - value[key]) < EPS * scales[key] + arb("1e-60") for key in keys) or depth > 60:
            for key in keys:
                totals[key] += both[key]
        else:
            stack += [(a, c, halves[0], depth + 1), (c, b, halves[1], depth + 1)]
    return totals


def cuts(p, q):
    marks = set()
    for density in (p, q):
        for _, m, s in density.rows:
            marks.add(m)
            for i in range(-1, 7):
                marks.update((m - s * 2.0**i, m + s * 2.0**i))
    # Powers of one beside the other peak elsewhere.
    for _, m, s in p.rows if p.dof is None and q.dof is None else []:
        for _, n, t in q.rows:
            for alpha in ORDERS + [0.5, 2.0]:
                precision = alpha / s**2 + (1 - alpha) / t**2
                if precision > 0:
                    peak = (alpha * m / s**2 + (1 - alpha) * n / t**2) / precision
                    width = precision**-0.5
                    marks.update(peak + width * k for k in (-16, -6, -2.5, 0, 2.5, 6, 16))
    marks = sorted(marks)
    closest = 1e-3 * min(s for density in (p, q) for _, _, s in density.rows)
    return [a for a, b in zip(marks, marks[1:]) if b - a > closest] + marks[-1:]


def outward(f, start, sign, keys, scales):
    """From `start` on, in x = start + sign (exp(u) - 1), until nothing is left of any integral."""
    def g(u):
        grown = u.exp()
        return {key: value * grown for key, value in f(arb(start) + sign * (grown - 1)).items()}
    totals = {key: arb(0) for key in keys}
    u, step = arb(0), arb(HALF)
    alive = set(keys)
    while alive and u < 3000:
        part = integrate(g, [(u, u + step)], keys, scales)
        for key in keys:
            totals[key] += part[key]
        if u > 5:
            alive = {key for key in alive if not abs(part[key]) < EPS / 100 * scales[key]}
        u += step
        step = min(step * 2, arb(2))
    return totals


def total_variation(p, q, panels):
    """Between the roots of p - q, which are looked for at the points of a rule in every panel."""
    def difference(x):
        return p.log(x).exp() - q.log(x).exp()
    marks = []
    for a, b in panels:
        xs = [a] + sorted(((a + b) / 2 + (b - a) / 2 * node for node, _ in NODES), key=float) + [b]
        values = [difference(x) for x in xs]
        for (x, v), (y, w) in zip(zip(xs, values), zip(xs[1:], values[1:])):
            if v * w < 0:
                left, right, positive = mid(x), mid(y), v > 0
                for _ in range(150):
                    c = mid((left + right) / 2)
                    if (difference(c) > 0) == bool(positive):
                        left = c
                    else:
                        right = c
                marks.append((a, b, left))
    parts = []
    for a, b in panels:
        ends = [a] + [m for x, y, m in marks if x is a and y is b] + [b]
        parts += list(zip(ends, ends[1:]))
    def f(x):
        d = difference(x)
        return {"tv": d / 2}
    # Of one sign on each part, so that the sum of absolute values is that of the integrals.
    scales = {}
    total = arb(0)
    scale = sum((mid(abs(rule(f, a, b)["tv"])) for a, b in parts), arb(0))
    for a, b in parts:
        total += abs(integrate(f, [(a, b)], ["tv"], {"tv": scale})["tv"])
    return total


def truths(p, q):
    skipped = infinite(p, q)
    orders = [a for a in ORDERS if f"alpha-{a}" not in skipped]
    def f(x):
        values = integrands(p.log(x), q.log(x), orders)
        return {key: value for key, value in values.items() if key not in skipped}
    keys = list(f(arb(0.5)))
    marks = cuts(p, q)
    panels = [(arb(a), arb(b)) for a, b in zip(marks, marks[1:])]
    scales = {}
    totals = integrate(f, panels, keys, scales)
    for start, sign in ((marks[0], -1), (marks[-1], 1)):
        part = outward(f, start, sign, keys, scales)
        for key in keys:
            totals[key] += part[key]
    # Wider and wider, for total variation.
    growth, count = (3.0, 70) if p.dof or q.dof else (1.5, 12)
    steps = [growth**i - 1 for i in range(count)]
    beyond = [(arb(marks[-1] + a), arb(marks[-1] + b)) for a, b in zip(steps, steps[1:])]
    below = [(arb(marks[0] - b), arb(marks[0] - a)) for a, b in zip(steps, steps[1:])]
    result = {key: totals[key] for key in keys if key.startswith(("forward", "reverse", "js", "chi2", "alpha"))}
    result["squared-hellinger"] = totals["half"]
    for alpha in orders + [0.5]:
        key = "affinity-half" if alpha == 0.5 else f"affinity-{alpha}"
        if alpha <= 0:
            continue
        affinity, a = totals[key], arb(alpha)
        # What keeps most digits.
        excess = totals["half"] * -1 if alpha == 0.5 else totals[f"alpha-{alpha}"] * a * (a - 1)
        log = affinity.log() if not abs(excess) < HALF else (1 + excess).log()
        result[f"renyi-{alpha}"] = log / (a - 1)
    result["total-variation"] = total_variation(p, q, below[::-1] + panels + beyond)
    found = {}
    for key, value in result.items():
        digits = value.rel_accuracy_bits() * 0.301
        if digits < 20:
            print("few digits", key, value, file=sys.stderr)
            continue
        number = float(value.str(25, radius=False))
        if number < 1e300:
            found[key] = number
    return found


def mixture(rng, most, spread, heavy):
    count = rng.randint(1, most)
    lowest = -9.0
    rows = []
    for _ in range(count):
        weight = 10 ** rng.uniform(-6, 0) if rng.random() < 0.3 else rng.uniform(0.1, 1)
        rows.append([weight, rng.gauss(0, spread), 2.718281828 ** rng.uniform(lowest, 1.5)])
    dof = round(10 ** rng.uniform(-0.301, 2), 3) if heavy else None
    return Density(rows, dof)


def near(rng, p):
    rows = [[w * (1 + 1e-8 * rng.gauss(0, 1)), m + s * 1e-8 * rng.gauss(0, 1), s * (1 + 1e-8 * rng.gauss(0, 1))] for w, m, s in p.rows]
    return Density(rows, p.dof)


def pairs(rng, gaussian, heavy):
    for i in range(gaussian):
        p = mixture(rng, 4, 2.0, False)
        if i % 7 == 5:
            yield "near", p, near(rng, p)
        elif i % 7 == 6:
            q = mixture(rng, 4, 2.0, False)
            shift = rng.choice([-1, 1]) * 10 ** rng.uniform(1, 2)
            yield "far", p, Density([[w, m + shift, s] for w, m, s in q.rows])
        else:
            yield "any", p, mixture(rng, 4, 2.0, False)
    for i in range(heavy):
        p = mixture(rng, 4, 2.0, i % 3 != 1)
        if i % 7 == 5 and p.dof:
            yield "heavy near", p, near(rng, p)
        else:
            yield "heavy", p, mixture(rng, 4, 2.0, i % 3 != 0)


if __name__ == "__main__":
    path, gaussian, heavy = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, "a+") as file:
        # Goes on where it was left.
        file.seek(0)
        done = len(file.readlines())
        for i, (name, p, q) in enumerate(pairs(random.Random(13), gaussian, heavy)):
            if i < done:
                continue
            entry = {"name": name, "p": p.rows, "p_dof": p.dof, "q": q.rows, "q_dof": q.dof, "values": truths(p, q)}
            file.write(json.dumps(entry) + "\n")
            file.flush()
