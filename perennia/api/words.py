"""The words of the hosted pages, in the language that their reader likes best."""

from __future__ import annotations

from collections.abc import Sequence

from perennia.rendering.words import Dictionary, Words

_PAGES = Dictionary("perennia.api", "pages/words")
# What a header is looked at for; nobody reads more languages, and some send thousands.
_MOST_LANGUAGES = 20


def best_of(accept_language: str, offered: Sequence[str]) -> str:
    """Which of the locales the header's reader likes best: the one they name, else one of its language, else the first."""
    for wanted in _wanted(accept_language):
        of_its_language = [each for each in offered if _primary(each) == _primary(wanted)]
        if of_its_language:
            return next((each for each in of_its_language if each.lower() == wanted), of_its_language[0])
    return offered[0]


def words_for(accept_language: str, fallback: str) -> Words:
    """In the language of the header (RFC 9110, section 12.5.4) that we have and its reader likes best, else ``fallback``."""
    return _PAGES.words(*_wanted(accept_language), fallback)


def languages() -> frozenset[str]:
    """The languages there are words for."""
    return _PAGES.languages


def _primary(locale: str) -> str:
    return locale.lower().replace("_", "-").split("-")[0]


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
