"""The words of the hosted pages in each language: one TOML file a language beside the pages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
# What a header is looked at for; nobody reads more languages, and some send thousands.
_MOST_LANGUAGES = 20


@dataclass(frozen=True)
class Words:
    """The sentences of one language, by name."""

    locale: str
    sentences: dict[str, str]

    @property
    def direction(self) -> str:
        return "rtl" if self.locale in _RIGHT_TO_LEFT else "ltr"

    def say(self, sentence: str, **values: object) -> Markup:
        """The sentence with values put in, all of it escaped. Raises KeyError for a name that no page has."""
        return escape(self.sentences[sentence]).format(**values)


def words_for(accept_language: str, fallback: str) -> Words:
    """In the language of the header (RFC 9110, section 12.5.4) that we have and its reader likes best, else ``fallback``."""
    known = languages()
    for locale in (*_wanted(accept_language), fallback.lower()):
        primary = locale.replace("_", "-").split("-")[0]
        if primary in known:
            return _words(primary)
    return _words(ENGLISH)


@cache
def languages() -> frozenset[str]:
    """The languages there are words for."""
    folder = files("perennia.api") / "pages" / "words"
    return frozenset(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


@cache
def _words(locale: str) -> Words:
    text = (files("perennia.api") / "pages" / "words" / f"{locale}.toml").read_text(encoding="utf-8")
    return Words(locale, {name: str(sentence) for name, sentence in tomllib.loads(text).items()})


def _wanted(accept_language: str) -> list[str]:
    """Locales, most liked first; those that are refused (``q=0``) and what is no number are left out."""
    liked: list[tuple[float, str]] = []
    for part in accept_language.lower().split(",")[:_MOST_LANGUAGES]:
        locale, _, quality = part.partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality.strip() else 1.0
        except ValueError:
            continue
        if locale.strip() and 0 < weight <= 1:
            liked.append((weight, locale.strip()))
    return [locale for _, locale in sorted(liked, key=lambda each: -each[0])]
