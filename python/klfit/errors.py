"""What goes wrong, with what to do about it."""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "Error",
    "FigureError",
    "FileError",
    "FunctionError",
    "MixtureError",
    "NumericalError",
    "RunFolderError",
    "UsageError",
]


#: What the command says, as it is said here.
_HERE = {
    "--force": 'existing="replace"',
    "--resume": 'existing="resume"',
    "--out": "out",
    "--missing drop": "missing values left out",
    "--seed": "seed",
    "--set ": "set=",
}


def _here(said: str) -> str:
    for there, here in _HERE.items():
        said = said.replace(there, here)
    return said


class Error(Exception):
    """Everything that klfit refuses or fails at: what is wrong, where, and what to do.

    Attributes:
        message: What is wrong, and where.
        help: What to do about it, where there is something to say.
    """

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message, help)
        self.message = _here(message)
        self.help = help and _here(help)

    def __str__(self) -> str:
        return f"{self.message}\n{self.help}" if self.help else self.message


class ConfigError(Error, ValueError):
    """A config, or an argument that stands for one of its keys, says something that cannot be run."""


class UsageError(Error, ValueError):
    """A request that cannot be met."""


class MixtureError(Error, ValueError):
    """Numbers that are no mixture of Gaussians, or an operation that leaves none."""


class FunctionError(Error, ValueError):
    """A function of the user answered with what is no log-density."""


class FileError(Error, OSError):
    """The operating system refused to read or write a file."""


class RunFolderError(Error):
    """A file of a run folder does not hold what klfit writes there."""


class NumericalError(Error, ArithmeticError):
    """A computation broke down."""


class FigureError(Error):
    """A figure could not be drawn."""
