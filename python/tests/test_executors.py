"""Sweeps whose points others run: threads, processes, Dask, and Ray, of which a worker is killed."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import klfit
import numpy as np
import pytest

GRID = {"estimator.samples": [16, 24], "seed": [1, 2]}
#: What differs from run to run.
CLOCKS = ("seconds",)
#: Of a function without a gradient.
DRAWS = {"type": "monte-carlo", "gradient": "score-function"}


def asked(target, **more):
    return klfit.experiment(
        target,
        divergence="reverse-kl",
        optimizer={"type": "adam", "steps": 20, **more},
        estimator={"type": "monte-carlo"},
        restarts=2,
        log={"every": 5},
    )


def mixture():
    return klfit.Mixture([0.4, 0.6], means=[[-2.0], [1.5]], stds=[[1.0], [0.7]])


def banana(x):
    return -0.5 * (x[:, 0] ** 2 + (x[:, 1] - x[:, 0] ** 2) ** 2)


def table(swept):
    return {name: list(column) for name, column in swept.table.items() if name not in CLOCKS}


def same(swept, whole):
    found, wanted = table(swept), table(whole)
    assert found.keys() == wanted.keys()
    for name, column in wanted.items():
        if isinstance(column[0], float):
            np.testing.assert_array_equal(found[name], column, name)
        else:
            assert found[name] == column, name
    for one, other in zip(swept, whole, strict=True):
        assert one.label == other.label
        for name, column in other.run[0].trajectory.items():
            if name not in CLOCKS:
                np.testing.assert_array_equal(one.run[0].trajectory[name], column, name)


@pytest.fixture
def processes():
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


def of_function():
    return klfit.experiment(
        banana, dim=2, optimizer={"type": "adam", "steps": 20}, estimator=DRAWS, restarts=2, log={"every": 5}
    )


def of_rows():
    rows = np.random.default_rng(3).normal(size=(60, 2))
    return klfit.experiment(rows, optimizer={"type": "adam", "steps": 20}, restarts=2, log={"every": 5})


@pytest.mark.parametrize(
    ("config", "grid"),
    [
        (asked(mixture()), GRID),
        (of_function(), GRID),
        (of_rows(), {"family.components": [1, 2], "seed": [1, 2]}),
    ],
    ids=["mixture", "function", "rows"],
)
def test_processes_run_what_one_does(processes, config, grid):
    same(klfit.sweep(config, grid, executor=processes), klfit.sweep(config, grid))


def test_threads_run_what_one_does(tmp_path):
    whole = klfit.sweep(asked(mixture()), GRID)
    with ThreadPoolExecutor(2) as executor:
        same(klfit.sweep(asked(mixture()), GRID, out=tmp_path / "out", executor=executor), whole)
        with pytest.raises(klfit.UsageError, match="holds a sweep already"):
            klfit.sweep(asked(mixture()), GRID, out=tmp_path / "out", executor=executor)
        again = klfit.sweep(asked(mixture()), GRID, out=tmp_path / "out", executor=executor, existing="resume")
        same(again, whole)


def test_a_config_in_a_file(tmp_path, processes):
    path = tmp_path / "sweep.toml"
    path.write_text(
        """name = "in-a-file"
restarts = 1
[target]
means = [[0.5]]
stds = [[1.0]]
[optimizer]
steps = 3
[[fit]]
divergence = "forward-kl"
[sweep.grid]
seed = [1, 2]
"""
    )
    same(klfit.sweep(path, executor=processes), klfit.sweep(path))


def test_what_is_no_executor_is_told():
    with pytest.raises(klfit.UsageError, match="is no executor"):
        klfit.sweep(asked(mixture()), GRID, executor=3)


def test_a_point_that_breaks_down_is_alone(tmp_path):
    def upset(x):
        if "upset" in os.environ:
            raise ValueError("upset")
        return -0.5 * (x**2).sum(axis=1)

    config = klfit.experiment(upset, dim=1, optimizer={"type": "adam", "steps": 3}, estimator=DRAWS, restarts=1)
    os.environ["upset"] = "1"
    try:
        with ThreadPoolExecutor(1) as executor, pytest.raises(klfit.Error):
            klfit.sweep(config, {"seed": [1, 2]}, out=tmp_path / "out", executor=executor)
    finally:
        del os.environ["upset"]
    with ThreadPoolExecutor(1) as executor:
        swept = klfit.sweep(config, {"seed": [1, 2]}, out=tmp_path / "out", executor=executor, existing="resume")
    assert len(swept) == 2


def test_dask():
    distributed = pytest.importorskip("distributed")
    whole = klfit.sweep(asked(mixture()), GRID)
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        same(klfit.sweep(asked(mixture()), GRID, executor=client), whole)


def killed_once(path):
    """A function that kills the worker that asks for it, the first time that one has taken some steps."""
    calls, here = [], os.getpid()

    def log_density(x):
        calls.append(len(x))
        if len(calls) > 60 and os.getpid() != here:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return -0.5 * (x**2).sum(axis=1)

    return log_density


def test_ray_goes_on_where_a_worker_was_killed(tmp_path):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        grid = {"seed": [1, 2, 3, 4]}
        mark = tmp_path / "killed"
        config = klfit.experiment(
            killed_once(str(mark)), dim=1, optimizer={"type": "adam", "steps": 200}, estimator=DRAWS, restarts=1
        )
        swept = klfit.sweep(config, grid, out=tmp_path / "out", executor=ray)
        assert mark.exists()
        # By now nothing kills any more.
        same(swept, klfit.sweep(config, grid))
    finally:
        ray.shutdown()
