"""What messages say by themselves, in every language that the hosted pages have."""

from __future__ import annotations

import re

import pytest

from perennia.api.words import languages
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.rendering import (
    Asking,
    Reader,
    Surroundings,
    built_in_confirmation,
    built_in_survey,
    render_message,
)
from perennia.rendering.reader import isolated
from perennia.rendering.words import MESSAGES, Words

ENGLISH = MESSAGES.words("en").sentences


def test_messages_speak_the_languages_of_the_pages() -> None:
    assert MESSAGES.languages == languages()


@pytest.mark.parametrize("locale", sorted(MESSAGES.languages - {"en"}))
def test_every_language_has_every_sentence_in_its_own_words(locale: str) -> None:
    sentences = MESSAGES.words(locale).sentences
    assert sentences.keys() == ENGLISH.keys()
    assert not sentences.items() & ENGLISH.items()
    holes = {name: set(re.findall(r"\{\w+\}", text)) for name, text in sentences.items()}
    assert holes == {name: set(re.findall(r"\{\w+\}", text)) for name, text in ENGLISH.items()}


def test_a_language_without_words_has_the_english_ones() -> None:
    assert MESSAGES.words("fi").sentences == ENGLISH


def test_the_built_in_survey_speaks_the_workspaces_language() -> None:
    asked = Asking(AskedSurvey(survey="nps", question="Wie war es?", lowest=0, highest=10), "https://a.example/s")
    german = Surroundings(workspace={}, reader=Reader("de-AT", home="de"), asked=asked)
    message = render_message(built_in_survey(), {"contact": {"first_name": "Ana"}}, german)
    assert message.text.startswith("Guten Tag Ana,\n\nWie war es?\n\n0 von 10: https://a.example/s?score=0\n1 von 10: ")
    assert message.preheader == "Das dauert nur ein paar Sekunden"


# --- names that run the other way -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "around", "stands"),
    [
        ("Acme Inc.", "rtl", "\u2068Acme Inc.\u2069"),
        ("شركة", "rtl", "شركة"),
        ("شركة", "ltr", "\u2068شركة\u2069"),
        ("חברה 5", "ltr", "\u2068חברה 5\u2069"),
        ("Acme Inc.", "ltr", "Acme Inc."),
        ("10", "rtl", "10"),
        ("\u202egnihton", "ltr", "gnihton"),
    ],
)
def test_a_name_that_runs_the_other_way_stands_apart(text: str, around: str, stands: str) -> None:
    assert isolated(text, around) == stands


def test_a_sentence_keeps_foreign_names_apart_and_escapes_them() -> None:
    sentence = Words("ar", {"from": "من {sender}."}).say("from", sender="A & B Inc.")
    assert sentence == "من \u2068A &amp; B Inc.\u2069."


def test_a_confirmation_in_arabic_keeps_a_latin_name_apart_in_subject_and_text() -> None:
    arabic = Surroundings(workspace={"name": "Acme Inc."}, reader=Reader("ar"), confirm_url="https://a.example/c")
    told: JsonObject = {"contact": {}, "topic": {"name": "News", "description": None}}
    message = render_message(built_in_confirmation(), told, arabic)
    assert message.subject == "يرجى التأكيد: \u2068News\u2069"
    assert "من \u2068Acme Inc.\u2069 على" in message.text
    assert "من \u2068Acme Inc.\u2069 على" in (message.html or "")
