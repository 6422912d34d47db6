"""Divergences against closed forms, and what an answer says of itself."""

import copy
import json
import pickle

import klfit
import numpy as np
import pytest
from klfit import Mixture


def gaussian(mean, cov):
    return Mixture([1.0], [mean], [cov])


def by_formula(p, q):
    """KL of two Gaussians."""
    (mean_p, cov_p), (mean_q, cov_q) = ((one.means_[0], one.covariances_[0]) for one in (p, q))
    apart = mean_q - mean_p
    trace = np.trace(np.linalg.solve(cov_q, cov_p))
    logs = np.linalg.slogdet(cov_q)[1] - np.linalg.slogdet(cov_p)[1]
    return 0.5 * (trace + apart @ np.linalg.solve(cov_q, apart) - len(apart) + logs)


def test_two_gaussians_are_by_formula():
    p, q = gaussian([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]]), gaussian([1.0, -1.0], [[1.0, -0.3], [-0.3, 3.0]])
    answer = klfit.kl(p, q)
    assert answer.method == "closed-form" and answer.unit == "nats"
    assert float(answer) == pytest.approx(by_formula(p, q), rel=1e-13)
    assert answer.bracket[0] <= answer.value <= answer.bracket[1]
    assert float(klfit.divergence(p, q, "reverse-kl")) == pytest.approx(by_formula(q, p), rel=1e-13)
    both = klfit.divergence(p, q, "jeffreys")
    assert float(both) == pytest.approx(by_formula(p, q) + by_formula(q, p), rel=1e-13)
    entropy = klfit.entropy(p)
    assert float(entropy) == pytest.approx(0.5 * np.linalg.slogdet(2 * np.pi * np.e * p.covariances_[0])[1])


def test_an_answer_is_a_number_that_shows_itself():
    p, q = Mixture([0.3, 0.7], [[-2.0], [1.0]], stds=[[1.0], [1.0]]), Mixture([1.0], [[0.0]], stds=[[2.0]])
    answer = klfit.kl(p, q)
    assert 0.0947 < answer < 0.0948 and f"{answer:.4f}" == "0.0947"
    assert "KL(p‖q) = 0.09474788" in repr(answer) and "quadrature" in repr(answer)
    assert "<table>" in answer._repr_html_() and "bracket" in answer._repr_html_()
    drawn = klfit.kl(p, q, method="monte-carlo", samples=100_000, seed=1)
    assert drawn.claim == "sample" and drawn.samples >= 50_000
    assert abs(float(drawn) - float(answer)) < 4 * drawn.error
    assert drawn.interval[0] < float(answer) < drawn.interval[1]
    wanted = klfit.kl(p, q, method="monte-carlo", rel_err=0.05)
    assert wanted.reached


def test_rows_stand_for_their_gaussian():
    rows = np.random.default_rng(1).normal(size=(500, 2))
    q = gaussian([0.0, 0.0], np.eye(2))
    expected = by_formula(gaussian(rows.mean(axis=0), np.cov(rows.T)), q)
    assert float(klfit.kl(rows, q)) == pytest.approx(expected, rel=1e-10)
    pandas = pytest.importorskip("pandas")
    assert float(klfit.kl(pandas.DataFrame(rows), q)) == pytest.approx(expected, rel=1e-10)
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": rows[:, 0], "b": rows[:, 1]})
    assert float(klfit.kl(frame, q)) == pytest.approx(expected, rel=1e-10)


def test_a_matrix_has_every_pair():
    densities = {name: Mixture([1.0], [[mean]], stds=[[1.0]]) for name, mean in zip("abc", (0.0, 1.0, 3.0))}
    found = klfit.matrix(densities)
    means = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(found.values, 0.5 * (means[:, None] - means) ** 2, atol=1e-14)
    assert found.names == ["a", "b", "c"] and np.asarray(found).shape == (3, 3)
    assert "<table>" in found._repr_html_()


def test_what_cannot_be_asked_is_told():
    p, q = gaussian([0.0, 0.0], np.eye(2)), Mixture([1.0], [[0.0]], stds=[[1.0]])
    with pytest.raises(klfit.UsageError, match="2 dimensions"):
        klfit.kl(p, q)
    with pytest.raises(klfit.UsageError, match='"kll" is no divergence'):
        klfit.divergence(p, p, "kll")
    with pytest.raises(klfit.UsageError, match="there is one"):
        klfit.divergence(p)
    with pytest.raises(klfit.UsageError, match="of one density"):
        klfit.divergence(p, p, "entropy")


def test_an_answer_is_a_float():
    p, q = Mixture([0.3, 0.7], [[-2.0], [1.0]], stds=[[1.0], [1.0]]), Mixture([1.0], [[0.0]], stds=[[2.0]])
    answer = klfit.kl(p, q)
    assert answer + 1.0 == answer.value + 1.0 and 0.0 <= answer <= 1.0
    assert np.sqrt(answer) == np.sqrt(answer.value) and json.loads(json.dumps(answer)) == answer.value
    for again in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer)):
        assert again == answer and again.error == answer.error and repr(again) == repr(answer)
    for wrong in ({"abs_err": -1.0}, {"rel_err": 0.0}, {"samples": 0}):
        with pytest.raises(klfit.UsageError, match=next(iter(wrong))):
            klfit.kl(p, q, **wrong)
