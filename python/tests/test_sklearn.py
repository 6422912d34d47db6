"""`GaussianMixture` beside scikit-learn's."""

import klfit
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Theirs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([klfit.GaussianMixture(n_init=2)])
def test_it_is_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_the_likelihood_is_theirs_or_more(kind):
    rows = load_iris().data
    ours = klfit.GaussianMixture(3, covariance_type=kind, random_state=0).fit(rows)
    theirs = Theirs(3, covariance_type=kind, n_init=10, random_state=0, tol=1e-8, max_iter=1000).fit(rows)
    assert ours.score(rows) >= theirs.score(rows) - 1e-4
    assert ours.lower_bound_ == pytest.approx(ours.score(rows), rel=1e-12)
    assert ours.covariances_.shape == theirs.covariances_.shape
    assert ours._n_parameters() == theirs._n_parameters()
    assert ours.bic(rows) == pytest.approx(-2 * len(rows) * ours.score(rows) + np.log(150) * ours._n_parameters())
    # Its parameters are those of the density.
    theirs.weights_, theirs.means_, theirs.covariances_ = ours.weights_, ours.means_, ours.covariances_
    np.testing.assert_allclose(
        klfit.Mixture.of(theirs).log_density(rows), ours.score_samples(rows), rtol=1e-9, atol=1e-9
    )


def test_weights_count_rows():
    generator = np.random.default_rng(0)
    rows = np.concatenate([generator.normal(-4, 1, (60, 2)), generator.normal(4, 1, (40, 2))])
    weights = generator.integers(1, 4, len(rows))
    weighted = klfit.GaussianMixture(2, random_state=0).fit(rows, sample_weight=weights)
    repeated = klfit.GaussianMixture(2, random_state=0).fit(np.repeat(rows, weights, axis=0))
    order, other = np.argsort(weighted.means_[:, 0]), np.argsort(repeated.means_[:, 0])
    np.testing.assert_allclose(weighted.means_[order], repeated.means_[other], rtol=1e-5)
    np.testing.assert_allclose(weighted.weights_[order], repeated.weights_[other], rtol=1e-5)


def test_it_works_in_pipelines_and_searches():
    rows = load_iris().data
    pipeline = make_pipeline(StandardScaler(), klfit.GaussianMixture(n_init=4, random_state=0))
    search = GridSearchCV(pipeline, {"gaussianmixture__n_components": [1, 2, 3]}, cv=3)
    found = search.fit(rows).best_params_["gaussianmixture__n_components"]
    assert search.best_score_ >= search.cv_results_["mean_test_score"].max() - 1e-12 and found in (1, 2, 3)
    with pytest.raises(ValueError, match="covariance_type"):
        klfit.GaussianMixture(covariance_type="tied").fit(rows)


@pytest.mark.parametrize("wrong", [{"n_components": 0}, {"n_components": 2.0}, {"n_init": 0}, {"tol": 0.0}, {"max_iter": -1}])
def test_parameters_that_make_no_sense_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        klfit.GaussianMixture(**wrong).fit(load_iris().data)


def test_it_says_that_it_is_not_at_rest():
    with pytest.warns(ConvergenceWarning, match="not at rest"):
        klfit.GaussianMixture(3, max_iter=1, tol=1e-12, random_state=0).fit(load_iris().data)
