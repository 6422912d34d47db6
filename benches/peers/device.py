"""JAX's side of a step on a device: the work of benches/device.rs, compiled and scanned, a line of JSON each.

python3 benches/peers/device.py f32        on whatever device JAX has; or f64
"""
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

double = sys.argv[1:] == ["f64"]
jax.config.update("jax_enable_x64", double)
jax.config.update("jax_default_matmul_precision", "highest")
kind = jnp.float64 if double else jnp.float32
print(json.dumps({"device": str(jax.devices()[0].device_kind), "precision": "f64" if double else "f32"}), flush=True)


def some_mixture(components, dim, seed):
    wave = lambda i: np.sin(seed + 1.7 * i)
    k, i, j = np.meshgrid(np.arange(components), np.arange(dim), np.arange(dim), indexing="ij")
    scale = np.where(i == j, 1 + 0.4 * wave(k + i), np.where(i > j, 0.3 * wave(k + i * dim + j) / dim**0.5, 0.0))
    means = 1.5 * wave(np.arange(components)[:, None] * dim + np.arange(dim))
    return [jnp.asarray(part, kind) for part in (np.full(components, -np.log(components)), means, scale)]


def log_density(x, log_weights, means, scale):
    """By the inverse factors, which XLA turns into matrix products: faster than solving for each point."""
    dim = x.shape[1]
    eye = jnp.eye(dim, dtype=kind)
    inverse = jax.vmap(lambda factor: jax.scipy.linalg.solve_triangular(factor, eye, lower=True))(scale)
    z = jnp.einsum("kij,sj->ksi", inverse, x) - jnp.einsum("kij,kj->ki", inverse, means)[:, None]
    log_det = jnp.log(jnp.diagonal(scale, axis1=1, axis2=2)).sum(1)
    terms = -0.5 * (z * z).sum(-1) + (log_weights - log_det)[:, None]
    return jax.scipy.special.logsumexp(terms, 0) - 0.5 * dim * np.log(2 * np.pi)


def adam(loss, theta, steps):
    """The time of a step in µs: Adam's in a compiled scan, the least of some."""

    @jax.jit
    def run(theta, keys):
        def step(state, at):
            theta, m, v = state
            n, key = at
            gradient = jax.grad(loss)(theta, key)
            each = lambda f, *trees: jax.tree.map(f, *trees)
            m = each(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
            v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
            update = lambda t, m, v: t - 1e-3 * (m / (1 - 0.9**n)) / (jnp.sqrt(v / (1 - 0.999**n)) + 1e-8)
            return (each(update, theta, m, v), m, v), None

        zeros = jax.tree.map(jnp.zeros_like, theta)
        return jax.lax.scan(step, (theta, zeros, zeros), (jnp.arange(1, steps + 1, dtype=kind), keys))[0]

    keys = jax.random.split(jax.random.PRNGKey(2), steps)
    jax.block_until_ready(run(theta, keys))
    least = float("inf")
    for _ in range(5):
        before = time.perf_counter()
        jax.block_until_ready(run(theta, keys))
        least = min(least, time.perf_counter() - before)
    return least / steps * 1e6


def report(work, us):
    print(json.dumps({"work": work, "us": round(us, 2)}), flush=True)


def reverse(theta, key, target, samples):
    log_weights, means, raw = theta
    components, dim = means.shape
    log_weights = jax.nn.log_softmax(log_weights)
    scale = jnp.tril(raw, -1) + jax.vmap(jnp.diag)(jnp.exp(jnp.diagonal(raw, axis1=1, axis2=2)))
    noise = jax.random.normal(key, (components, samples // components, dim), kind)
    x = (jnp.einsum("kij,ksj->ksi", scale, noise) + means[:, None]).reshape(-1, dim)
    ratio = log_density(x, log_weights, means, scale) - log_density(x, *target)
    return (jnp.exp(log_weights) * ratio.reshape(components, -1).mean(1)).sum()


def start(components, dim):
    log_weights, means, scale = some_mixture(components, dim, 5.0)
    raw = jnp.tril(scale, -1) + jax.vmap(jnp.diag)(jnp.log(jnp.diagonal(scale, axis1=1, axis2=2)))
    return log_weights, means, raw


for dim, of_q, of_p, samples, steps in [(2, 4, 4, 4096, 1000), (16, 8, 8, 4096, 300), (32, 16, 32, 8192, 50)]:
    target = some_mixture(of_p, dim, 3.0)
    loss = lambda theta, key: reverse(theta, key, target, samples)
    report(f"step D={dim} K={of_p} L={of_q} S={samples}", adam(loss, start(of_q, dim), steps))

normal = lambda x, m, s: -0.5 * ((x - m) / s) ** 2 - jnp.log(s) - 0.5 * np.log(2 * np.pi)
log_p = lambda x: jnp.logaddexp(normal(x, -2.0, 1.0), normal(x, 2.0, 1.0)) + np.log(0.5)


def forward_line(theta, x):
    return (jnp.exp(log_p(x)) * (log_p(x) - normal(x, theta[0], jnp.exp(theta[1])))).sum() * (x[1] - x[0])


def reverse_line(theta, z):
    x = theta[0] + jnp.exp(theta[1]) * z
    return (jnp.exp(-0.5 * z * z) * (normal(x, theta[0], jnp.exp(theta[1])) - log_p(x))).sum() * (z[1] - z[0])


for points in [200, 20000]:
    x = jnp.linspace(-10, 10, points, dtype=kind)
    loss = lambda theta, _: forward_line(theta, x)
    report(f"step line {points}", adam(loss, jnp.array([1.0, 0.0], kind), 1000))
for runs in [64, 10_000]:
    x, z = jnp.linspace(-10, 10, 2000, dtype=kind), jnp.linspace(-6, 6, 2000, dtype=kind)
    theta = jnp.tile(jnp.array([[1.0, 0.0]], kind), (runs, 1))
    for name, of_run in [("forward-kl", lambda one: forward_line(one, x)), ("reverse-kl", lambda one: reverse_line(one, z))]:
        loss = lambda theta, _: jax.vmap(of_run)(theta).sum()
        report(f"step {name} R={runs} S=2000", adam(loss, theta, 300))
target = some_mixture(3, 8, 3.0)
many = jax.tree.map(lambda part: jnp.tile(part[None], (128,) + (1,) * part.ndim), start(8, 8))


def all_runs(theta, key):
    keys = jax.random.split(key, 128)
    return jax.vmap(lambda one, key: reverse(one, key, target, 4096))(theta, keys).sum()


report("step D=8 K=3 L=8 R=128 S=4096", adam(all_runs, many, 30))
