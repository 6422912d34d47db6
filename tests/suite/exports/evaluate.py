"""Runs what klfit exported: python evaluate.py cases.json answers.json

A case has its format, the path of its file, points, and whether to draw and to differentiate. Its answer has
the log-densities of the points and, where they are asked for, gradients and the moments of draws.
"""

import importlib.util
import json
import subprocess
import sys

DRAWS = 20_000


def load(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_one(found, answer):
    """A point by itself has a number, that which it has among others but for the order of sums."""
    assert found.shape == ()
    assert abs(found - answer["log_densities"][0]) <= 1e-9 * max(1.0, abs(found))


def sklearn(module, x, case):
    import numpy as np

    gm = module.mixture()
    answer = {"log_densities": gm.score_samples(x)}
    shares = gm.predict_proba(x)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert (gm.predict(x) == shares.argmax(axis=1)).all()
    identity = gm.precisions_ @ gm.covariances_
    if case["draws"]:
        assert np.allclose(identity, np.eye(x.shape[1]), atol=1e-8)
        answer["draws"] = gm.set_params(random_state=1).sample(DRAWS)[0]
    return answer


def scipy(module, x, case):
    answer = {"log_densities": module.logpdf(x)}
    check_one(module.logpdf(x[0]), answer)
    assert module.logpdf(x[:1, None]).shape == (1, 1)
    if case["draws"]:
        answer["draws"] = module.rvs(DRAWS, random_state=1)
        assert (module.rvs(DRAWS, random_state=1) == answer["draws"]).all()
    return answer


def jax(module, x, case):
    import jax
    import numpy as np

    answer = {"log_densities": jax.jit(module.log_density)(x)}
    check_one(module.log_density(x[0]), answer)
    assert module.log_density(x[:1, None]).shape == (1, 1)
    if case["gradients"]:
        answer["gradients"] = jax.jit(jax.vmap(jax.grad(module.log_density)))(x)
    if case["draws"]:
        key = jax.random.PRNGKey(1)
        draws = jax.jit(module.sample, static_argnums=1)(key, (DRAWS // 2, 2))
        assert module.sample(key).shape == (x.shape[1],)
        answer["draws"] = np.reshape(draws, (DRAWS, -1))
    return answer


def pytorch(module, x, case):
    import torch

    q = module.mixture()
    x = torch.tensor(x, requires_grad=True)
    log_densities = q.log_prob(x)
    log_densities.sum().backward()
    answer = {"log_densities": log_densities.detach().numpy()}
    if case["gradients"]:
        answer["gradients"] = x.grad.numpy()
    if case["draws"]:
        torch.manual_seed(1)
        answer["draws"] = q.sample((DRAWS,)).numpy()
    return answer


def stan(path, x, case):
    import os

    import httpstan

    stanc = os.path.join(os.path.dirname(httpstan.__file__), "stanc")
    subprocess.run([stanc, path, "--o", path + ".hpp"], check=True)
    if not case["draws"]:
        return {"log_densities": []}

    import numpy as np
    import stan

    with open(path) as program:
        posterior = stan.build(program.read(), random_seed=1)
    densities = [posterior.log_prob(list(point)) for point in x]
    gradients = [posterior.grad_log_prob(list(point)) for point in x]
    draws = posterior.sample(num_chains=1, num_samples=DRAWS // 4)["x"]
    return {"log_densities": np.array(densities), "gradients": np.array(gradients), "draws": draws.T}


def main(cases, answers):
    import numpy as np

    found = []
    with open(cases) as file:
        cases = json.load(file)
    for case in cases:
        x = np.array(case["points"], dtype=np.float64)
        run = globals()[case["format"]]
        exported = case["path"] if run is stan else load(case["path"])
        answer = run(exported, x, case)
        if "draws" in answer:
            draws = np.asarray(answer.pop("draws"))
            answer["mean"] = draws.mean(axis=0)
            answer["variances"] = draws.var(axis=0)
        found.append({key: np.asarray(value).tolist() for key, value in answer.items()})
    with open(answers, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
