"""What `check` says of health scores and surveys, and of what reads them."""

from __future__ import annotations

import pytest

from tests.support.workspaces import Check

HEALTH = "health: h\nmeasures:\n- {id: m, score: {value: traits.x, from: 0, to: 1}}\n"
NPS = "survey: nps\nkind: nps\nquestion: How likely?\n"


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (HEALTH + "bands: {red: 0, green: 75.5}\n", []),
        (HEALTH + "- {id: n, weight: 0, score: {value: traits.x, from: 0, to: 1}}\n",
         ['4:19: error wrong-value: "weight" must be greater than 0, not 0']),
        (HEALTH + "- {id: m, score: {value: traits.x, from: 0, to: 1}}\n",
         ['4:8: error duplicate-id: the measure id "m" is taken by an earlier measure; give one of them another id']),
        (HEALTH + "- {id: band, score: {value: traits.x, from: 0, to: 1}}\n",
         ['4:8: error bad-id: a measure cannot be called "band": health.ID.band is the name of its band; give it another id']),
        (HEALTH + "- {id: n, score: {value: traits.x, from: 1, to: 1.0}}\n",
         ['4:49: error wrong-value: "from" and "to" are the same: there is nothing between them to measure']),
        (HEALTH + "- {id: n, score: {value: traits.x, from: 0, to: 1}, missing: 1}\n",
         ['4:62: error wrong-value: "missing" must be "skip" or "0", not 1']),
        (HEALTH + "- {id: n, score: {value: trait.x, from: 0, to: 1}}\n",
         ['4:26: error bad-expression: unknown name "trait"; did you mean "traits"?']),
        (HEALTH + "bands: {red: 0, green: 0}\n",
         ["4:1: error wrong-value: two bands begin at the same score; give each its own lowest score"]),
        (HEALTH + "bands: {green: 101}\n", ['4:16: error wrong-value: "green" must be at most 100, not 101']),
        (HEALTH + "weight: 3\n",
         ['4:1: error unknown-key: no key "weight" in a health score; it may also have: bands, description, name, scope']),
        (HEALTH + "- {id: n, score: {value: health, from: 0, to: 1}}\n",
         ["1:9: error circular-health: these read each other in a circle: health h -> health h; "
          "let one of them decide without the other"]),
        (HEALTH + '- {id: n, score: {value: "stage.t == \'a\' ? 1 : 0", from: 0, to: 1}}\n---\n'
         "track: t\nstages: [{id: a, enter: health.h >= 50}]\n",
         ["1:9: error circular-health: these read each other in a circle: health h -> track t -> health h; "
          "let one of them decide without the other",
          "6:8: error circular-health: these read each other in a circle: track t -> health h -> track t; "
          "let one of them decide without the other"]),
        (HEALTH + "---\nsegment: s\nwhen: health.hh > 1\n",
         ['6:7: error unknown-health: no health "hh"; did you mean "h"?']),
        (HEALTH + "---\nsegment: s\nwhen: health.h.mm > 1\n",
         ['6:7: error unknown-measure: no measure "mm"; did you mean "m"?']),
        (HEALTH + "---\nsegment: s\nscope: account\nwhen: health.h > 1\n",
         ['7:7: error wrong-scope: the health score "h" is about contacts, this is about accounts']),
        (HEALTH + "---\n" + HEALTH.replace("health: h", "health: g") + "---\nsegment: s\nwhen: health > 1\n",
         ['10:7: error unknown-health: "health" alone is for where one is defined; of contacts there are 2; as in health.h']),
        (NPS + "---\nsegment: s\nwhen: answers.np.score > 1\n",
         ['6:7: error unknown-survey: no survey "np"; did you mean "nps"?']),
        (NPS + "scale: {from: 1, to: 5}\n",
         ['4:1: error misplaced-key: the scale of "nps" is given: only rqi and custom have their own; '
          'remove it, or write "kind: custom"']),
        (NPS + "follow_up: {fan: Why?, promoter: Why?}\n",
         ['4:13: error unknown-label: no score is called "fan"; known: detractor, passive, promoter']),
        ("survey: s\nkind: custom\nquestion: Q\nscale: {from: 5, to: 1}\n",
         ['4:22: error wrong-value: a scale goes up, by at most 1000: "to" must lie above "from"']),
        ("survey: s\nkind: custom\nquestion: Q\nlabels: {good: 6}\n",
         ['4:16: error wrong-value: "good" begins at 6, outside the scale from 1 to 5']),
    ],
)  # fmt: skip
def test_health_scores_and_surveys_are_checked(check: Check, text: str, findings: list[str]) -> None:
    assert check(text) == [f"playbooks/p.yaml:{finding}" for finding in findings]


def test_a_score_outside_the_scale_is_refused_in_a_scenario(check: Check) -> None:
    scenario = (
        "scenario: s\ncustomer: {id: ana}\nstart: 2026-03-02T10:00:00+01:00\nuntil: 1d\n"
        "when: [{at: 1h, answer: {survey: nps, score: 11}}]\nexpect: [{never: {task: '*'}}]\n"
    )
    assert check(NPS + "---\n" + scenario) == [
        'playbooks/p.yaml:9:46: error wrong-value: 11 is no score of the survey "nps"; write a whole number from 0 to 10'
    ]
