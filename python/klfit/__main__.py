"""The command `klfit`, as `python -m klfit` too."""

from __future__ import annotations

import signal
import sys

from . import _klfit


def main() -> int:
    """Does what the arguments of the process ask, and returns the exit code."""
    # The command listens to signals itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _klfit.main(["klfit", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
