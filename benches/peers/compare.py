"""Times klfit and its peers on the same work in one run, and prints a table of ratios.

    benches/peers/compare.sh

makes a virtual environment with the pinned peers first.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TARGETS = {
    "gradients full N=20000 D=1 K=2": 15,
    "gradients full N=4096 D=2 K=4": 12,
    "gradients full N=4096 D=16 K=8": 8,
    "gradients full N=8192 D=32 K=32": 14,
    "gradients diagonal N=20000 D=1 K=2": 8,
    "gradients diagonal N=4096 D=2 K=4": 8,
    "gradients diagonal N=4096 D=16 K=8": 8,
    "gradients diagonal N=8192 D=32 K=32": 8,
    "step D=2 K=4 L=4 S=4096": 3,
    "step D=16 K=8 L=8 S=4096": 5,
    "step D=32 K=32 L=16 S=8192": 10,
    "step line 200": 1,
    "step line 20000": 4,
    "kl D=8 K=10 1e6": 30,
    "landscape 99 x 100 x 400": 5,
    "64 restarts, whole process": 6,
}


def lines(command):
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    rows = (json.loads(line) for line in printed.splitlines() if line.startswith("{"))
    return {row["work"]: row["us"] for row in rows}


def process(command, times):
    least = float("inf")
    for _ in range(times):
        before = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        least = min(least, time.perf_counter() - before)
    return least * 1e6


subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
metadata = subprocess.run(
    ["cargo", "metadata", "--format-version", "1", "--no-deps"],
    cwd=ROOT, check=True, capture_output=True, text=True,
).stdout
klfit = Path(json.loads(metadata)["target_directory"]) / "release" / "klfit"
ours = lines(["cargo", "bench", "--locked", "--bench", "peers"])
theirs = lines([sys.executable, str(HERE / "peers.py")])
with tempfile.TemporaryDirectory() as out:
    command = [str(klfit), "run", str(HERE / "bimodal.toml"), "--no-figures", "--quiet", "--force", "--out", out + "/run"]
    ours["64 restarts, whole process"] = process(command, 3)
theirs["64 restarts, whole process"] = process([sys.executable, str(HERE / "bimodal.py")], 3)
print(f"{'work':40} {'klfit µs':>12} {'peer µs':>12} {'ratio':>7} {'target':>7}")
for work, target in TARGETS.items():
    ratio = theirs[work] / ours[work]
    print(f"{work:40} {ours[work]:12.1f} {theirs[work]:12.1f} {ratio:7.1f} {target:7}")
