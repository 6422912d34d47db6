"""How fast the package is beside scikit-learn and beside a function of NumPy: `python benches/speed.py`.

Prints the KL of two mixtures by a million draws, D = 8 and K = 10, against the two calls of scikit-learn's `score_samples`
that such an estimate takes; the share of a fit that is spent outside the function that is its target; likelihood and time
of `GaussianMixture` against scikit-learn's; and how long `import klfit` takes.
"""

import subprocess
import sys
import time

import klfit
import numpy as np
from sklearn.mixture import GaussianMixture

DRAWS = 1_000_000


def least(repeats, act):
    """Seconds of the fastest of some times."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return min(times)


def mixtures():
    """Two mixtures of ten Gaussians in eight dimensions, of scikit-learn's."""
    generator = np.random.default_rng(0)
    for _ in range(2):
        rows = generator.normal(size=(4000, 8)) + generator.choice([-2.0, 2.0], size=(4000, 8))
        yield GaussianMixture(10, max_iter=5, tol=1.0, random_state=0).fit(rows)


def divergence():
    p, q = mixtures()
    x = p.sample(DRAWS)[0]
    theirs = least(3, lambda: (p.score_samples(x) - q.score_samples(x)).mean())
    asked = {"method": "monte-carlo", "samples": DRAWS, "bracket": False}
    ours = least(3, lambda: klfit.kl(p, q, **asked))
    found = klfit.kl(p, q, **asked)
    ratios = p.score_samples(x) - q.score_samples(x)
    print(f"KL by 10^6 draws, D = 8, K = 10: klfit {ours * 1e3:.0f} ms ({found.samples:,} draws), ", end="")
    print(f"scikit-learn's two score_samples {theirs * 1e3:.0f} ms: {theirs / ours:.0f} times")
    print(f"    {found}; scikit-learn {ratios.mean():.4f} ± {ratios.std() / DRAWS**0.5:.4f}")


class Timed:
    """A function that counts how long it takes."""

    def __init__(self, function):
        self.function, self.seconds, self.points = function, 0.0, 0

    def __call__(self, x):
        began = time.perf_counter()
        answer = self.function(x)
        self.seconds += time.perf_counter() - began
        self.points += len(x)
        return answer


def bumps(x):
    """A banana and a bump."""
    a, b = x.T
    bend = b - 0.5 * a**2
    banana = -0.5 * a**2 - 2.0 * bend**2
    bump = 1.0 - 8.0 * ((a - 2.5) ** 2 + (b + 1.5) ** 2)
    log = np.logaddexp(banana, bump)
    of_banana, of_bump = np.exp(banana - log)[:, None], np.exp(bump - log)[:, None]
    slope = np.stack([-a + 4.0 * a * bend, -4.0 * bend], axis=1)
    pull = -16.0 * np.stack([a - 2.5, b + 1.5], axis=1)
    return log, of_banana * slope + of_bump * pull


def posterior():
    """That of a logistic regression on fifty rows."""
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(50, 2))
    signs = np.where(generator.random(50) < 1.0 / (1.0 + np.exp(-rows @ [1.0, -2.0])), 1.0, -1.0)
    signed = rows * signs[:, None]

    def log_p(x):
        margins = x @ signed.T
        log = -np.logaddexp(0.0, -margins).sum(axis=1) - 0.05 * (x**2).sum(axis=1)
        return log, (1.0 / (1.0 + np.exp(margins))) @ signed - 0.1 * x

    return log_p


def functions():
    for name, function in {"two bumps": bumps, "logistic regression": posterior()}.items():
        for estimator in ({"type": "quasi-monte-carlo", "noise": "fixed"}, {"type": "quadrature", "points": 41}):
            timed = Timed(function)
            began = time.perf_counter()
            asked = {"restarts": 64, "optimizer": "adam", "log": {"every": 500}, "verbose": False}
            klfit.fit(timed, dim=2, components=3, estimator=estimator, **asked)
            total = time.perf_counter() - began
            outside = 1.0 - timed.seconds / total
            print(f"fit of {name}, K = 3, 64 restarts, 1000 steps by {estimator['type']}: {total:.1f} s, ", end="")
            print(f"{outside:.0%} outside the function, which takes {1e9 * timed.seconds / timed.points:.0f} ns a point")


def likelihood():
    generator = np.random.default_rng(2)
    rows = np.concatenate([generator.normal(3.0 * k, 1.0, (20_000, 4)) for k in range(5)])
    for name, model in {
        "klfit": klfit.GaussianMixture(5, random_state=0),
        "scikit-learn, n_init=10": GaussianMixture(5, n_init=10, random_state=0),
    }.items():
        began = time.perf_counter()
        model.fit(rows)
        print(f"GaussianMixture(5), 100,000 rows of 4: {name} {time.perf_counter() - began:.2f} s, ", end="")
        print(f"log-likelihood of a row {model.score(rows):.6f}")


def imported(what):
    code = f"import time; began = time.perf_counter(); import {what}; print(time.perf_counter() - began)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(9)]
    return sorted(times)[4]


if __name__ == "__main__":
    print(f"import klfit: {1e3 * imported('klfit'):.0f} ms, of which NumPy {1e3 * imported('numpy'):.0f} ms")
    divergence()
    likelihood()
    functions()
