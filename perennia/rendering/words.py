"""Words of our own in each language: one TOML file a language, all with the same sentences."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from markupsafe import Markup, escape

from perennia.rendering.reader import direction, isolated, primary

ENGLISH = "en"


@dataclass(frozen=True)
class Words:
    """The sentences of one language, by name."""

    locale: str
    sentences: Mapping[str, str]

    @property
    def direction(self) -> str:
        return direction(self.locale)

    def is_for(self, locale: str) -> bool:
        """Whether they are of that locale's language, not English for want of it."""
        return self.locale == primary(locale)

    def say(self, sentence: str, **values: object) -> Markup:
        """The sentence with values put in, all of it escaped; a name that runs the other way (`isolated`) stays in order.

        Raises KeyError for a name that there is not.
        """
        told = {
            name: isolated(value, self.direction) if isinstance(value, str) else value for name, value in values.items()
        }
        return escape(self.sentences[sentence]).format(**told)


class Dictionary:
    """The words of one part of the product: ``folder``, inside ``package``, has a file for each language."""

    def __init__(self, package: str, folder: str) -> None:
        self._package = package
        self._folder = folder

    def words(self, *locales: str) -> Words:
        """In the first of these languages that there are words for, else in English."""
        known = (language for language in map(primary, locales) if language in self.languages)
        return _words(self._package, self._folder, next(known, ENGLISH))

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages there are words for."""
        names = (each.name for each in _there(self._package, self._folder).iterdir())
        return frozenset(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


# What messages say by themselves: the layouts, the built-in survey, the day before and after today.
MESSAGES = Dictionary("perennia.rendering", "words")


@lru_cache(maxsize=128)
def _words(package: str, folder: str, language: str) -> Words:
    text = (_there(package, folder) / f"{language}.toml").read_text(encoding="utf-8")
    return Words(language, {name: str(sentence) for name, sentence in tomllib.loads(text).items()})


def _there(package: str, folder: str) -> Traversable:
    return files(package).joinpath(*folder.split("/"))
