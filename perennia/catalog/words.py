"""The language's words: which kinds of document there are, what each part is called, and what is not supported yet.

Every word of the language that this version does not understand stands here and nowhere else; it leaves this page when it
is built.
"""

from __future__ import annotations

import re

from pydantic import BaseModel

from perennia.catalog import scenario_models as scenarios
from perennia.catalog import scenario_world
from perennia.core import (
    definitions,
    health_definitions,
    question_definitions,
    survey_definitions,
    timed_definitions,
)

KINDS: dict[str, type[BaseModel]] = {
    "playbook": definitions.Playbook,
    "track": definitions.Track,
    "segment": definitions.Segment,
    "health": definitions.Health,
    "survey": definitions.Survey,
    "policies": definitions.Policies,
    "scenario": scenarios.Scenario,
}
KINDS_NOT_YET: frozenset[str] = frozenset()

VERBS_NOT_YET: frozenset[str] = frozenset()

TRIGGERS_NOT_YET: frozenset[str] = frozenset()
CONDITIONS_NOT_YET: frozenset[str] = frozenset()
INPUTS_NOT_YET: frozenset[str] = frozenset()
EXPECTATIONS_NOT_YET: frozenset[str] = frozenset()

# Keys that the language gives to a part and this version does not understand.
KEYS_NOT_YET: dict[type[BaseModel], frozenset[str]] = {
    definitions.Enter: frozenset({"spread"}),
    definitions.WhenTrigger: frozenset({"where", "spread"}),
}

# Keys that one may expect of a part, and why it has none of them.
_OURS = "tasks and approvals are opened by Perennia itself, and no provider can fail them"
KEYS_NEVER: dict[type[BaseModel], dict[str, str]] = {
    scenario_world.ProviderFault: {"task": _OURS, "approve": _OURS},
}

# Keys whose value is a span.
SPANS = frozenset(
    {
        "wait",
        "spread",
        "offset",
        "up_to",
        "after",
        "within",
        "due",
        "remind",
        "any",
        "relational",
        "every",
        "min_dwell",
        "expected",
        "stuck",
        "hold",
        "per",
        "at",
        "until",
        "open",
    }
)


def with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


_NAMES: dict[type[BaseModel], str] = {
    definitions.Enter: "enter",
    definitions.EventTrigger: "an event trigger",
    definitions.WhenTrigger: "a when trigger",
    definitions.DateTrigger: "a date trigger",
    definitions.ScheduleTrigger: "a schedule trigger",
    definitions.ReenterAfter: "reenter",
    definitions.WhenGoal: "a goal",
    definitions.EventGoal: "an event goal",
    definitions.WhenExit: "an exit criterion",
    definitions.EventExit: "an event exit criterion",
    definitions.EventCondition: "an event condition",
    definitions.AnsweredCondition: "an answered condition",
    definitions.SurveyCooldown: "a survey cooldown",
    definitions.WhenCondition: "a when condition",
    definitions.OpenedCondition: "an opened condition",
    definitions.ClickedCondition: "a clicked condition",
    definitions.RepliedCondition: "a replied condition",
    definitions.TaskCondition: "a task condition",
    definitions.AllCondition: "an all condition",
    definitions.Arm: "an arm of a branch",
    timed_definitions.UntilTime: "a wait until a time of day",
    timed_definitions.UntilDate: "a wait until a date",
    definitions.SegmentTrigger: "a segment trigger",
    definitions.StageTrigger: "a stage trigger",
    definitions.PlaybookTrigger: "a playbook trigger",
    definitions.SplitArm: "a variant of a split",
    definitions.Rounds: "a repeat",
    definitions.CrmWrite: "a crm step",
    definitions.WebhookCall: "a webhook step",
    definitions.Escalation: "an escalation",
    definitions.StageModel: "a stage",
    definitions.Health: "a health score",
    health_definitions.Measure: "a measure",
    health_definitions.MeasureScore: "the score of a measure",
    survey_definitions.Scale: "a scale",
    survey_definitions.Source: "a source of answers",
    question_definitions.QuestionWords: "a question's words",
    question_definitions.SurveyWords: "a survey's words",
    definitions.Policies: "policies",
    definitions.Sender: "a sender",
    definitions.Topic: "a topic",
    definitions.Digest: "a digest",
    definitions.Tracking: "tracking",
    definitions.Channel: "a channel",
    definitions.QuietHours: "quiet_hours",
    definitions.BusinessHours: "business_hours",
    definitions.FrequencyCap: "a frequency cap",
    definitions.SendingLimits: "sending_limits",
    definitions.BroadcastRules: "broadcasts",
    scenarios.PolicyChanges: "policies",
    scenario_world.ScenarioCustomer: "a customer",
    scenario_world.ScenarioContact: "a contact",
    scenarios.Owner: "an owner",
    scenarios.ScenarioAnswer: "an answer",
    scenario_world.ProviderFault: "a provider fault",
    scenarios.Publication: "publish",
    **{model: f"{with_article(verb)} step" for verb, model in definitions.STEPS.items()},
    **{model: f"{with_article(key)} input" for key, model in scenarios.INPUTS.items()},
    **{model: f"an expected {key}" for key, model in scenarios.EXPECTATIONS.items()},
}


def name_of(model: type[BaseModel]) -> str:
    """What people call this part, with its article: ``an email step``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
    return _NAMES.get(model, with_article(words))


def keys_of(model: type[BaseModel]) -> frozenset[str]:
    """The keys a part may have, as they are written."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())
