"""Mixtures: numbers against SciPy, and what other packages call one."""

import pickle

import klfit
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

WEIGHTS = np.array([0.3, 0.7])
MEANS = np.array([[0.0, 1.0], [-2.0, 3.0]])
COVARIANCES = np.array([[[1.0, 0.3], [0.3, 2.0]], [[0.5, -0.2], [-0.2, 0.4]]])


@pytest.fixture
def q():
    return klfit.Mixture(WEIGHTS, MEANS, COVARIANCES, names=["a", "b"])


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(5000, 2)) * 3.0


def by_scipy(weights, means, covariances, x):
    parts = [multivariate_normal(m, c).logpdf(x) for m, c in zip(means, covariances)]
    return np.logaddexp.reduce([np.log(w) + part for w, part in zip(weights, parts)])


def test_densities_and_shares_are_those_of_scipy(q, x):
    expected = by_scipy(WEIGHTS, MEANS, COVARIANCES, x)
    np.testing.assert_allclose(q.log_density(x), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(q.score_samples(x), q.log_density(x))
    shares = q.responsibilities(x)
    first = np.log(WEIGHTS[0]) + multivariate_normal(MEANS[0], COVARIANCES[0]).logpdf(x)
    np.testing.assert_allclose(shares[:, 0], np.exp(first - expected), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(q.predict(x), shares.argmax(axis=1))


def full(fitted):
    """The covariances of scikit-learn's mixtures as matrices."""
    return np.stack([np.linalg.inv(one) for one in precisions(fitted)])


def precisions(fitted):
    dim = fitted.means_.shape[1]
    given = fitted.precisions_
    return {
        "full": lambda: given,
        "tied": lambda: [given] * len(fitted.means_),
        "diag": lambda: [np.diag(one) for one in given],
        "spherical": lambda: [one * np.eye(dim) for one in given],
    }[fitted.covariance_type]()


def test_what_is_made_of_a_mixture(q, x):
    np.testing.assert_allclose(q.mean(), WEIGHTS @ MEANS)
    only = q.marginal(["b"])
    assert only.names == ["b"]
    np.testing.assert_allclose(only.covariances_[:, 0, 0], COVARIANCES[:, 1, 1], rtol=1e-14)
    given = q.condition({"b": 1.5})
    assert given.names == ["a"]
    ratio = q.log_density(np.column_stack([x[:9, 0], np.full(9, 1.5)])) - only.log_density([1.5])
    np.testing.assert_allclose(given.log_density(x[:9, 0]), ratio, rtol=1e-11)
    moved = q.transform([[2.0, 0.0], [1.0, 1.0]], [1.0, -1.0])
    a = np.array([[2.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(moved.means_, MEANS @ a.T + [1.0, -1.0])
    np.testing.assert_allclose(moved.covariances_, a @ COVARIANCES @ a.T, rtol=1e-13)
    summed = q.convolve(q)
    assert summed.n_components == 4
    np.testing.assert_allclose(summed.covariance(), 2.0 * q.covariance(), rtol=1e-12)
    both = q.product(multivariate_normal([0.0, 0.0], np.eye(2)))
    difference = both.log_density(x) - q.log_density(x) - multivariate_normal([0, 0], np.eye(2)).logpdf(x)
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)
    assert q.reduce(1).n_components == 1
    np.testing.assert_allclose(q.reduce(1).covariance(), q.covariance(), rtol=1e-6)


def test_draws_have_the_moments_and_follow_the_seed(q):
    draws = q.sample(200_000, seed=3)
    assert draws.shape == (200_000, 2)
    np.testing.assert_allclose(draws.mean(axis=0), q.mean(), atol=4 * 2.0 / 450)
    np.testing.assert_allclose(np.cov(draws.T), q.covariance(), atol=0.05)
    np.testing.assert_array_equal(q.sample(10, seed=3), draws[:10])
    assert not np.array_equal(q.sample(10, seed=4), draws[:10])


def test_scikit_learn_goes_in_and_out(q, x):
    from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

    for kind in ("full", "tied", "diag", "spherical"):
        for maker in (GaussianMixture, BayesianGaussianMixture):
            fitted = maker(n_components=2, covariance_type=kind, random_state=0).fit(x)
            # What a Bayesian one says of points is a mean over its posterior.
            expected = by_scipy(fitted.weights_, fitted.means_, full(fitted), x)
            found = klfit.Mixture.of(fitted).log_density(x)
            np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=kind)
            if maker is GaussianMixture:
                np.testing.assert_allclose(found, fitted.score_samples(x), rtol=1e-9, err_msg=kind)
    back = q.to_sklearn()
    np.testing.assert_allclose(back.score_samples(x), q.log_density(x), rtol=1e-11)
    np.testing.assert_allclose(back.predict_proba(x), q.responsibilities(x), atol=1e-12)
    assert back.sample(5)[0].shape == (5, 2)


def test_scipy_goes_in_and_out(q, x):
    frozen = multivariate_normal(MEANS[0], COVARIANCES[0])
    np.testing.assert_allclose(klfit.Mixture.of(frozen).log_density(x), frozen.logpdf(x), rtol=1e-12)
    line = norm(loc=2.0, scale=3.0)
    np.testing.assert_allclose(klfit.Mixture.of(line).log_density(x[:, 0]), line.logpdf(x[:, 0]), rtol=1e-12)
    found = klfit.Mixture.of(frozen).to_scipy()
    np.testing.assert_allclose(found.logpdf(x), frozen.logpdf(x), rtol=1e-12)
    (weight, _), _ = q.to_scipy()
    assert weight == 0.3


def test_pytorch_goes_in_and_out(q, x):
    torch = pytest.importorskip("torch")
    distributions = torch.distributions
    points = torch.tensor(x)
    full = q.to_torch()
    np.testing.assert_allclose(full.log_prob(points).numpy(), q.log_density(x), rtol=1e-11)
    np.testing.assert_allclose(klfit.Mixture.of(full).log_density(x), q.log_density(x), rtol=1e-11)
    shares = distributions.Categorical(torch.tensor(WEIGHTS))
    normals = distributions.Normal(torch.tensor(MEANS), torch.tensor([[1.0, 2.0], [0.5, 0.1]], dtype=torch.float64))
    diagonal = distributions.MixtureSameFamily(shares, distributions.Independent(normals, 1))
    found = klfit.Mixture.of(diagonal)
    np.testing.assert_allclose(found.log_density(x), diagonal.log_prob(points).numpy(), rtol=1e-11)
    one = distributions.MultivariateNormal(torch.tensor(MEANS[0]), torch.tensor(COVARIANCES[0]))
    np.testing.assert_allclose(klfit.Mixture.of(one).log_density(x), one.log_prob(points).numpy(), rtol=1e-11)
    line = distributions.Normal(2.0, 3.0)
    expected = line.log_prob(points[:, 0].float()).numpy()
    np.testing.assert_allclose(klfit.Mixture.of(line).log_density(x[:, 0]), expected, rtol=1e-5)


def test_numpyro_goes_in(x):
    pytest.importorskip("numpyro")
    import jax
    import numpyro.distributions as distributions

    jax.config.update("jax_enable_x64", True)
    shares = distributions.Categorical(probs=WEIGHTS)
    full = distributions.MixtureSameFamily(shares, distributions.MultivariateNormal(MEANS, COVARIANCES))
    np.testing.assert_allclose(klfit.Mixture.of(full).log_density(x), full.log_prob(x), rtol=1e-9)
    stds = np.array([[1.0, 2.0], [0.5, 0.1]])
    diagonal = distributions.MixtureSameFamily(shares, distributions.Normal(MEANS, stds).to_event(1))
    np.testing.assert_allclose(klfit.Mixture.of(diagonal).log_density(x), diagonal.log_prob(x), rtol=1e-9)
    one = distributions.MultivariateNormal(MEANS[0], COVARIANCES[0])
    np.testing.assert_allclose(klfit.Mixture.of(one).log_density(x), one.log_prob(x), rtol=1e-9)


def test_tensorflow_probability_goes_in(x):
    tfp = pytest.importorskip("tensorflow_probability.substrates.numpy")
    distributions = tfp.distributions
    shares = distributions.Categorical(probs=WEIGHTS)
    factors = np.linalg.cholesky(COVARIANCES)
    full = distributions.MixtureSameFamily(shares, distributions.MultivariateNormalTriL(MEANS, factors))
    np.testing.assert_allclose(klfit.Mixture.of(full).log_density(x), full.log_prob(x), rtol=1e-6)
    diagonal = distributions.MixtureSameFamily(
        shares, distributions.MultivariateNormalDiag(MEANS, np.array([[1.0, 2.0], [0.5, 0.1]]))
    )
    np.testing.assert_allclose(klfit.Mixture.of(diagonal).log_density(x), diagonal.log_prob(x), rtol=1e-6)


def test_what_is_no_mixture_is_told():
    with pytest.raises(klfit.MixtureError, match="not positive definite") as told:
        klfit.Mixture([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]])
    assert "component 1" in str(told.value) and isinstance(told.value, ValueError)
    with pytest.raises(klfit.MixtureError, match="sum"):
        klfit.Mixture([0.5, 0.6], [[0.0], [1.0]], stds=[[1.0], [1.0]])
    with pytest.raises(klfit.UsageError, match="no mixture of Gaussians"):
        klfit.Mixture.of(object())
    with pytest.raises(klfit.UsageError, match='no coordinate "z"'):
        klfit.Mixture([1.0], [[0.0, 0.0]], np.eye(2)).marginal(["z"])
    with pytest.raises(klfit.UsageError, match="3 coordinates"):
        klfit.Mixture([1.0], [[0.0, 0.0]], np.eye(2)).log_density(np.zeros((4, 3)))


def test_pickles_are_exact(q, x):
    again = pickle.loads(pickle.dumps(q))
    assert again.names == q.names
    np.testing.assert_array_equal(again.log_density(x), q.log_density(x))
    with pytest.raises(klfit.ConfigError):
        raise pickle.loads(pickle.dumps(klfit.ConfigError("wrong", "mend it")))


def test_what_is_no_gaussian_is_none(x):
    pytest.importorskip("numpyro")
    import numpyro.distributions as distributions

    for other in (
        distributions.Laplace(np.zeros(2), 1.0).to_event(1),
        distributions.LogNormal(np.zeros(2), 1.0).to_event(1),
        distributions.MultivariateStudentT(3.0, np.zeros(2), np.eye(2)),
    ):
        with pytest.raises(klfit.UsageError, match="no mixture of Gaussians"):
            klfit.Mixture.of(other)
    with pytest.raises(klfit.UsageError, match="batch of shape"):
        klfit.Mixture.of(distributions.MultivariateNormal(MEANS, np.eye(2)))


def test_columns_are_told_by_their_names(q):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"b": [1.0, 2.0], "a": [0.0, -1.0], "other": [9.0, 9.0]})
    np.testing.assert_array_equal(q.log_density(frame), q.log_density([[0.0, 1.0], [-1.0, 2.0]]))
    rows = pandas.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    assert klfit.kl(rows, rows[["b", "a"]]) == 0.0
    # Names that mixtures have attributes of.
    odd = pandas.DataFrame(rows.to_numpy(), columns=["mixture", "weights_"])
    assert klfit.kl(odd, odd) == 0.0
    with pytest.raises(klfit.UsageError, match="columns"):
        klfit.fit(pandas.DataFrame(rows.to_numpy(), columns=["a", "a"]))


def test_names_go_where_their_coordinates_go(q):
    assert q.transform([[0.0, 1.0], [1.0, 0.0]]).names == ["x1", "x2"]
    assert q.transform([[2.0, 0.0], [0.0, 1.0]]).names == ["a", "b"]
    assert klfit.Mixture.of(q.to_sklearn()).names == ["a", "b"]
    assert "<th>b</th>" in q._repr_html_()
    with pytest.raises(klfit.MixtureError, match="names"):
        klfit.Mixture([1.0], [[0.0, 0.0]], np.eye(2), names=["a", "a"])


def test_nothing_is_lost_of_numbers():
    masked = np.ma.masked_greater(np.array([[0.0], [1.0], [1e6]]), 1e5)
    with pytest.raises(klfit.UsageError, match="masked"):
        klfit.fit(masked)
    with pytest.raises(klfit.UsageError, match="complex"):
        klfit.fit(np.array([[1.0 + 1.0j], [2.0]]))
