"""Where the time of every config goes: python3 benches/configs.py target/release/klfit

Each is run four times: as it is; without figures; without the evaluations of the steps in between; and for one step,
where that is allowed. What a run takes less each time went into drawing, evaluations and steps; what is left is the
start, with the last judgement of each fit. Seconds.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
here = pathlib.Path(__file__).resolve().parent.parent / "configs"
print("| config | whole | drawing | evaluations | steps | start and end |")
print("| --- | ---: | ---: | ---: | ---: | ---: |")
for config in sorted(here.glob("*.toml")):
    def seconds(*options):
        with tempfile.TemporaryDirectory() as out:
            started = time.perf_counter()
            command = [program, "run", str(config), "--out", out + "/run", *options]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return time.perf_counter() - started if done.returncode == 0 else None

    bare = ("--no-figures",)
    times = [seconds(), seconds(*bare), seconds(*bare, "--set", "log.every=1000000"), seconds(*bare, "--steps", "1")]
    parts = [None if None in pair else max(pair[0] - pair[1], 0.0) for pair in zip(times, times[1:])]
    cells = " | ".join("" if part is None else f"{part:.2f}" for part in [times[0], *parts, times[-1]])
    print(f"| [{config.stem}](../configs/{config.name}) | {cells} |", flush=True)
