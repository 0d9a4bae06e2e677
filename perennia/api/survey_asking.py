"""One request for a survey's page: what is asked of whom, in whose words, and what was answered so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from perennia.api.survey_forms import NO_WORDS, Field, Shown, answers_in, shown, written
from perennia.api.words import Words
from perennia.core.decisions import SurveyAnswered
from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import SurveyWords
from perennia.core.questionnaire import COMMENT, SCORE, by_label, lacking, on_route, question_of, route, score_of
from perennia.core.survey_definitions import KINDS, Survey
from perennia.rendering import Reader, TemplateError, render_text
from perennia.store.records import GivenAnswer, SurveyQuestion

# A longer scale is a number to type.
MOST_CHOICES = 11
# Kinds whose ends have names of their own, whatever the question is.
_ENDS = frozenset({"nps", "csat", "ces"})


@dataclass(frozen=True)
class Asking:
    """``key``: of the message that asked. ``survey``: as it is published now, or all that the message knew of it.

    ``wording``: in the reader's language, where the survey speaks it. ``names``: what its texts may use.
    """

    key: str
    question: SurveyQuestion
    survey: Survey
    wording: SurveyWords
    words: Words
    names: JsonObject
    reader: Reader

    @property
    def before(self) -> GivenAnswer | None:
        """What was answered so far; nobody knows of an anonymous answer."""
        return None if self.survey.anonymous else self.question.answer

    @cached_property
    def given(self) -> JsonObject:
        if self.before is None:
            return {}
        first = {SCORE: self.before.score, COMMENT: self.before.comment}
        return {**self.before.answers, **{name: value for name, value in first.items() if value is not None}}

    def with_fields(self, fields: Sequence[tuple[str, str]], here: str) -> JsonObject:
        """What was answered so far, with what the form says instead; an empty form of ``here`` takes its answer back."""
        told = dict(fields)
        answers = {**self.given, **answers_in(self.survey, fields)}
        if (score := self.score(told.get(SCORE))) is not None:
            answers[SCORE] = score
        if COMMENT in told:
            answers[COMMENT] = written(told[COMMENT])
        if here == SCORE and score is None:
            answers.pop(SCORE, None)
        elif here not in {SCORE, COMMENT} and here not in answers_in(self.survey, fields):
            answers.pop(here, None)
        return on_route(self.survey, answers)

    def score(self, text: str | None) -> float | None:
        """The score of the scale that the message asked on; None for anything else."""
        try:
            score = float(text or "")
        except ValueError:
            return None
        if not self.question.asked.lowest <= score <= self.question.asked.highest:  # false for what is no number, too
            return None
        return score if score == int(score) or not KINDS[self.survey.kind].whole else None

    def route(self, answers: Mapping[str, Json]) -> list[str]:
        return route(self.survey, answers)

    def lacking(self, answers: Mapping[str, Json]) -> list[str]:
        return lacking(self.survey, answers)

    def first_page(self) -> str:
        """Where somebody who stopped in between goes on."""
        way = self.route(self.given)
        unanswered = [name for name in way if name not in self.given]
        goes_on = self.before is not None and self.before.partial and unanswered
        return unanswered[0] if goes_on else way[0]

    def answered(self, answers: JsonObject, at: datetime, *, partial: bool) -> SurveyAnswered:
        """The answers as the customer's turn gets them."""
        unfinished = partial and bool(self.survey.items)  # the mean of all of them comes with the last
        comment = answers.get(COMMENT)
        return SurveyAnswered(
            at=at,
            survey=self.question.asked.survey,
            score=None if unfinished else score_of(self.survey, answers),
            comment=comment if isinstance(comment, str) else None,
            key=self.key,
            by="page",
            answers={name: value for name, value in answers.items() if name not in {SCORE, COMMENT}},
            partial=partial,
        )

    # --- what is shown ---

    def text(self, source: str | None) -> str | None:
        """The survey's text for this customer, None where a name in it has no value."""
        if source is None:
            return None
        try:
            return render_text(source, self.names, self.reader)
        except TemplateError:
            return None

    def thanks(self, answers: Mapping[str, Json]) -> str | None:
        texts = {**self.survey.thanks, **self.wording.thanks}
        return self.text(by_label(self.survey, texts, score_of(self.survey, answers)))

    def shown(self, name: str, answers: Mapping[str, Json]) -> Shown:
        """The question on its page, its texts rendered."""
        found = self._unrendered(name, answers)
        fields = [
            field._replace(
                label=self.text(field.label) or field.name,
                choices=[(value, self.text(text) or value) for value, text in field.choices],
            )
            for field in found.fields
        ]
        texts = {key: self.text(getattr(found, key)) for key in ("help", "low", "high")}
        return found._replace(ask=self.text(found.ask) or self.question.asked.survey, fields=fields, **texts)

    def _unrendered(self, name: str, answers: Mapping[str, Json]) -> Shown:
        if name == SCORE:
            return self._first(answers.get(SCORE))
        if name == COMMENT:
            follow_up = {**self.survey.follow_up, **self.wording.follow_up}
            ask = by_label(self.survey, follow_up, answers.get(SCORE)) or ""
            comment = answers.get(COMMENT)
            return Shown("text", ask, [Field(COMMENT, ask, (), [str(comment)] if comment else ())])
        question = question_of(self.survey, name)
        assert question is not None  # noqa: S101 - it is on the way
        return shown(question, self.wording.questions.get(name, NO_WORDS), answers.get(name))

    def _first(self, score: Json) -> Shown:
        asked = self.question.asked
        ask = self.wording.question or asked.question
        chosen = [f"{score:g}"] if isinstance(score, int | float) else []
        steps = range(asked.lowest, asked.highest + 1)
        if len(steps) > MOST_CHOICES or not KINDS[self.survey.kind].whole:
            return Shown("number", ask, [Field(SCORE, ask, (), chosen)], required=True)
        choices = [(str(step), str(step)) for step in steps]
        low = high = None
        if self.survey.kind in _ENDS:
            low, high = (str(self.words.say(f"{self.survey.kind}_{end}")) for end in ("low", "high"))
        return Shown("scale", ask, [Field(SCORE, ask, choices, chosen)], low=low, high=high, required=True)
