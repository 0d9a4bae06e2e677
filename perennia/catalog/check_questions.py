"""What `check` says of a survey's questions: their ids, scales and conditions, and their words in other languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennia.catalog.findings import suggestion
from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definitions import Survey
from perennia.core.expressions import ExpressionError, compile_test
from perennia.core.question_definitions import AnyQuestion, ChoiceQuestion, MatrixQuestion, QuestionWords, ScaleQuestion
from perennia.core.questionnaire import ANSWER, COMMENT, RESERVED, SCORE
from perennia.core.survey_definitions import ANY_LABEL

MOST_QUESTIONS = 10
# As many fit beside each other, or below each other on a phone.
LONGEST_SCALE = 10
MOST_OPTIONS = 20
# Names under which an answer can be read that are no answers to questions of their own.
_OF_THE_FIRST = (SCORE, "label", COMMENT)


def check_questions(inspection: Inspection, survey: Survey) -> None:
    """Adds to the inspection's findings."""
    asked = len(survey.questions) + (survey.question is not None)
    if asked > MOST_QUESTIONS:
        message = f"a survey asks at most {MOST_QUESTIONS} questions; this one asks {asked}"
        inspection.at_key(("questions",), "wrong-value", message, "shorter surveys are answered more often; make two")
    before: list[str] = [*_OF_THE_FIRST] if survey.question is not None else []
    for index, question in enumerate(survey.questions):
        path: Path = ("questions", index)
        if question.id in RESERVED:
            message = f'no question can be called "{question.id}": every answer has that'
            inspection.at_value((*path, "id"), "wrong-value", message)
        elif question.id in before:
            inspection.at_value((*path, "id"), "duplicate-id", f'another question is called "{question.id}"')
        _check_form(inspection, path, question)
        _check_condition(inspection, path, question, before)
        before.append(question.id)
    for source, wanted in survey.sources.items():
        for name in wanted.answers:
            if name not in [question.id for question in survey.questions]:
                known = [question.id for question in survey.questions]
                inspection.unknown(("sources", source, "answers", name), "question", name, known, key=True)
    for locale, words in survey.languages.items():
        for name, told in words.questions.items():
            _check_words(inspection, ("languages", locale, "questions", name), survey, name, told)


def _check_form(inspection: Inspection, path: Path, question: AnyQuestion) -> None:
    if isinstance(question, ScaleQuestion | MatrixQuestion) and not 0 < question.to - question.from_ <= LONGEST_SCALE:
        message = f"a scale goes up, by at most {LONGEST_SCALE}: from {question.from_} to {question.to} it does not"
        key = "to" if "to" in question.model_fields_set else "from"
        inspection.at_value((*path, key), "wrong-value", message)
    parts = {"options": question.options} if isinstance(question, ChoiceQuestion) else {}
    parts = {"rows": question.rows} if isinstance(question, MatrixQuestion) else parts
    for key, texts in parts.items():
        if len(texts) > MOST_OPTIONS:
            inspection.at_key((*path, key), "wrong-value", f"a question has at most {MOST_OPTIONS} {key}")


def _check_condition(inspection: Inspection, path: Path, question: AnyQuestion, before: list[str]) -> None:
    """It may read what was answered before, and nothing else."""
    if question.if_ is None:
        return
    place = (*path, "if")
    try:
        reads = compile_test(question.if_, ANSWER).reads
    except ExpressionError as error:
        inspection.at_value(place, "bad-expression", error.message.split("\n")[0], error.hint, error.offset)
        return
    for name in sorted(read.split(".")[1] for read in reads):
        if name not in before:
            message = f'no question "{name}" is asked before'
            remedy = suggestion(name, before) if before else "nothing is asked before this question"
            inspection.at_value(place, "unknown-question", message, remedy, max(question.if_.find(name), 0))


def _check_words(inspection: Inspection, path: Path, survey: Survey, name: str, told: QuestionWords) -> None:
    question = next((each for each in survey.questions if each.id == name), None)
    if question is None:
        inspection.unknown(path, "question", name, [each.id for each in survey.questions], key=True)
        return
    has: dict[str, Mapping[str, str]] = {
        "options": question.options if isinstance(question, ChoiceQuestion) else {},
        "rows": question.rows if isinstance(question, MatrixQuestion) else {},
    }
    for key, said in (("options", told.options), ("rows", told.rows)):
        for part in said.keys() - has[key].keys():
            inspection.unknown((*path, key, part), "option", part, has[key], key=True)
        if said or has[key]:
            _say_what_lacks(inspection, (*path, key) if said else path, has[key].keys() - said.keys(), key)
    if told.ask is None:
        _say_what_lacks(inspection, path, ["ask"], "question")


def _say_what_lacks(inspection: Inspection, path: Path, lacking: Iterable[str], key: str) -> None:
    for part in sorted(lacking):
        message = f'"{part}" is not translated: it is shown as it is written in the {key}'
        inspection.warn_at_key(path, "missing-translation", message)


def check_labels(inspection: Inspection, path: Path, survey: Survey, texts: Mapping[str, str]) -> None:
    """Texts that are each for one label."""
    labels = survey.label_starts
    for label in texts:
        if label not in labels and label != ANY_LABEL:
            remedy = suggestion(label, labels) or 'give the survey "labels"'
            inspection.at_key((*path, label), "unknown-label", f'no score is called "{label}"', remedy)
