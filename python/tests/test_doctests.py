"""The examples in docstrings."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["klfit", "klfit.divergences", "klfit.experiments", "klfit.mixture"])
def test_examples_give_what_they_say(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0 and found.failed == 0
