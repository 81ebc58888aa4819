"""Every finding about groups has a title in both languages on the page."""

from __future__ import annotations

import pytest

from convscope.checking.words import KINDS


@pytest.mark.parametrize("kind", ["groups-cut", "likely-groups"])
def test_findings_about_groups_have_words(kind):
    title, advice = KINDS[kind]
    assert all(title) and all(advice) and title[0] != kind
