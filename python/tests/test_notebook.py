"""The notebook of the pages runs, and shows what it has shown."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KLFIT_ROOT", Path(__file__).parents[2]))
NOTEBOOK = ROOT / "docs/python.ipynb"
#: Of what a cell shows, what is the same on every machine but for times.
EXACT = ("text/plain", "text/html")
SECONDS = re.compile(r"\d+\.\d\d s\b")


def shown(cell):
    """What a cell prints and shows: texts as they are, of pictures that they are there."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.name, output.text
            continue
        for kind, text in sorted(output.data.items()):
            text = "".join(text)
            yield kind, SECONDS.sub("", text) if kind in EXACT else ""


def test_the_notebook_shows_what_it_has_shown(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for name in ("ipykernel", "matplotlib"):
        pytest.importorskip(name)
    stored = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(run, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell in run.cells:
        cell.metadata.pop("execution", None)
    if os.environ.get("KLFIT_DOCS") == "renew":
        run.metadata = stored.metadata
        nbformat.write(run, NOTEBOOK)
        return
    for one, before in zip(run.cells, stored.cells):
        if one.cell_type == "code":
            assert list(shown(one)) == list(shown(before)), one.source
    pictures = [kind for cell in run.cells if cell.cell_type == "code" for kind, _ in shown(cell)]
    assert pictures.count("image/svg+xml") == 1 and pictures.count("image/png") == 1
