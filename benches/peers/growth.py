"""Draws docs/figures/growth.png from what `cargo bench --bench growth` prints, and says how costs grow.

    cargo bench --locked --bench growth | benches/peers/growth.py
"""
import json
import sys
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
what = {"N": "points N", "K": "components K", "D": "dimensions D", "R": "runs R (512 points each)"}
look = {"full": ("#0072b2", "o"), "rank 4": ("#009e73", "^"), "diagonal": ("#d55e00", "s")}
plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
figure, panels = plt.subplots(1, 4, figsize=(9, 2.6), sharey=True)
for panel, (against, label) in zip(panels, what.items()):
    for form, (color, marker) in look.items():
        for threads, style in [(1, "-"), (2, "--")]:
            some = [r for r in rows if (r["against"], r["form"], r["threads"]) == (against, form, threads)]
            x, y = np.array([r["size"] for r in some]), np.array([r["us"] for r in some])
            name = f"{form}, {threads} thread{'s' * (threads > 1)}"
            panel.loglog(x, y, style, color=color, marker=marker, markersize=2.5, linewidth=1, label=name)
            if threads == 1:
                slope = np.polyfit(np.log(x[-4:]), np.log(y[-4:]), 1)[0]
                print(f"{form:9} against {against}: the last four points grow like {against}^{slope:.2f}")
    guide = {"D": (2, "D²")}.get(against, (1, against))
    x = np.array([r["size"] for r in rows if r["against"] == against and r["form"] == "full" and r["threads"] == 1])
    top = max(r["us"] for r in rows if r["against"] == against and r["form"] == "full")
    line = top * 2 * (x / x[-1]) ** guide[0]
    panel.loglog(x[-4:], line[-4:], ":", color="0.4", linewidth=1)
    panel.annotate(guide[1], (x[-3], line[-3]), textcoords="offset points", xytext=(-10, 3), color="0.3")
    panel.set_xlabel(label)
    panel.grid(alpha=0.25, linewidth=0.5)
panels[0].set_ylabel("time of one call, µs")
panels[0].legend(frameon=False, fontsize=6)
figure.tight_layout()
out = Path(__file__).parents[2] / "docs" / "figures" / "growth.png"
figure.savefig(out, dpi=200)
for form in look:
    one = {(r["against"], r["size"]): r["us"] for r in rows if r["form"] == form and r["threads"] == 1}
    two = {(r["against"], r["size"]): r["us"] for r in rows if r["form"] == form and r["threads"] == 2}
    long = [one[key] / two[key] for key in one if one[key] > 1000]
    print(f"{form}: two threads against one where a call takes over 1 ms: {min(long):.2f} to {max(long):.2f}, median {np.median(long):.2f}")
