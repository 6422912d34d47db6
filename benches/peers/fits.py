"""Whole fits and a quadrature by NumPyro, scikit-learn and SciPy, of the problems in a folder: `fits.py FOLDER`."""
import math
import sys
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from jax.scipy.special import logsumexp
from numpyro.infer import SVI, Trace_ELBO, init_to_value
from numpyro.infer.autoguide import AutoMultivariateNormal
from problems import read
from scipy.integrate import quad
from sklearn.mixture import GaussianMixture
from timing import minimum, report

FOLDER = Path(sys.argv[1])
jax.config.update("jax_enable_x64", True)
warnings.filterwarnings("ignore", message=".*did not converge.*")


def reverse_kl():
    weights, means, covariances = read(FOLDER / "target.json")
    factors = np.linalg.cholesky(covariances)
    inverse, log_dets = np.linalg.inv(factors), np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
    centres, constants = np.einsum("kij,kj->ki", inverse, means), np.log(weights) - log_dets

    def model():
        dim = means.shape[1]
        x = numpyro.sample("x", dist.ImproperUniform(dist.constraints.real_vector, (), (dim,)))
        # By the inverse factors, as in peers.py: faster than MixtureSameFamily, which solves for each point.
        z = jnp.einsum("kij,j->ki", inverse, x) - centres
        numpyro.factor("log p", logsumexp(constants - 0.5 * (z * z).sum(1)) - 0.5 * dim * np.log(2 * np.pi))

    start = init_to_value(values={"x": jnp.zeros(means.shape[1])})
    guide = AutoMultivariateNormal(model, init_loc_fn=start, init_scale=1.0)
    adam = optax.adam(optax.cosine_decay_schedule(0.01, 2000, alpha=0.01))
    svi = SVI(model, guide, adam, Trace_ELBO(num_particles=128))
    state = svi.init(jax.random.PRNGKey(0))
    # As svi.run has it, but compiled once for all calls.
    run = jax.jit(lambda state: jax.lax.scan(lambda state, _: svi.update(state), state, length=2000)[0])
    us = minimum(lambda: jax.block_until_ready(run(state)))
    q = guide.get_posterior(svi.get_params(run(state)))
    report("reverse KL D=10 K=4 S=128, 2000 steps", us, [q.loc.tolist(), q.covariance_matrix.tolist()])


def em():
    rows = np.load(FOLDER / "many.npy")
    weights, means, covariances = read(FOLDER / "many-start.json")

    def fit(iterations):
        model = GaussianMixture(
            len(weights), weights_init=weights, means_init=means, precisions_init=np.linalg.inv(covariances),
            init_params="random_from_data", reg_covar=0, tol=0, max_iter=iterations,
        )
        before = time.perf_counter()
        model.fit(rows)
        return time.perf_counter() - before, model

    (few, _), (many, model) = fit(1), fit(3)
    report("EM iteration N=1e6 D=8 K=10", (many - few) / 2 * 1e6, model.score(rows))


def kl():
    p, q = ([(w, m[0], c[0, 0] ** 0.5) for w, m, c in zip(*read(FOLDER / name))] for name in ["p.json", "q.json"])

    def density(parts, x):
        return sum(w / s * math.exp(-0.5 * ((x - m) / s) ** 2) for w, m, s in parts) / math.sqrt(2 * math.pi)

    def integrand(x):
        at = density(p, x)
        return at * math.log(at / density(q, x))

    # Beyond 12 standard deviations of p there is less than 1e-30 of it.
    low, high = min(m - 12 * s for _, m, s in p), max(m + 12 * s for _, m, s in p)
    # To the error that klfit states.
    integral = lambda: quad(integrand, low, high, epsabs=1.4e-14, epsrel=0, limit=500)
    report("KL on a line K=3 and 2", minimum(integral), integral())


reverse_kl()
em()
kl()
