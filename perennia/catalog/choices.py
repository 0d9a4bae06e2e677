"""What is said of a step, trigger, condition, input or expectation that does not show which one it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel

from perennia.catalog import scenario_models as scenarios
from perennia.catalog import words
from perennia.catalog.findings import Finding, nearest
from perennia.catalog.yaml_source import Path, YamlDocument
from perennia.core import definitions, question_definitions


@dataclass(frozen=True)
class _Choice:
    """``known``: the keys that decide; ``neighbours``: all other keys that may stand beside one."""

    noun: str
    known: frozenset[str]
    not_yet: frozenset[str]
    neighbours: frozenset[str]


def _choice(
    noun: str, models: dict[str, type[BaseModel]] | Iterable[tuple[str, type[BaseModel]]], not_yet: frozenset[str]
) -> _Choice:
    members = dict(models)
    keys = frozenset(key for model in members.values() for key in words.keys_of(model))
    return _Choice(noun, frozenset(members), not_yet, keys - frozenset(members))


# By the name of the function that tells the members apart, which is what a validation error names.
_CHOICES = {
    "_step_form": _choice("step", definitions.STEPS.items(), words.VERBS_NOT_YET),
    "_trigger_form": _choice("trigger", definitions.TRIGGERS.items(), words.TRIGGERS_NOT_YET),
    "_condition_form": _choice("condition", definitions.CONDITIONS.items(), words.CONDITIONS_NOT_YET),
    "_plain_condition_form": _choice("condition", definitions.PLAIN_CONDITIONS.items(), words.CONDITIONS_NOT_YET),
    "_question_form": _choice("question", question_definitions.QUESTIONS.items(), frozenset()),
    "_goal_form": _choice("goal", definitions.GOALS.items(), frozenset()),
    "_exit_form": _choice("exit criterion", definitions.EXITS.items(), frozenset()),
    "_input_form": _choice("input", scenarios.INPUTS.items(), words.INPUTS_NOT_YET),
    "_happening_form": _choice("expectation", scenarios.HAPPENINGS.items(), words.EXPECTATIONS_NOT_YET),
    "_expectation_form": _choice("expectation", scenarios.EXPECTATIONS.items(), words.EXPECTATIONS_NOT_YET),
}


def choice_finding(document: YamlDocument, path: Path, discriminator: str) -> Finding:
    """``discriminator``: the name of the function that could not decide, as pydantic tells it."""
    choice = _CHOICES[discriminator.removesuffix("()")]
    value = document.value(path)
    if not isinstance(value, dict):
        return _not_a_mapping(document, path, choice, value)
    if early := [key for key in value if key in choice.not_yet]:
        place = document.key_place((*path, early[0]))
        return document.finding(
            "not-supported-yet", f'the {choice.noun} "{early[0]}" is not supported yet', None, place
        )
    decisive = [key for key in value if key in choice.known]
    if len(decisive) > 1:
        place = document.key_place((*path, decisive[1]))
        message = f"{words.with_article(choice.noun)} has one of {_quoted(decisive)}, not both"
        remedy = f"make it two {choice.noun}s" if path and isinstance(path[-1], int) else "keep one of them"
        return document.finding("two-verbs", message, remedy, place)
    return _unknown_choice(document, path, choice, list(value))


def _not_a_mapping(document: YamlDocument, path: Path, choice: _Choice, value: object) -> Finding:
    message = f"{words.with_article(choice.noun)} must be a mapping"
    remedy = f"begin it with one of: {', '.join(sorted(choice.known))}"
    if isinstance(value, str) and value in choice.known:
        remedy = f'write "{value}: ..."'
    return document.finding("wrong-type", message, remedy, document.value_place(path))


def _unknown_choice(document: YamlDocument, path: Path, choice: _Choice, keys: list[str]) -> Finding:
    strangers = [key for key in keys if key not in choice.neighbours]
    remedy = f"one of: {', '.join(sorted(choice.known))}"
    if not strangers:
        message = f"this {choice.noun} does not say what it is"
        return document.finding("missing-key", message, remedy, document.key_place(path))
    stranger = next((key for key in strangers if nearest(key, choice.known)), strangers[0])
    close = nearest(stranger, choice.known)
    remedy = f'did you mean "{close}"?' if close else remedy
    return document.finding(
        "unknown-key", f'no {choice.noun} "{stranger}"', remedy, document.key_place((*path, stranger))
    )


def _quoted(keys: list[str]) -> str:
    return " and ".join(f'"{key}"' for key in keys)
