"""`--help` of every verb: fits 80 columns, describes every argument and option, and names shared ones alike."""

from __future__ import annotations

import re

import pytest

from convscope.cli import VERBS, main


@pytest.fixture
def help_of(capsys, monkeypatch):
    def show(*words: str) -> str:
        monkeypatch.setenv("COLUMNS", "80")
        assert main([*words, "--help"]) == 0
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("words", [(), *((verb,) for verb in VERBS)], ids=str)
def test_it_fits_80_columns(help_of, words):
    assert max(map(len, help_of(*words).splitlines())) <= 80


def test_the_list_of_verbs_has_whole_sentences(help_of):
    listed = help_of().split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == list(VERBS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_without_a_verb_it_is_shown(help_of, capsys):
    assert main([]) == 0 and capsys.readouterr().out == help_of()


@pytest.mark.parametrize("verb", VERBS)
def test_everything_is_described(help_of, verb):
    text = help_of(verb)
    entries = re.split(r"\n  (?=\S)", text.split("\n\n", 3)[-1])
    for entry in entries[1:]:
        described = re.sub(r"\s*\[(default|required|env var|\d).*?\]$", "", " ".join(entry.split("\n\n")[0].split()))
        assert re.search(r"[.)]$|^-h, --help", described), entry


def test_an_option_means_the_same_in_every_verb(help_of):
    descriptions: dict[str, set[str]] = {}
    for verb in VERBS:
        for entry in re.split(r"\n  (?=\S)", help_of(verb))[1:]:
            words = re.sub(r"\s*\[default: .*?\]$", "", " ".join(entry.split("\n\n")[0].split()))
            if (verb, words.split()[0]) != ("serve", "--workers"):  # of a service, the word means processes
                descriptions.setdefault(words.split()[0], set()).add(words)
    for flag in ("--data-dir", "--device", "--tta", "--workers", "--crop-mode"):
        assert len(descriptions[flag]) == 1, descriptions[flag]
