"""What klfit costs on many machines, measured on this one: python3 benches/scale.py target/release/klfit [MPI]

MPI is a klfit built with --features mpi, where rows in parts are measured with `mpirun` too. Prints the tables of
docs/scale.md. Takes some minutes, and 400 MB for temporary files.
"""
import array
import csv
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

program = os.path.abspath(sys.argv[1])
with_mpi = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
place = pathlib.Path(tempfile.mkdtemp())
cores = len(os.sched_getaffinity(0))
one_core = {**os.environ, "RAYON_NUM_THREADS": "1"}


def run(*words, env=None, before=(), program=program):
    """The seconds that klfit takes, and what it prints."""
    started = time.perf_counter()
    done = subprocess.run([*before, program, *words], cwd=place, env=env, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return seconds, done.stdout


def together(commands):
    """The seconds of commands that run beside each other, each on one core."""
    started = time.perf_counter()
    running = [
        subprocess.Popen([program, *words], cwd=place, env=one_core, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for words in commands
    ]
    for one in running:
        one.wait()
    return time.perf_counter() - started


def table(title, header, rows):
    print(f"\n{title}\n\n| " + " | ".join(header) + " |")
    print("| " + " | ".join("---:" for _ in header) + " |")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


# Points: runs that take next to nothing, so that what is left is what a point costs.
def config(points):
    values = ", ".join(str(seed) for seed in range(points))
    (place / "points.toml").write_text(
        f"name = 'points'\nrestarts = 1\n[target]\nmean = [1.0]\nstd = [1.0]\n[optimizer]\nsteps = 2\n"
        f"[[fit]]\ndivergence = 'forward-kl'\n[sweep.grid]\nseed = [{values}]\n"
    )


rows = []
for points in (100, 1000, 10_000):
    config(points)
    shutil.rmtree(place / "out", ignore_errors=True)
    few = "1-100"
    start, _ = run("sweep", "points.toml", "--point", "1", "--out", "out", "-q", env=one_core)
    some, _ = run("sweep", "points.toml", "--point", few, "--out", "out", "-q", env=one_core)
    each = (some - start) / 99
    run("sweep", "points.toml", "--shard", "1/1", "--out", "out", "-q")
    gather, _ = run("sweep", "points.toml", "--gather", "--out", "out", "-q", "--no-figures")
    files = sum(len(names) for _, _, names in os.walk(place / "out"))
    rows.append([f"{points:,}", f"{start * 1e3:.0f} ms", f"{each * 1e3:.1f} ms", f"{gather:.2f} s", f"{files / points:.1f}"])
table("points", ["points", "start of a task", "each point more", "gathering", "files of a point"], rows)
config(200)
seconds = []
for shards in (1, 2):
    shutil.rmtree(place / "out", ignore_errors=True)
    words = lambda shard: ["sweep", "points.toml", "--shard", f"{shard}/{shards}", "--out", "out", "-q"]
    seconds.append(together([words(shard + 1) for shard in range(shards)]))
print(f"\n200 points on one core: 1 task {seconds[0]:.2f} s, 2 tasks beside each other {seconds[1]:.2f} s")

# Draws.
pairs = {
    "one Gaussian each": ([1.0], 3),
    "10 components each": ([0.1] * 10, 3),
    "100 components each": ([0.01] * 100, 10),
}
rows = []
for title, (weights, dim) in pairs.items():
    for name, shift in (("p", 0.0), ("q", 0.3)):
        random.seed(len(weights))
        means = [[random.gauss(shift, 3.0) for _ in range(dim)] for _ in weights]
        stds = [[random.uniform(0.5, 2.0) for _ in range(dim)] for _ in weights]
        (place / f"{name}.toml").write_text(f"weights = {weights}\nmeans = {means}\nstds = {stds}\n")
    ask = ["divergence", "p.toml", "q.toml", "--kind", "kl", "--method", "monte-carlo", "--no-bracket", "-q"]
    few, many = ("1e6", 1e6), ("2e7" if len(weights) < 100 else "3e6", 2e7 if len(weights) < 100 else 3e6)
    times = [run(*ask, "--samples", samples, env=one_core)[0] for samples, _ in (few, many)]
    each = (times[1] - times[0]) / (many[1] - few[1])
    shutil.rmtree(place / "sums", ignore_errors=True)
    two = together([[*ask, "--samples", many[0], "--sums", "sums", "--shard", f"{shard}/2"] for shard in (1, 2)])
    gather, _ = run(*ask, "--samples", many[0], "--sums", "sums", "--gather")
    size = sum(file.stat().st_size for file in (place / "sums").iterdir()) / 2
    rows.append(
        [title, str(dim), f"{each * 1e9:.0f} ns", f"{times[1]:.2f} s", f"{two:.2f} s", f"{gather * 1e3:.0f} ms", f"{size / 1e3:.0f} kB",
         f"{each * 1e12 / 3600:.0f} h"]
    )
table("draws", ["densities", "D", "a draw", "one task", "two tasks", "gathering", "a file of sums", "10¹² draws on one core"], rows)

# Rows.
PARTS, ROWS = 4, 1_000_000
random.seed(1)
block = array.array("f")
for _ in range(ROWS // 10):
    side = random.choice((-2.0, 0.0, 3.0))
    block.extend(side + random.gauss(0.0, 1.0) for _ in range(8))


def parts(rows):
    """Writes so many rows in parts."""
    each = rows // PARTS
    for part in range(PARTS):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({each}, 8), }}"
        with open(place / f"part-{part}.npy", "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + f"{header:<117}\n".encode())
            for begin in range(0, each, ROWS // 10):
                block[: 8 * min(ROWS // 10, each - begin)].tofile(file)


def fit(steps, before=(), program=program, section=""):
    """The seconds of a step, of the whole run, and the loss."""
    (place / "rows.toml").write_text(
        f"name = 'rows'\n[target]\nfile = 'part-*.npy'\n[family]\ncomponents = 3\n[init]\ntype = 'k-means'\n"
        f"[log]\nevery = {steps}\n{section}[[fit]]\nlabel = 'fit'\ndivergence = 'forward-kl'\n"
        f"optimizer.steps = {steps}\nrestarts = 1\n"
    )
    shutil.rmtree(place / "run", ignore_errors=True)
    words = ("run", "rows.toml", "--out", "run", "--no-figures", "-q")
    whole, _ = run(*words, env=one_core, before=before, program=program)
    with open(place / "run/fit/trajectory.csv", newline="") as file:
        logged = list(csv.DictReader(file))
    loss = json.loads((place / "run/summary.json").read_text())["fits"][0]["best"]["loss"]["value"]
    return (float(logged[-1]["seconds"]) - float(logged[0]["seconds"])) / steps, whole, loss


def mpirun(ranks):
    return ("mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks))


rows = []
for count, steps in ((4_000, 2000), (40_000, 500), (1_000_000, 40), (4_000_000, 20)):
    parts(count)
    ways = [("one process", ())]
    if with_mpi:
        ways += [(f"MPI, {ranks}", (mpirun(ranks), with_mpi, "[distributed]\n")) for ranks in (1, 2)]
    for name, how in ways:
        step, whole, loss = fit(steps, *how)
        rows.append([f"{count:,}", name, f"{step * 1e3:.2f} ms", f"{step / count * 1e9:.0f} ns", f"{whole - step * steps:.2f} s", f"{loss:.12f}"])
table("rows of eight columns in four parts, 3 components", ["rows", "by", "a step", "of a row", "start and end", "loss"], rows)
shutil.rmtree(place)
