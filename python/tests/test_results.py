"""What comes back: draws, tables, sweeps, and figures on axes."""

import pickle

import klfit
import numpy as np
import pytest
from klfit import Mixture
from scipy.stats import norm

TWO = Mixture([0.5, 0.5], [[-3.0], [3.0]], stds=[[1.0], [1.0]])
QUICK = {"restarts": 2, "optimizer": "lbfgs"}


def test_a_run_has_its_names_and_its_parts():
    plane = Mixture([1.0], [[0.0, 1.0]], [[[2.0, 0.3], [0.3, 1.0]]], names=["height", "weight"])
    found = klfit.fit(plane, **QUICK)
    assert found.mixture.names == found.run.names == ["height", "weight"]
    assert found.diagnostics["psis"]["k_hat"] == pytest.approx(found.k_hat)
    again = klfit.Run(found.run.path)
    np.testing.assert_array_equal(again[0].mixture.means_, found.mixture.means_)
    assert again.names == ["height", "weight"]


def test_draws_lie_where_the_coordinates_do():
    found = klfit.fit("gamma_lpdf(x, 3, 2)", support={"x": "positive"}, **QUICK)
    assert found.mixture.names == ["log(x)"]
    draws = found.sample(20_000, seed=1)
    assert draws.shape == (20_000, 1) and (draws > 0.0).all()
    np.testing.assert_allclose(np.log(draws), found.mixture.sample(20_000, seed=1))
    assert draws.mean() == pytest.approx(1.5, rel=0.1)


def test_tables_are_frames_of_pandas_and_polars():
    table = klfit.fit(TWO, **QUICK).trajectory
    assert isinstance(table, dict) and {"step", "run", "loss"} <= set(table)
    pandas = pytest.importorskip("pandas")
    pandas.testing.assert_frame_equal(table.to_pandas(), pandas.DataFrame(dict(table)))
    pytest.importorskip("polars")
    assert table.to_polars().columns == list(table)


def test_a_sweep_is_its_points(tmp_path):
    asked = klfit.experiment(TWO, divergence="reverse-kl", **{**QUICK, "restarts": 8})
    swept = klfit.sweep(asked, {"family.components": [1, 2]}, out=tmp_path / "sweep")
    assert [point.settings for point in swept] == [{"family.components": 1}, {"family.components": 2}]
    # KL(q‖p) of the Gaussian that was found, by a sum.
    q = swept[0].run[0].mixture
    x = np.linspace(-15.0, 15.0, 20_001)
    log_q = norm(q.means_[0, 0], np.sqrt(q.covariances_[0, 0, 0])).logpdf(x)
    log_p = np.logaddexp(norm(-3.0, 1.0).logpdf(x), norm(3.0, 1.0).logpdf(x)) - np.log(2.0)
    kl = np.sum(np.exp(log_q) * (log_q - log_p)) * (x[1] - x[0])
    assert swept[0].run[0].divergence == pytest.approx(kl, rel=1e-9)
    assert swept[1].run[0].divergence < 1e-9
    assert swept.table["family.components"].tolist() == [1.0, 2.0]
    assert swept.table["reverse_kl"][0] == pytest.approx(float(swept[0].run[0].divergence))
    assert swept.figure(width="column").svg.startswith("<svg") and "<table>" in swept._repr_html_()
    assert swept.report().is_file() and not swept.broken
    again = klfit.Sweep(tmp_path / "sweep")
    assert [point.settings for point in again] == [point.settings for point in swept]
    with pytest.raises(klfit.UsageError):
        klfit.sweep(asked, {"family.components": [1, 2]}, out=tmp_path / "sweep")
    with pytest.raises(klfit.ConfigError, match="components"):
        klfit.sweep(asked, {"family.components": [1, 0]})
    with pytest.raises(klfit.UsageError, match="no \\[sweep\\]"):
        klfit.sweep(asked)
    listed = klfit.sweep(asked, points=[{"optimizer.type": "lbfgs", "seed": 3}, {"optimizer.type": "adam"}])
    assert [point.settings.get("seed") for point in listed] == [3, None]


def test_a_function_is_swept():
    def log_p(x):
        return -0.5 * (x**2).sum(axis=1), -x

    asked = klfit.experiment(log_p, dim=2, **QUICK)
    for point in klfit.sweep(asked, {"family.covariance": ["full", "diagonal"]}):
        np.testing.assert_allclose(point.run[0].mixture.covariances_[0], np.eye(2), atol=1e-5)

    def raising(x):
        raise ZeroDivisionError("no such point")

    with pytest.raises(klfit.Error, match="no such point"):
        klfit.sweep(klfit.experiment(raising, dim=2, **QUICK), {"family.covariance": ["full", "diagonal"]})


def test_several_fits_are_of_one_target():
    quick = {"restarts": 2, "optimizer": {"type": "lbfgs"}}
    both = klfit.run({"target": TWO, **quick, "fit": [{"divergence": "forward-kl"}, {"divergence": "reverse-kl"}]})
    assert len(both) == 2 and both["forward-kl"].mixture.covariances_[0, 0, 0] == pytest.approx(10.0, abs=1e-4)
    target = {"function": lambda x: (-0.5 * x[:, 0] ** 2, -x), "dim": 1}
    by_function = klfit.run({"target": target, **quick, "fit": [{"divergence": "reverse-kl"}]})
    assert by_function[0].mixture.covariances_[0, 0, 0] == pytest.approx(1.0, abs=1e-3)


def axes():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def squares(ellipse):
    """The covariance whose ellipse at one standard deviation it is."""
    angle = np.radians(ellipse.angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag([(ellipse.width / 2) ** 2, (ellipse.height / 2) ** 2]) @ turn.T


def test_figures_are_drawn_on_axes():
    line = klfit.fit(TWO, **QUICK)
    ax = line.figure(ax=axes())
    (drawn,) = ax.lines
    x, y = drawn.get_data()
    np.testing.assert_allclose(y, np.exp(line.mixture.log_density(x)))
    assert ax.get_xlabel() == "x" and [text.get_text() for text in ax.get_legend().texts] == ["p", "q"]
    (filled,) = ax.collections
    top = filled.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(0.5 / np.sqrt(2 * np.pi), rel=1e-3)
    ax = line.figure("convergence", ax=axes())
    assert len(ax.lines) == 2 and ax.get_xlabel() == "step"
    with pytest.raises(klfit.UsageError, match="not drawn on axes"):
        line.figure("parameters", ax=axes())
    assert line.figure("convergence").svg.startswith("<svg")
    with pytest.raises(klfit.Error, match="nothing"):
        line.figure("nothing")


def test_planes_have_the_regions_of_p_and_the_ellipses_of_q():
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    plane = klfit.fit(Mixture([1.0], [[1.0, -1.0]], [covariance], names=["a", "b"]), **QUICK)
    ax = plane.figure(ax=axes())
    assert ax.get_xlabel() == "a" and len(ax.patches) == 2
    # What q is fitted to exactly has its regions within the ellipses.
    outlines = [path for one in ax.collections for path in one.get_paths()]
    assert outlines
    inverse = np.linalg.inv(covariance)
    edges = [path.vertices - [1.0, -1.0] for path in outlines if len(path.vertices)]
    reached = sorted(float(np.sqrt(np.einsum("ni,ij,nj->n", edge, inverse, edge)).max()) for edge in edges)
    assert reached == pytest.approx([1.0, 2.0], abs=0.03)
    np.testing.assert_allclose(squares(ax.patches[0]), covariance, rtol=1e-3)
    np.testing.assert_allclose(squares(ax.patches[1]), 4.0 * covariance, rtol=1e-3)
    np.testing.assert_allclose(ax.patches[0].center, [1.0, -1.0], atol=1e-4)
    turned = plane.figure(ax=axes(), coordinates=["b", "a"])
    assert turned.get_xlabel() == "b" and turned.get_ylabel() == "a"
    np.testing.assert_allclose(squares(turned.patches[0]), covariance[::-1, ::-1], rtol=1e-3)


def test_rows_and_more_dimensions_are_drawn_too():
    rows = np.random.default_rng(0).normal(size=(400, 3))
    found = klfit.fit(rows, optimizer="em")
    ax = found.figure(ax=axes())
    assert len(ax.collections[0].get_offsets()) == 400 and ax.get_xlabel() == "x1"
    ax = found.figure(ax=axes(), coordinates=[2])
    assert sum(bar.get_height() * bar.get_width() for bar in ax.patches) == pytest.approx(1.0)
    with pytest.raises(klfit.UsageError, match="one coordinate or two"):
        found.figure(ax=axes(), coordinates=[0, 1, 2])


def test_draws_go_to_arviz():
    arviz = pytest.importorskip("arviz")
    found = klfit.fit("gamma_lpdf(tau, 3, 2)", support={"tau": "positive"}, **QUICK)
    data = found.to_arviz(n=500)
    np.testing.assert_allclose(data.posterior["tau"].values[0], found.sample(500)[:, 0])
    logs = data.sample_stats["lp"].values[0]
    # log p of log τ, with its Jacobian.
    u = found.mixture.sample(500)[:, 0]
    expected = 3 * np.log(2) - np.log(2) + 3 * u - 2 * np.exp(u)
    np.testing.assert_allclose(logs, expected, atol=1e-5)
    assert len(arviz.summary(data)) == 1


def test_results_outlive_their_process(tmp_path):
    found = klfit.fit(TWO, **QUICK)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.mixture.means_, found.mixture.means_)
    assert again.run.names == ["x"] and again.divergence == found.divergence
    # The function is gone, and what came out is there.
    by_function = klfit.fit(lambda x: (-0.5 * x[:, 0] ** 2, -x), dim=1, out=tmp_path / "run", **QUICK)
    means, path = by_function.mixture.means_, by_function.run.path
    del by_function
    gone = klfit.Run(path)
    np.testing.assert_array_equal(gone[0].mixture.means_, means)
    assert len(gone[0].trajectory["step"]) > 0


def test_an_interrupted_function_goes_on(tmp_path):
    calls = []

    def log_p(x):
        calls.append(1)
        if len(calls) == 300:
            raise KeyboardInterrupt
        return -0.5 * x[:, 0] ** 2, -x

    asked = {"dim": 1, "restarts": 1, "optimizer": {"type": "adam", "steps": 2000}, "out": tmp_path / "run"}
    # Another function has the name at first.
    other = klfit.experiment(log_p, dim=1)
    with pytest.raises(KeyboardInterrupt):
        klfit.fit(log_p, **asked)
    manifest = (tmp_path / "run/manifest").read_text()
    del other
    found = klfit.fit(log_p, existing="resume", **asked)
    assert found.run.summary["id"] in manifest
    assert found.mixture.means_[0, 0] == pytest.approx(0.0, abs=1e-3)


def test_units_of_rows_do_not_matter():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    for scale in (1e-8, 1e-3, 1.0, 1e8):
        found = klfit.fit(rows * scale)
        assert found.at_rest
        np.testing.assert_allclose(found.mixture.means_[0], rows.mean(axis=0) * scale, rtol=1e-6)
        np.testing.assert_allclose(found.mixture.covariances_[0], np.cov(rows.T, bias=True) * scale**2, rtol=1e-5)


def test_figures_are_saved_as_what_they_are(tmp_path):
    figure = klfit.Figure("densities", "<svg/>")
    figure.save(tmp_path / "one.svg")
    with pytest.raises(klfit.UsageError, match="no name of an SVG"):
        figure.save(tmp_path / "one.png")
