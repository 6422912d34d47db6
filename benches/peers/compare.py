"""Times klfit and its peers on the same work in one run, and prints a table of ratios.

    benches/peers/compare.sh

makes a virtual environment with the pinned peers first. Where work has a result, both sides must come to the same.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from problems import log_density, read

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
JAX = "JAX jit"
STEPS = "JAX jit, scan, optax"
# For each piece of work whom it is compared with, and by how much klfit is to be the faster.
WORK = {
    "gradients full N=20000 D=1 K=2": (JAX, 15),
    "gradients full N=4096 D=2 K=4": (JAX, 12),
    "gradients full N=4096 D=16 K=8": (JAX, 8),
    "gradients full N=8192 D=32 K=32": (JAX, 14),
    "gradients diagonal N=20000 D=1 K=2": (JAX, 8),
    "gradients diagonal N=4096 D=2 K=4": (JAX, 8),
    "gradients diagonal N=4096 D=16 K=8": (JAX, 8),
    "gradients diagonal N=8192 D=32 K=32": (JAX, 8),
    "step D=2 K=4 L=4 S=4096": (STEPS, 3),
    "step D=16 K=8 L=8 S=4096": (STEPS, 5),
    "step D=32 K=32 L=16 S=8192": (STEPS, 10),
    "step line 200": (STEPS, 1),
    "step line 20000": (STEPS, 4),
    "kl D=8 K=10 1e6": ("scikit-learn", 30),
    "landscape 99 x 100 x 400": ("NumPy", 5),
    "64 restarts, whole process": ("Python, JAX vmap, jit, scan", 6),
    "reverse KL D=10 K=4 S=128, 2000 steps": ("NumPyro SVI, jit, scan", 3),
    "EM iteration N=1e6 D=8 K=10": ("scikit-learn", 10),
    "EM fit N=1e4 D=2 K=3": ("mclust", 10),
    "KL on a line K=3 and 2": ("SciPy quad", 10),
}


def lines(command, **environment):
    """What a side prints, by its work."""
    ran = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    rows = (json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{"))
    return {row["work"]: row for row in rows}


def process(command, times):
    least = float("inf")
    for _ in range(times):
        before = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        least = min(least, time.perf_counter() - before)
    return {"us": least * 1e6}


def mclust(folder):
    """The row of R, where that is installed."""
    command = ["Rscript", "-e", "quit(status = !requireNamespace('mclust', quietly = TRUE))"]
    if shutil.which("Rscript") is None or subprocess.run(command, capture_output=True).returncode != 0:
        print("left out: mclust (apt-get install --no-install-recommends r-base-core r-cran-mclust)")
        return {}
    return lines(["Rscript", str(HERE / "mclust.R"), str(folder)])


def evidence(target, q):
    """The evidence lower bound E_q log p − log q of a Gaussian, by the same normal numbers for each."""
    mean, covariance = np.array(q[0]), np.reshape(q[1], [len(q[0])] * 2)
    normal = np.random.default_rng(2).normal(size=(400_000, len(mean)))
    x = mean + normal @ np.linalg.cholesky(covariance).T
    return (log_density(target, x) - log_density(([1.0], [mean], [covariance]), x)).mean()


def check(name, ours, theirs, margin):
    print(f"{name}: {ours:.9f} by klfit, {theirs:.9f} by its peer, to agree within {margin:.1e}")
    if not abs(ours - theirs) <= margin:
        sys.exit(f"{name}: the two sides came to different ends")


def check_results(folder, ours, theirs):
    result = lambda work: (ours[work]["result"], theirs[work]["result"])
    bounds = [evidence(read(folder / "target.json"), q) for q in result("reverse KL D=10 K=4 S=128, 2000 steps")]
    check("evidence lower bound", *bounds, 0.002)
    check("log-likelihood a row after the same iterations", *result("EM iteration N=1e6 D=8 K=10"), 1e-6)
    if "EM fit N=1e4 D=2 K=3" in theirs:
        check("log-likelihood a row of the fit", *result("EM fit N=1e4 D=2 K=3"), 1e-6)
    (value, error), (other, of_quad) = result("KL on a line K=3 and 2")
    check("KL on a line", value, other, error + of_quad)


subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
metadata = subprocess.run(
    ["cargo", "metadata", "--format-version", "1", "--no-deps"],
    cwd=ROOT, check=True, capture_output=True, text=True,
).stdout
klfit = Path(json.loads(metadata)["target_directory"]) / "release" / "klfit"
whole = "64 restarts, whole process"
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, str(HERE / "problems.py"), folder], check=True)
    ours = lines(["cargo", "bench", "--locked", "--bench", "peers"], PEERS_PROBLEMS=folder)
    theirs = lines([sys.executable, str(HERE / "peers.py")])
    theirs |= lines([sys.executable, str(HERE / "fits.py"), folder]) | mclust(folder)
    command = [str(klfit), "run", str(HERE / "bimodal.toml"), "--no-figures", "--quiet", "--force", "--out", folder + "/run"]
    ours[whole] = process(command, 3)
    theirs[whole] = process([sys.executable, str(HERE / "bimodal.py")], 3)
    check_results(Path(folder), ours, theirs)
print(f"{'work':40} {'klfit µs':>12} {'peer µs':>12} {'ratio':>7} {'target':>7}  faster")
for work, (peer, target) in WORK.items():
    if work in theirs:
        here, there = ours[work]["us"], theirs[work]["us"]
        faster = f"klfit, than {peer}" if here < there else f"{peer}, than klfit"
        print(f"{work:40} {here:12.1f} {there:12.1f} {there / here:7.1f} {target:7}  {faster}")
