//! Python source with `scipy.stats.multivariate_normal`.

use super::{Exported, python};

pub fn source(exported: &Exported) -> String {
    let title = exported.title();
    let parameters = python::parameters(exported, "np.array");
    format!(
        r#""""{title} for SciPy 1.10 or later, written by klfit.

logpdf(x) in nats, rvs(size, random_state), and the Gaussians themselves: COMPONENTS.
"""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import Covariance, multivariate_normal

{parameters}
# K frozen distributions, made of the factors: a covariance would be rounded, and factored again.
COMPONENTS = [
    multivariate_normal(mean, Covariance.from_cholesky(tril))
    for mean, tril in zip(MEANS, SCALE_TRILS)
]


def logpdf(x):
    """log q(x) in nats: a number for a point (D,), and (...) for points (..., D)."""
    x = np.asarray(x, dtype=float)
    points = x.reshape(-1, MEANS.shape[1])
    terms = [
        np.log(weight) + np.reshape(component.logpdf(points), -1)
        for weight, component in zip(WEIGHTS, COMPONENTS)
    ]
    return logsumexp(terms, axis=0).reshape(x.shape[:-1])[()]


def rvs(size=1, random_state=None):
    """Independent draws of q, (size, D); random_state is a seed or a numpy.random.Generator."""
    rng = np.random.default_rng(random_state)
    labels = rng.choice(len(WEIGHTS), size=size, p=WEIGHTS)
    draws = rng.standard_normal((size, MEANS.shape[1]))
    for k, (mean, tril) in enumerate(zip(MEANS, SCALE_TRILS)):
        draws[labels == k] = mean + draws[labels == k] @ tril.T
    return draws
"#
    )
}
