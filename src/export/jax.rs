//! Python source with functions of JAX.

use super::{Exported, python};

pub fn source(exported: &Exported) -> String {
    let title = exported.title();
    let parameters = python::parameters(exported, "np.array");
    format!(
        r#""""{title} for JAX, written by klfit.

log_density(x) in nats and sample(key, shape) can be compiled, mapped and differentiated.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp

# Double precision, for the whole program: JAX computes in single precision where it is not asked for this.
jax.config.update("jax_enable_x64", True)

{parameters}
LOG_WEIGHTS = np.log(WEIGHTS)
# log |L|, which is half of log |covariance|.
LOG_DETS = np.log(np.diagonal(SCALE_TRILS, axis1=1, axis2=2)).sum(axis=1)


def log_density(x):
    """log q(x) in nats: a number for a point (D,), and (...) for points (..., D)."""
    x = jnp.asarray(x, dtype=jnp.float64)
    dim = MEANS.shape[1]
    # K x D x N: for each component, z with L z = x - mean.
    offsets = (x.reshape(-1, 1, dim) - MEANS).transpose(1, 2, 0)
    z = solve_triangular(SCALE_TRILS, offsets, lower=True)
    log_scales = LOG_WEIGHTS - LOG_DETS - 0.5 * dim * np.log(2 * np.pi)
    terms = log_scales[:, None] - 0.5 * jnp.sum(z**2, axis=1)
    return logsumexp(terms, axis=0).reshape(x.shape[:-1])


def sample(key, shape=()):
    """Independent draws of q, (*shape, D)."""
    of_labels, of_noise = jax.random.split(key)
    labels = jax.random.categorical(of_labels, jnp.asarray(LOG_WEIGHTS), shape=shape)
    noise = jax.random.normal(of_noise, (*shape, MEANS.shape[1]), dtype=jnp.float64)
    means, trils = jnp.asarray(MEANS)[labels], jnp.asarray(SCALE_TRILS)[labels]
    return means + jnp.einsum("...ij,...j->...i", trils, noise)
"#
    )
}
