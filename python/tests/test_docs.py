"""The examples of the pages: every block of Python runs, and prints the block of text under it."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KLFIT_ROOT", Path(__file__).parents[2]))
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<text>.*?)```\n)?", re.DOTALL)
#: What the blocks ask for beside klfit.
NEEDED = ["scipy", "sklearn"]


def outputs(page):
    """Every block of Python with what it prints."""
    names = {"__name__": "__main__"}
    for block in BLOCK.finditer(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["code"], "a block", "exec"), names)
        yield block, printed.getvalue()


@pytest.mark.parametrize("path", ["docs/python.md", "python/README.md", "README.md"])
def test_blocks_print_what_stands_under_them(path, tmp_path, monkeypatch):
    for name in NEEDED:
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    file = ROOT / path
    page = file.read_text(encoding="utf-8")
    found = list(outputs(page))
    assert found
    if os.environ.get("KLFIT_DOCS") == "renew":
        for block, printed in reversed(found):
            if block["text"] is not None:
                page = page[: block.start("text")] + printed + page[block.end("text") :]
        file.write_text(page, encoding="utf-8")
        return
    for block, printed in found:
        assert printed == (block["text"] or ""), block["code"]
