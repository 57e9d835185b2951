"""The examples in the docstrings of i18n and components hold."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import components.forms
import i18n.formats
import i18n.languages
import i18n.translate


@pytest.mark.parametrize("module", [i18n.formats, i18n.languages, i18n.translate, components.forms])
def test_examples_hold(module: ModuleType) -> None:
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert (found.failed, found.attempted > 0) == (0, True)
