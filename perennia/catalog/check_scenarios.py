"""What `check` says of a scenario: references to what does not exist, spans, times out of order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from perennia.catalog.check_policies import check_changes
from perennia.catalog.drafts import published_files
from perennia.catalog.inspection import Inspection
from perennia.catalog.scenario_models import (
    AnswerInput,
    ApproveInput,
    BounceInput,
    ClickInput,
    ConsentInput,
    DenyInput,
    EmailExpected,
    EndInput,
    EnrollInput,
    EventInput,
    Expectation,
    LockInput,
    NeverExpected,
    OpenInput,
    PauseInput,
    Publication,
    PublishInput,
    ReplyInput,
    ResumeInput,
    Scenario,
    ScenarioAnswer,
    ScenarioInput,
    SkipInput,
    SkippedExpected,
    StageExpected,
    StageInput,
    SurveyExpected,
    TaskDoneInput,
    UnlockInput,
    UnsubscribeInput,
)
from perennia.catalog.scenario_world import ANYTHING, FAULT_KINDS, ScenarioPerson
from perennia.catalog.yaml_source import Path
from perennia.core.calendar import find_zone
from perennia.core.definitions import Scope, SplitStep, Topic
from perennia.core.questionnaire import SCORE, objection
from perennia.core.step_ids import place_steps

# Clocks and calendars overflow where years end; spans reach a hundred years.
FIRST_YEAR = 1600
LAST_YEAR = 7999


def check_scenario(inspection: Inspection, scenario: Scenario) -> None:
    """Adds to the inspection's findings."""
    _ScenarioCheck(inspection, scenario).run()


class _ScenarioCheck:
    def __init__(self, inspection: Inspection, scenario: Scenario) -> None:
        self._inspect = inspection
        self._scenario = scenario
        known = inspection.known.playbooks
        wanted = scenario.playbooks or tuple(known)
        self._published = {
            name: book
            for file in published_files(scenario)
            for name, book in inspection.known.drafts.get(file, {}).items()
        }
        used = [*(known[name] for name in wanted if name in known), *self._published.values()]
        self._placed = [step for book in used for step in place_steps(book)]
        # Of a playbook that is missing or broken the steps are unknown: nothing is said of them.
        self._steps = {step.id: step.verb for step in self._placed} if all(name in known for name in wanted) else None
        tracks: dict[str, Scope] = {name: track.scope for name, track in inspection.known.tracks.items()}
        books: dict[str, Scope] = {name: book.scope for name, book in known.items()}
        self._scope: Scope = scenario.about(books, tracks)

    def run(self) -> None:
        scenario = self._scenario
        for index, name in enumerate(scenario.playbooks):
            path: Path = ("playbook",) if isinstance(scenario.playbook, str) else ("playbook", index)
            self._check_playbook(path, name)
        self._check_zone(("customer",), scenario.customer)
        self._check_contacts()
        topics = self._topics()
        if scenario.policies is not None and topics is not None:
            check_changes(self._inspect, scenario.policies, topics, ("policies",))
        self._check_moment(("start",), scenario.start)
        self._check_moment(("until",), scenario.until)
        if isinstance(scenario.until, datetime) and _is_before(scenario.until, scenario.start):
            self._inspect.at_value(("until",), "wrong-value", '"until" lies before "start": nothing would happen')
        for index, fault in enumerate(scenario.provider):
            self._check_moment(("provider", index, "at"), fault.at)
            if not fault.troubles:
                message = "this fault does not say what fails"
                self._inspect.at_key(("provider", index), "missing-key", message, f"one of: {', '.join(FAULT_KINDS)}")
        for step, variant in scenario.variants.items():
            self._check_variant(("variants", step), step, variant)
        for index, item in enumerate(scenario.when):
            self._check_input(("when", index), item)
        for index, item in enumerate(scenario.expect):
            self._check_expectation(("expect", index), item)

    def _check_playbook(self, path: Path, name: str) -> None:
        known = self._inspect.known
        found = known.playbooks.get(name)
        if found is None:
            if ("playbook", name) not in known.broken:
                self._inspect.unknown(path, "playbook", name, known.playbooks)
        elif found.scope != self._scope and not (found.scope == "contact" and self._scenario.customer.contacts):
            message = (
                f'the playbook "{name}" is about {found.scope}s, the customer of this scenario is no {found.scope}'
            )
            remedy = "give the customer contacts" if self._scenario.scope is None else f'add "scope: {found.scope}"'
            self._inspect.at_value(path, "wrong-scope", message, remedy)

    def _check_zone(self, path: Path, person: ScenarioPerson) -> None:
        _, unknown = find_zone(person.timezone)
        if unknown is not None:
            message = f'no time zone "{unknown}"'
            self._inspect.at_value((*path, "timezone"), "unknown-zone", message, "write one like Europe/Berlin")

    def _check_contacts(self) -> None:
        customer = self._scenario.customer
        if customer.contacts and self._scope == "contact":
            message = "a contact has no contacts: this scenario is about one"
            self._inspect.at_key(("customer", "contacts"), "wrong-scope", message, 'write "scope: account"')
        taken = {customer.id}
        for index, contact in enumerate(customer.contacts):
            path: Path = ("customer", "contacts", index)
            self._check_zone(path, contact)
            if contact.id in taken:
                message = f'the id "{contact.id}" is taken'
                self._inspect.at_value((*path, "id"), "duplicate-id", message, "give everybody an id of their own")
            taken.add(contact.id)

    def _check_contact(self, path: Path, name: str | None) -> None:
        contacts = [contact.id for contact in self._scenario.customer.contacts]
        if name is not None and name not in contacts:
            self._inspect.unknown((*path, "contact"), "contact", name, contacts)

    def _check_moment(self, path: Path, moment: str | datetime) -> None:
        if isinstance(moment, str):
            self._inspect.span(path, moment)
        elif not FIRST_YEAR <= moment.year <= LAST_YEAR:
            message = f"the year {moment.year} is out of reach: scenarios live from {FIRST_YEAR} to {LAST_YEAR}"
            self._inspect.at_value(path, "wrong-value", message)

    def _check_input(self, path: Path, item: ScenarioInput) -> None:
        self._check_moment((*path, "at"), item.at)
        self._check_contact(path, item.contact)
        match item:
            case EventInput(timestamp=timestamp) if timestamp is not None:
                self._check_moment((*path, "timestamp"), timestamp)
            case AnswerInput(answer=answer):
                self._check_answer((*path, "answer"), answer)
            case TaskDoneInput(task_done=step):
                self._check_step((*path, "task_done"), step, "task")
            case OpenInput(open=step):
                self._check_step((*path, "open"), step, "email")
            case ClickInput(click=step):
                self._check_step((*path, "click"), step, "email")
            case ReplyInput(reply=step):
                self._check_step((*path, "reply"), step, "email")
            case BounceInput(bounce=step):
                self._check_step((*path, "bounce"), step, "email")
            case ApproveInput(approve=step):
                self._check_step((*path, "approve"), step, "approve")
            case DenyInput(deny=step):
                self._check_step((*path, "deny"), step, "approve")
            case ConsentInput(consent=topic):
                self._check_topic((*path, "consent"), topic)
            case UnsubscribeInput(unsubscribe=topic):
                self._check_topic((*path, "unsubscribe"), topic)
            case EnrollInput(enroll=name):
                self._check_steered((*path, "enroll"), name)
            case SkipInput(skip=name):
                self._check_steered((*path, "skip"), name)
            case PauseInput(pause=name):
                self._check_steered((*path, "pause"), name)
            case ResumeInput(resume=name):
                self._check_steered((*path, "resume"), name)
            case EndInput(end=name):
                self._check_steered((*path, "end"), name)
            case StageInput(stage=stages):
                for track, stage in stages.items():
                    self._check_stage((*path, "stage", track), track, stage, item)
            case LockInput(lock=track, until=until):
                self._check_stage((*path, "lock"), track, None, item)
                if until is not None:
                    self._check_moment((*path, "until"), until)
            case UnlockInput(unlock=track):
                self._check_stage((*path, "unlock"), track, None, item)
            case PublishInput(publish=publication):
                self._check_publication((*path, "publish"), publication)
            case _:
                pass

    def _check_stage(self, path: Path, track: str, stage: str | None, item: ScenarioInput) -> None:
        """A person's hand moves the customer in a track of its own, no contact in one of its account's."""
        self._inspect.stage(path, track, stage, self._scope if item.contact is None else "contact", sets=True)

    def _check_answer(self, path: Path, answer: ScenarioAnswer) -> None:
        survey = self._inspect.survey((*path, "survey"), answer.survey)
        if survey is None or ((survey.anonymous or answer.partial) and answer.score is None and not answer.answers):
            return
        wrong = objection(survey, answer.score, answer.answers)
        if wrong is None or (wrong.name == SCORE and answer.score is None and answer.partial):
            return
        if wrong.name != SCORE:
            message = f'this is no answer to "{wrong.name}" of the survey "{answer.survey}"'
            self._inspect.at_key((*path, "answers", wrong.name), "wrong-value", message, f"write {wrong.must}")
        elif answer.score is None:
            message = f'an answer to the survey "{answer.survey}" needs a score'
            self._inspect.at_key(path, "missing-key", message, f"write {wrong.must}")
        else:
            message = f'{answer.score:g} is no score of the survey "{answer.survey}"'
            self._inspect.at_value((*path, "score"), "wrong-value", message, f"write {wrong.must}")

    def _check_publication(self, path: Path, publication: Publication) -> None:
        drafts = self._inspect.known.drafts.get(publication.file)
        if drafts is None:
            message = f'no file "{publication.file}"'
            remedy = "name it from the scenario's folder or from the workspace"
            self._inspect.at_value((*path, "file"), "missing-file", message, remedy)
            return
        steps = [placed.id for book in drafts.values() for placed in place_steps(book)]
        for old, new in publication.map.items():
            self._check_step((*path, "map", old), old, None)
            if steps and new not in steps:
                self._inspect.unknown((*path, "map", old), "step", new, steps)

    def _check_expectation(self, path: Path, item: Expectation) -> None:
        self._check_contact(path, item.contact)
        if isinstance(item, NeverExpected):
            self._check_expectation((*path, "never"), item.never)
            if item.at is not None:
                message = '"never" means the whole scenario and takes no "at"'
                self._inspect.at_key((*path, "at"), "misplaced-key", message)
            return
        is_inside_never = path[-1] == "never"
        if (item.at is None) != is_inside_never:
            self._report_at(path, is_inside_never=is_inside_never)
        elif item.at is not None:
            self._check_moment((*path, "at"), item.at)
        match item:
            case EmailExpected(email=name) if name != ANYTHING and name not in self._inspect.known.templates:
                if ("template", name) not in self._inspect.known.broken:
                    self._inspect.unknown((*path, "email"), "template", name, self._inspect.known.templates)
            case SurveyExpected(survey=name) if name != ANYTHING:
                self._inspect.survey((*path, "survey"), name)
            case StageExpected(stage=stages):
                for track, stage in stages.items():
                    where = (*path, "stage", track)
                    self._inspect.stage(where, track, None if stage == ANYTHING else stage, self._scope_at(track))
            case SkippedExpected(skipped=skipped):
                for step in skipped:
                    self._check_step((*path, "skipped", step), step, None)
            case _:
                pass

    def _scope_at(self, track: str) -> Scope:
        """The scope that the track may have: where there are contacts, either."""
        found = self._inspect.known.tracks.get(track)
        return found.scope if found is not None and self._scenario.customer.contacts else self._scope

    def _report_at(self, path: Path, *, is_inside_never: bool) -> None:
        if is_inside_never:
            message = '"never" means the whole scenario: nothing inside it takes "at"'
            self._inspect.at_key((*path, "at"), "misplaced-key", message)
        else:
            self._inspect.at_key(path, "missing-key", 'an expectation needs "at"', "say when, or write never")

    def _check_step(self, path: Path, step: str, verb: str | None) -> None:
        if self._steps is None:
            return
        if verb is None and step != ANYTHING and step not in self._steps:
            self._inspect.unknown(path, "step", step, self._steps, key=True)
        elif verb is not None and self._steps.get(step) != verb:
            fitting = [name for name, its_verb in self._steps.items() if its_verb == verb]
            self._inspect.unknown(path, "step", step, fitting)

    def _check_variant(self, path: Path, step: str, variant: str) -> None:
        if self._steps is None:
            return
        splits = {placed.id: placed.step for placed in self._placed if isinstance(placed.step, SplitStep)}
        if step not in splits:
            self._inspect.unknown(path, "split", step, splits, key=True)
        elif variant not in splits[step].split:
            self._inspect.unknown(path, "variant", variant, splits[step].split)

    def _check_topic(self, path: Path, topic: str) -> None:
        topics = self._topics()
        if topics is not None and topic not in topics:
            self._inspect.unknown(path, "topic", topic, topics)

    def _topics(self) -> Mapping[str, Topic] | None:
        """Those in force in the scenario; None where the workspace's policies are broken, and nobody knows."""
        policies, changes = self._inspect.known.policies, self._scenario.policies
        if changes is not None and changes.topics is not None:
            return changes.topics
        return None if policies is None else policies.topics

    def _check_steered(self, path: Path, name: str) -> None:
        known = self._inspect.known
        there = {*(self._scenario.playbooks or known.playbooks), *self._published}
        if ("playbook", name) not in known.broken and name not in there:
            self._inspect.unknown(path, "playbook", name, there)


def _is_before(one: datetime, other: datetime) -> bool:
    """Of two instants that are written alike: of wall-clock time beside an instant nothing is said."""
    return (one.tzinfo is None) is (other.tzinfo is None) and one < other
