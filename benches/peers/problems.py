"""Problems that klfit and its peers read from the same files: `problems.py FOLDER` writes them."""
import json
import sys
from pathlib import Path

import numpy as np


def write(path, weights, means, covariances):
    """A mixture as klfit reads it."""
    parts = {"weights": weights, "means": means, "covariances": covariances}
    path.write_text(json.dumps({name: np.asarray(part).tolist() for name, part in parts.items()}))


def read(path):
    parts = json.loads(Path(path).read_text())
    return tuple(np.array(parts[name]) for name in ["weights", "means", "covariances"])


def log_density(mixture, x):
    """log of a mixture at points `[N, D]`, with nothing of klfit or its peers."""
    terms = []
    for weight, mean, covariance in zip(*mixture):
        factor = np.linalg.cholesky(covariance)
        z = np.linalg.solve(factor, (x - mean).T)
        terms.append(np.log(weight) - np.log(np.diag(factor)).sum() - 0.5 * (z * z).sum(0))
    return np.logaddexp.reduce(terms, 0) - 0.5 * x.shape[1] * np.log(2 * np.pi)


def mixture(random, components, dim, spread):
    factors = np.tril(0.3 * random.normal(size=(components, dim, dim)) / dim**0.5, -1)
    factors += np.eye(dim) * (0.6 + 0.8 * random.random((components, 1, dim)))
    means = spread * random.normal(size=(components, dim))
    return random.dirichlet(np.full(components, 10.0)), means, factors


def rows(random, n, components, dim, spread):
    weights, means, factors = mixture(random, components, dim, spread)
    of = random.choice(components, size=n, p=weights)
    return means[of] + np.einsum("nij,nj->ni", factors[of], random.normal(size=(n, dim)))


def write_start(path, rows, components):
    """Where EM starts: Gaussians of unit covariance around the first rows."""
    dim = rows.shape[1]
    write(path, np.full(components, 1 / components), rows[:components], [np.eye(dim)] * components)


def main(folder):
    random = np.random.default_rng(1)
    weights, means, factors = mixture(random, 4, 10, 0.5)
    write(folder / "target.json", weights, means, factors @ factors.transpose(0, 2, 1))
    write(folder / "standard.json", [1.0], np.zeros((1, 10)), [np.eye(10)])

    many = rows(random, 10**6, 10, 8, 1.5)
    np.save(folder / "many.npy", many)
    write_start(folder / "many-start.json", many, 10)
    few = rows(random, 10**4, 3, 2, 2.0)
    np.savetxt(folder / "few.csv", few, delimiter=",", header="x,y", comments="")
    write_start(folder / "few-start.json", few, 3)

    write(folder / "p.json", [0.2, 0.5, 0.3], [[-4.0], [0.0], [3.0]], [[[0.25]], [[1.0]], [[4.0]]])
    write(folder / "q.json", [0.6, 0.4], [[-1.0], [2.5]], [[[4.0]], [[6.25]]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
