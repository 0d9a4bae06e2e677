"""What `check` says of surveys with several questions, each finding at its place."""

from __future__ import annotations

import pytest

from tests.catalog.conftest import Check

HEAD = "survey: s\nkind: nps\nquestion: Q\n"
ONE = HEAD + "questions:\n- {id: a, choice: Why?, options: {x: X, y: Y}}\n"


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (ONE + '- {id: b, text: More?, if: answer.a == "x" && answer.score > 6}\n', []),
        ("survey: s\nkind: nps\n", ['1:1: error missing-key: a survey needs "question"']),
        ("survey: s\nkind: rqi\nquestions: [{id: a, text: Why?}]\n",
         ["3:1: error missing-key: an rqi is the mean of its scales, and this one has none; ask on a scale or a matrix"]),
        (HEAD + "questions: [{id: a, choices: Why?}]\n",
         ['4:21: error unknown-key: no question "choices"; did you mean "choice"?']),
        (HEAD + "questions: [{id: a, text: Why?, scale: How?}]\n",
         ['4:33: error two-verbs: a question has one of "text" and "scale", not both; make it two questions']),
        (HEAD + "questions: [{id: a, choice: Why?}]\n", ['4:13: error missing-key: a choice question needs "options"']),
        (HEAD + "questions: [{id: label, text: Why?}]\n",
         ['4:18: error wrong-value: no question can be called "label": every answer has that']),
        (ONE + "- {id: a, text: Why?}\n", ['6:8: error duplicate-id: another question is called "a"']),
        (ONE + '- {id: b, text: More?, if: answer.c == "x"}\n',
         ['6:35: error unknown-question: no question "c" is asked before; known: a, comment, label, score']),
        (ONE + "- {id: b, text: More?, if: 'happened(\"X\")'}\n",
         ["6:29: error bad-expression: happened() has no place here: all that is known is answer"]),
        (HEAD + "questions: [{id: a, scale: How?, from: 0, to: 11}]\n",
         ["4:47: error wrong-value: a scale goes up, by at most 10: from 0 to 11 it does not"]),
        (HEAD + "questions:\n" + "".join(f"- {{id: q{n}, text: Why?}}\n" for n in range(10)),
         ["4:1: error wrong-value: a survey asks at most 10 questions; this one asks 11; "
          "shorter surveys are answered more often; make two"]),
        (ONE + "languages: {de: {questions: {a: {ask: Warum?, options: {z: Z, x: X}}, b: {ask: Und?}}}}\n",
         ['6:47: warning missing-translation: "y" is not translated: it is shown as it is written in the options',
          '6:57: error unknown-option: no option "z"; known: x, y',
          '6:71: error unknown-question: no question "b"; known: a']),
        (HEAD + "by: [plan]\n",
         ['4:1: error misplaced-key: "by" is what is kept with anonymous answers; this survey is not anonymous; '
          'remove it: reports can be made by any trait, or write "anonymous: true"']),
        (HEAD + "thanks: {fan: Oh!}\n",
         ['4:10: error unknown-label: no score is called "fan"; known: detractor, passive, promoter']),
        (HEAD + "open: 2bd\n", ['4:7: error wrong-value: "open" is a span of hours, days or weeks; write for example 30d']),
        (ONE + "---\nsegment: g\nwhen: answers.s.aa == 'x'\n",
         ['8:7: error unknown-question: the survey "s" asks no "aa"; did you mean "a"?']),
        (ONE + "---\nsegment: g\nwhen: answers.s.a == 'x'\n", []),
    ],
)  # fmt: skip
def test_questions_are_checked(check: Check, text: str, findings: list[str]) -> None:
    assert check(text) == [f"playbooks/p.yaml:{finding}" for finding in findings]


NO_SCORE = 'missing-key: an answer to the survey "s" needs a score; write a whole number from 0 to 10'
NO_OPTION = 'wrong-value: this is no answer to "a" of the survey "s"; write one of x, y'


@pytest.mark.parametrize(
    ("answer", "finding"),
    [("{survey: s, answers: {a: x}}", NO_SCORE), ("{survey: s, score: 9, answers: {a: z}}", NO_OPTION)],
)
def test_an_answer_in_a_scenario_must_be_one(check: Check, answer: str, finding: str) -> None:
    scenario = (
        "scenario: s\ncustomer: {id: ana}\nstart: 2026-03-02T10:00:00+01:00\nuntil: 1d\n"
        f"when: [{{at: 1h, answer: {answer}}}]\nexpect: [{{never: {{task: '*'}}}}]\n"
    )
    (found,) = check(ONE + "---\n" + scenario)
    assert found.split(" error ")[1] == finding
