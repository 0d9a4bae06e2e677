"""The pages' words: all sentences in every language, the reader's language first."""

from __future__ import annotations

import re

import pytest

from perennia.api.words import languages, words_for

ENGLISH = words_for("en", "en").sentences


def names_in(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", sentence))


@pytest.mark.parametrize("locale", sorted(languages()))
def test_a_language_has_every_sentence_with_its_values(locale: str) -> None:
    sentences = words_for(locale, "en").sentences
    assert {name: names_in(text) for name, text in sentences.items()} == {
        name: names_in(text) for name, text in ENGLISH.items()
    }


@pytest.mark.parametrize("locale", sorted(languages() - {"en"}))
def test_a_language_says_it_in_its_own_words(locale: str) -> None:
    assert not words_for(locale, "en").sentences.items() & ENGLISH.items()


@pytest.mark.parametrize(
    ("header", "fallback", "expected"),
    [
        ("de", "en", "de"),
        ("de-CH,fr;q=0.8", "en", "de"),
        ("fr;q=0.5, de;q=0.9", "en", "de"),
        ("tlh, fr;q=0.1", "en", "fr"),
        ("tlh", "nl-BE", "nl"),
        ("tlh", "tlh", "en"),
        ("", "pt_BR", "pt"),
        ("*", "sv", "sv"),
        ("de;q=0", "it", "it"),
        ("de;q=much", "it", "it"),
        (",;q=1,;;", "it", "it"),
    ],
)
def test_the_reader_is_spoken_to_in_the_language_they_like_best(header: str, fallback: str, expected: str) -> None:
    assert words_for(header, fallback).locale == expected


def test_arabic_runs_from_right_to_left() -> None:
    assert words_for("ar", "en").direction == "rtl"


def test_values_are_escaped() -> None:
    assert words_for("en", "en").say("unsubscribed_text", topic="<b>{x}</b>") == (
        "You will no longer get “&lt;b&gt;{x}&lt;/b&gt;”."
    )
