"""Fits of whatever a user holds, and what goes wrong in a function."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import klfit
import numpy as np
import pytest
from klfit import Mixture

TWO = Mixture([0.5, 0.5], [[-3.0], [3.0]], stds=[[1.0], [1.0]])


def log_two(x):
    return np.logaddexp(-0.5 * (x[:, 0] + 3.0) ** 2, -0.5 * (x[:, 0] - 3.0) ** 2)


def log_two_with_gradient(x):
    values = log_two(x)
    share = np.exp(-0.5 * (x[:, 0] - 3.0) ** 2 - values)
    return values, (-(x[:, 0] + 3.0) * (1.0 - share) - (x[:, 0] - 3.0) * share)[:, None]


def test_a_mixture_is_fitted_as_a_function_of_it_is():
    asked = {"divergence": "reverse-kl", "components": 2, "restarts": 4, "optimizer": "lbfgs"}
    exact = klfit.fit(TWO, **asked)
    assert exact.divergence < 1e-12
    np.testing.assert_allclose(np.sort(exact.mixture.means_[:, 0]), [-3.0, 3.0], atol=1e-5)
    by_function = klfit.fit(log_two_with_gradient, dim=1, **asked)
    np.testing.assert_allclose(np.sort(by_function.mixture.means_[:, 0]), [-3.0, 3.0], atol=1e-4)
    # Z = 2 √(2π).
    log_z = by_function.log_normalizer
    assert abs(log_z - np.log(2 * np.sqrt(2 * np.pi))) < 4 * log_z.error + 1e-9
    assert abs(by_function.elbo - (log_z - by_function.divergences["reverse-kl"])) < 1e-12
    assert by_function.k_hat < 0.7
    without = klfit.fit(log_two, dim=1, divergence="forward-kl", restarts=2, optimizer="lbfgs")
    assert without.mixture.means_[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert without.mixture.covariances_[0, 0, 0] == pytest.approx(10.0, abs=1e-4)


def test_formulas_and_bounds():
    found = klfit.fit("gamma_lpdf(x, 3, 2)", support={"x": "positive"}, restarts=2, optimizer="lbfgs")
    assert abs(found.log_normalizer) < 1e-6
    assert found.divergence < 0.1


def test_rows_and_their_weights():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 2)) @ [[1.0, 0.4], [0.0, 2.0]] + [1.0, -1.0]
    found = klfit.fit(rows, optimizer="em")
    np.testing.assert_allclose(found.mixture.means_[0], rows.mean(axis=0), rtol=1e-8)
    np.testing.assert_allclose(found.mixture.covariances_[0], np.cov(rows.T, bias=True), rtol=1e-7)
    weights = generator.integers(1, 4, size=300)
    weighted = klfit.fit(rows, optimizer="em", sample_weight=weights, weight_kind="frequency").mixture
    np.testing.assert_allclose(weighted.means_[0], np.average(rows, axis=0, weights=weights), rtol=1e-8)
    np.testing.assert_allclose(weighted.covariances_[0], np.cov(rows.T, bias=True, fweights=weights), rtol=1e-7)
    pandas = pytest.importorskip("pandas")
    named = klfit.fit(pandas.DataFrame(rows, columns=["height", "weight"]), optimizer="em")
    assert named.mixture.names == ["height", "weight"]
    assert "mean_x1" in named.trajectory
    polars = pytest.importorskip("polars")
    same = klfit.fit(polars.DataFrame({"height": rows[:, 0], "weight": rows[:, 1]}), optimizer="em")
    np.testing.assert_array_equal(same.mixture.means_, named.mixture.means_)


def test_a_number_of_components_is_chosen():
    generator = np.random.default_rng(0)
    rows = np.concatenate([generator.normal(-4.0, 1.0, 300), generator.normal(4.0, 1.0, 300)])
    found = klfit.fit(rows, components=[1, 2, 3], optimizer="em", restarts=4)
    assert found.mixture.n_components == 2
    assert len(found.run) == 3


def test_a_run_is_its_folder(tmp_path):
    found = klfit.fit(TWO, divergence="reverse-kl", restarts=2, optimizer="lbfgs", out=tmp_path / "run", name="two")
    run = found.run
    assert (tmp_path / "run/summary.json").is_file() and run.summary["name"] == "two"
    path = found.trajectory
    assert path["step"].dtype == np.float64 and set(path["run"]) == {0.0, 1.0}
    assert path["reverse_kl"][-1] == pytest.approx(float(found.divergence), rel=1e-6)
    frame = pytest.importorskip("pandas") and path.to_pandas()
    assert list(frame.columns) == list(path)
    figures = run.figures(width="column")
    assert {"densities", "convergence"} <= set(figures)
    assert figures["densities"]._repr_svg_().startswith("<svg") and 'width="85mm"' in figures["densities"].svg
    assert run.report().read_text().startswith("<!DOCTYPE html>")
    assert "<table>" in run._repr_html_() and "reverse-kl" in repr(run)
    with pytest.raises(klfit.UsageError, match="exists|holds"):
        klfit.fit(TWO, restarts=2, optimizer="lbfgs", out=tmp_path / "run")
    with pytest.raises(klfit.UsageError, match="no fit"):
        run["nothing"]


def test_a_config_runs(tmp_path):
    config = tmp_path / "two.toml"
    config.write_text(
        'name = "two"\n[target]\nmeans = [[-3.0], [3.0]]\nweights = [0.5, 0.5]\nstds = [[1.0], [1.0]]\n'
        '[optimizer]\ntype = "lbfgs"\n[[fit]]\ndivergence = "forward-kl"\n[[fit]]\ndivergence = "reverse-kl"\n'
    )
    run = klfit.run(config, set=["restarts=2"])
    assert [one.label for one in run] == ["forward-kl", "reverse-kl"]
    assert run["forward-kl"].mixture.covariances_[0, 0, 0] == pytest.approx(10.0, abs=1e-5)
    config.write_text(config.read_text().replace("[optimizer]", "[optimizer]\nstep = 3"))
    with pytest.raises(klfit.ConfigError, match=r"two.toml:7: .*step") as told:
        klfit.run(config)
    assert told.value.help


def test_arguments_that_are_wrong_are_told_by_their_keys():
    for asked, said in [
        ({"optimizer": {"type": "adam", "learning_rat": 0.1}}, "learning_rat"),
        ({"covariance": "round"}, "round"),
        ({"components": 0}, "components"),
        ({"divergence": "klx"}, "klx"),
        ({"stop": {"window": object()}}, "`window` is of type object"),
    ]:
        with pytest.raises(klfit.ConfigError, match=said):
            klfit.fit(TWO, **asked)
    with pytest.raises(klfit.UsageError, match="no target"):
        klfit.fit(object())


def test_what_does_not_apply_is_refused():
    rows = np.random.default_rng(0).normal(size=(40, 2))
    start = Mixture([1.0], [[0.0]], stds=[[2.0]])
    for target, asked, said in [
        (rows, {"support": {"x1": "positive"}}, "support is of a function"),
        (TWO, {"dim": 3}, "dim is of a function"),
        (TWO, {"sample_weight": np.ones(3)}, "sample_weight is of rows"),
        (rows, {"sample_weight": np.ones((40, 2))}, "sample_weight has the shape"),
        ("-x^2", {"support": ["positive"]}, "support is"),
        (TWO, {"component": 3}, "no argument component\ndid you mean components"),
        (TWO, {"n_components": 3}, "did you mean components"),
        (TWO, {"divergance": "js"}, "did you mean divergence"),
        (TWO, {"components": 2.5}, "components is 2.5"),
        (TWO, {"optimizer": 3}, "optimizer is 3"),
    ]:
        with pytest.raises(klfit.UsageError, match=said):
            klfit.fit(target, **asked)
    with pytest.raises(klfit.UsageError, match="no config"):
        klfit.run(TWO)
    found = klfit.fit(TWO, components=np.int64(1), init=start, restarts=None, optimizer="lbfgs")
    assert found.mixture.covariances_[0, 0, 0] == pytest.approx(10.0, abs=1e-4)


def test_a_function_that_is_wrong_ends_the_run():
    def raising(x):
        if np.any(x > 50.0) or True:
            raise ZeroDivisionError("no such point")

    with pytest.raises(klfit.FunctionError, match="no such point") as told:
        klfit.fit(raising, dim=1)
    assert isinstance(told.value.__cause__, ZeroDivisionError)
    with pytest.raises(klfit.FunctionError, match=r"of shape \(2, 3\) it returned log p of shape \(3,\)"):
        klfit.fit(lambda x: np.zeros(len(x) + 1), dim=3)
    with pytest.raises(klfit.FunctionError, match="a gradient of shape"):
        klfit.fit(lambda x: (np.zeros(len(x)), np.zeros((len(x), 5))), dim=3)
    with pytest.raises(klfit.FunctionError, match="no array of numbers"):
        klfit.fit(lambda x: "text", dim=3)
    with pytest.raises(klfit.FunctionError, match="not a number") as told:
        klfit.fit(lambda x: (np.full(len(x), np.nan), np.zeros_like(x)), dim=2)
    assert "-inf" in told.value.help
    with pytest.raises(klfit.FunctionError, match="the gradient is not a number"):
        klfit.fit(lambda x: (-0.5 * (x**2).sum(axis=1), x * np.nan), dim=2)
    # A list of numbers is no pair, whatever the number of points.
    found = klfit.fit(lambda x: [-0.5 * float(row @ row) for row in x], dim=1, divergence="forward-kl", restarts=1)
    assert found.mixture.covariances_[0, 0, 0] == pytest.approx(1.0, abs=1e-2)


def test_a_function_that_fails_late_ends_the_run():
    calls = []

    def late(x):
        calls.append(len(x))
        if len(calls) > 400:
            raise RuntimeError("tired")
        return log_two_with_gradient(x)

    with pytest.raises(klfit.FunctionError, match="tired"):
        klfit.fit(late, dim=1, restarts=2, optimizer={"type": "adam", "steps": 5000})


def interrupted(script, begun):
    """What a process prints that is interrupted after it has begun."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True, env=_environment()
    )
    waited = threading.Event()
    while not begun() and child.poll() is None:
        waited.wait(0.05)
    waited.wait(0.5)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=20)
    return said.strip()


def test_ctrl_c_ends_a_fit_within_a_step(tmp_path):
    script = f"""
        import klfit
        target = klfit.Mixture([1.0], [[0.0]], stds=[[1.0]])
        try:
            klfit.fit(target, optimizer={{"type": "adam", "steps": 100_000_000}}, log={{"every": 1000}},
                      out={str(tmp_path / "run")!r}, restarts=1)
        except KeyboardInterrupt:
            print("interrupted")
        """
    assert interrupted(script, (tmp_path / "run/forward-kl/trajectory.csv").is_file) == "interrupted"
    # What it logged is there, and it may go on.
    assert '"interrupted": true' in (tmp_path / "run/summary.json").read_text()


def test_ctrl_c_ends_a_sweep(tmp_path):
    script = f"""
        import klfit
        target = klfit.Mixture([1.0], [[0.0]], stds=[[1.0]])
        asked = klfit.experiment(target, optimizer={{"type": "adam", "steps": 100_000_000}}, log={{"every": 1000}})
        try:
            klfit.sweep(asked, {{"seed": [1, 2, 3]}}, out={str(tmp_path / "sweep")!r})
        except KeyboardInterrupt:
            print("interrupted")
        """
    assert interrupted(script, lambda: list(tmp_path.glob("sweep/*/*/trajectory.csv"))) == "interrupted"


def test_ctrl_c_ends_a_divergence(tmp_path):
    mark = tmp_path / "begun"
    script = f"""
        import pathlib
        import klfit
        import numpy as np
        generator = np.random.default_rng(0)
        p, q = (klfit.Mixture(np.full(50, 0.02), generator.normal(size=(50, 8)), stds=np.ones((50, 8))) for _ in "pq")
        pathlib.Path({str(mark)!r}).touch()
        try:
            klfit.kl(p, q, method="monte-carlo", abs_err=1e-9)
        except KeyboardInterrupt:
            print("interrupted")
        """
    assert interrupted(script, mark.exists) == "interrupted"


@pytest.mark.parametrize("at_once", [True, False])
def test_no_panic_crosses(at_once):
    with pytest.raises(klfit.Error, match="a fault of klfit: on purpose") as told:
        klfit._klfit.panics(at_once)
    assert "report" in told.value.help


def test_other_threads_go_on():
    done = threading.Event()
    counted = []

    def count():
        while not done.is_set():
            counted.append(1)
            done.wait(0.001)

    other = threading.Thread(target=count)
    other.start()
    klfit.fit(TWO, components=2, divergence="reverse-kl", restarts=16, optimizer={"type": "adam", "steps": 300})
    done.set()
    other.join()
    assert len(counted) > 20


def test_functions_of_pytorch_have_their_gradient():
    torch = pytest.importorskip("torch")
    scale = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = klfit.fit(klfit.torch(lambda x: -0.5 * ((x - 1.0) / scale).square().sum(dim=1)), dim=2, restarts=2, optimizer="lbfgs")
    np.testing.assert_allclose(found.mixture.covariances_[0], np.diag([1.0, 4.0]), atol=1e-5)
    assert abs(found.log_normalizer - np.log(4 * np.pi)) < 4 * found.log_normalizer.error + 1e-8


def test_functions_of_jax_have_their_gradient():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    scale = jnp.array([1.0, 2.0])
    found = klfit.fit(klfit.jax(lambda x: -0.5 * jnp.sum(((x - 1.0) / scale) ** 2)), dim=2, restarts=2, optimizer="lbfgs")
    np.testing.assert_allclose(found.mixture.covariances_[0], np.diag([1.0, 4.0]), atol=1e-5)


def test_progress_is_told(caplog):
    with caplog.at_level("INFO", logger="klfit"):
        klfit.fit(TWO, restarts=1, optimizer="lbfgs")
    assert "forward-kl begins" in caplog.text and "forward-kl ended" in caplog.text


def test_a_bar_follows_where_it_is_wanted(capsys):
    pytest.importorskip("tqdm")
    klfit.fit(TWO, restarts=1, optimizer={"type": "adam", "steps": 2000}, verbose=True)
    assert "forward-kl" in capsys.readouterr().err
    klfit.fit(TWO, restarts=1, optimizer="lbfgs", verbose=False)
    assert capsys.readouterr().err == ""


def _environment():
    """Where a process finds what this one has imported."""
    return {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(klfit.__file__))}


def test_the_command_is_there(tmp_path):
    def klfit_command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "klfit", *arguments], capture_output=True, text=True, cwd=tmp_path, env=_environment()
        )

    assert klfit_command("--version").stdout.startswith("klfit ")
    wrong = klfit_command("run", "nothing.toml")
    assert wrong.returncode == 2 and "nothing.toml" in wrong.stderr
