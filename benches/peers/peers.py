"""The peers' side of compare.py: JAX, scikit-learn and NumPy on the same work, a line of JSON each."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from timing import minimum, report

jax.config.update("jax_enable_x64", True)


def mixture(components, dim, seed):
    random = np.random.default_rng(seed)
    means = 1.5 * random.normal(size=(components, dim))
    scale = np.tril(0.3 * random.normal(size=(components, dim, dim)) / dim**0.5, -1)
    scale += np.eye(dim) * (0.6 + 0.8 * random.random((components, 1, dim)))
    return jnp.full(components, -np.log(components)), jnp.asarray(means), jnp.asarray(scale)


def log_density(x, log_weights, means, scale):
    """By the inverse factors, which XLA turns into matrix products: faster than solving for each point."""
    dim = x.shape[1]
    eye = jnp.eye(dim)
    inverse = jax.vmap(lambda factor: solve_triangular(factor, eye, lower=True))(scale)
    z = jnp.einsum("kij,sj->ksi", inverse, x) - jnp.einsum("kij,kj->ki", inverse, means)[:, None]
    log_det = jnp.log(jnp.diagonal(scale, axis1=1, axis2=2)).sum(1)
    terms = -0.5 * (z * z).sum(-1) + (log_weights - log_det)[:, None]
    return logsumexp(terms, 0) - 0.5 * dim * np.log(2 * np.pi)


def log_density_diagonal(x, log_weights, means, stds):
    dim = x.shape[1]
    z = (x[None] - means[:, None]) / stds[:, None]
    terms = -0.5 * (z * z).sum(-1) + (log_weights - jnp.log(stds).sum(1))[:, None]
    return logsumexp(terms, 0) - 0.5 * dim * np.log(2 * np.pi)


for n, dim, components in [(20000, 1, 2), (4096, 2, 4), (4096, 16, 8), (8192, 32, 32)]:
    log_weights, means, scale = mixture(components, dim, 7)
    x = jnp.asarray(2 * np.random.default_rng(11).normal(size=(n, dim)))
    stds = jnp.diagonal(scale, axis1=1, axis2=2)
    for form, density, width in [("full", log_density, scale), ("diagonal", log_density_diagonal, stds)]:
        total = lambda *arguments: density(*arguments).sum()
        gradients = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2, 3)))
        call = lambda: jax.block_until_ready(gradients(x, log_weights, means, width))
        report(f"gradients {form} N={n} D={dim} K={components}", minimum(call))


def step_time(loss, start, steps, keys=True):
    optimizer = optax.adam(0.05)

    def run(state):
        def step(state, key):
            theta, moments = state
            value, gradient = jax.value_and_grad(loss)(theta, key)
            update, moments = optimizer.update(gradient, moments)
            return (optax.apply_updates(theta, update), moments), value

        return jax.lax.scan(step, state, jax.random.split(jax.random.PRNGKey(2), steps))

    run = jax.jit(run)
    state = (start, optimizer.init(start))
    return minimum(lambda: jax.block_until_ready(run(state)), 3) / steps


for dim, components, of_target, samples, steps in [(2, 4, 4, 4096, 200), (16, 8, 8, 4096, 60), (32, 16, 32, 8192, 5)]:
    target, start = mixture(of_target, dim, 3), mixture(components, dim, 5)

    def loss(theta, key):
        log_weights, means, raw = theta
        log_weights = jax.nn.log_softmax(log_weights)
        scale = jnp.tril(raw, -1) + jax.vmap(jnp.diag)(jnp.exp(jnp.diagonal(raw, axis1=1, axis2=2)))
        noise = jax.random.normal(key, (components, samples // components, dim))
        x = jnp.einsum("kij,ksj->ksi", scale, noise) + means[:, None]
        x = x.reshape(-1, dim)
        ratio = log_density(x, log_weights, means, scale) - log_density(x, *target)
        return (jnp.exp(log_weights) * ratio.reshape(components, -1).mean(1)).sum()

    log_weights, means, scale = start
    raw = jnp.tril(scale, -1) + jax.vmap(jnp.diag)(jnp.log(jnp.diagonal(scale, axis1=1, axis2=2)))
    report(f"step D={dim} K={of_target} L={components} S={samples}", step_time(loss, (log_weights, means, raw), steps))

for points, steps in [(200, 3000), (20000, 300)]:
    x = jnp.linspace(-10, 10, points)
    normal = lambda m, s: -0.5 * ((x - m) / s) ** 2 - jnp.log(s) - 0.5 * np.log(2 * np.pi)
    log_p = jnp.logaddexp(normal(-2.0, 1.0), normal(2.0, 1.0)) + np.log(0.5)
    forward = lambda theta, _: (jnp.exp(log_p) * (log_p - normal(theta[0], jnp.exp(theta[1])))).sum() * (x[1] - x[0])
    report(f"step line {points}", step_time(forward, jnp.array([1.0, 0.0]), steps))


def scikit_learn(seed):
    log_weights, means, scale = (np.asarray(part) for part in mixture(10, 8, seed))
    model = GaussianMixture(10, random_state=seed)
    model.weights_, model.means_ = np.exp(log_weights), means
    model.covariances_ = scale @ scale.transpose(0, 2, 1)
    model.precisions_cholesky_ = np.linalg.inv(scale).transpose(0, 2, 1)
    return model


p, q = scikit_learn(3), scikit_learn(5)


def gmm_kl():
    points, _ = p.sample(10**6)
    return p.score_samples(points).mean() - q.score_samples(points).mean()


report("kl D=8 K=10 1e6", minimum(gmm_kl, 8))

x, step = np.arange(-10, 10, 0.05), 0.05
means, stds = np.meshgrid(np.arange(-5.0, 5.0, 0.1), np.arange(0.1, 10.0, 0.1))
means, stds = means.reshape(-1, 1), stds.reshape(-1, 1)
density_q = np.exp(-((x - means) ** 2) / (2 * stds**2)) / stds
density_q /= step * density_q.sum(1, keepdims=True)
density_q[density_q == 0] = 1e-8


def move():
    y = 0.5 * norm.pdf(x, -3, 1) + 0.5 * norm.pdf(x, 3, 1)
    y /= y.sum() * step
    density_p = np.repeat(y.reshape(1, -1), len(density_q), axis=0)
    forward = (density_p * np.log(density_p / density_q)).sum(1)
    reverse = (density_q * np.log(density_q / density_p)).sum(1)
    return forward, reverse


report("landscape 99 x 100 x 400", minimum(move))
