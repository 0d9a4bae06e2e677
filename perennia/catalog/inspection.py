"""What every check needs: a document with its places, what else the workspace has, and a list to write findings to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from perennia.catalog.clashes import clashes
from perennia.catalog.contradictions import Impossible, impossible, impossible_filter
from perennia.catalog.findings import Finding, Severity, suggestion
from perennia.catalog.yaml_source import Path, YamlDocument
from perennia.core.calendar import Span, SpanError, parse_span
from perennia.core.definitions import Health, Playbook, Policies, Scope, Segment, Survey, Track
from perennia.core.documents import TemplateBody
from perennia.core.expression_compiler import ANSWER_FIELDS
from perennia.core.expressions import Expression, ExpressionError, compile_expression

# In an expression it is two subtractions, or no syntax.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
# What a customer stands in: its kind (``track`` or ``health``) and its id.
Standing: TypeAlias = tuple[str, str]
# Keys whose expression is a condition; elsewhere it is a value, which may well be false.
CONDITIONS = frozenset({"if", "when", "where", "while", "enter", "until"})


@dataclass(frozen=True)
class Known:
    """What a document may refer to. Ids of broken definitions are in ``broken``: who refers to them is not to blame.

    ``policies`` None: the policies are broken, so nothing can be said of topics and senders. ``drafts``: the playbooks of
    each file that a scenario publishes.
    """

    playbooks: dict[str, Playbook]
    tracks: dict[str, Track]
    templates: dict[str, TemplateBody]
    policies: Policies | None
    segments: dict[str, Segment] = field(default_factory=dict[str, Segment])
    broken: frozenset[tuple[str, str]] = frozenset()
    surveys: dict[str, Survey] = field(default_factory=dict[str, Survey])
    healths: dict[str, Health] = field(default_factory=dict[str, Health])
    drafts: dict[str, dict[str, Playbook]] = field(default_factory=dict[str, "dict[str, Playbook]"])


@dataclass(frozen=True)
class Use:
    """An event or a trait that a definition of ``scope`` reads, and where."""

    kind: Literal["event", "trait"]
    name: str
    scope: Scope
    path: str
    line: int
    column: int


@dataclass
class Inspection:
    """One document under inspection. Paths are those of the document, in the language's keys."""

    document: YamlDocument
    known: Known
    findings: list[Finding] = field(default_factory=list[Finding])
    uses: list[Use] = field(default_factory=list[Use])

    def at_value(self, path: Path, code: str, message: str, remedy: str | None = None, offset: int = 0) -> None:
        place = self.document.value_place(path, offset)
        self.findings.append(self.document.finding(code, message, remedy, place))

    def at_key(self, path: Path, code: str, message: str, remedy: str | None = None) -> None:
        self.findings.append(self.document.finding(code, message, remedy, self.document.key_place(path)))

    def warn_at_key(self, path: Path, code: str, message: str, remedy: str | None = None) -> None:
        finding = self.document.finding(code, message, remedy, self.document.key_place(path))
        self.findings.append(replace(finding, severity=Severity.WARNING))

    def warn_at_value(self, path: Path, code: str, message: str, remedy: str | None, offset: int) -> None:
        finding = self.document.finding(code, message, remedy, self.document.value_place(path, offset))
        self.findings.append(replace(finding, severity=Severity.WARNING))

    def unknown(self, path: Path, noun: str, name: str, known: Iterable[str], *, key: bool = False) -> None:
        """A reference to something that is not there."""
        report = self.at_key if key else self.at_value
        remedy = suggestion(name, known) or f"there is no {noun} yet: define one first"
        report(path, f"unknown-{noun}", f'no {noun} "{name}"', remedy)

    def span(self, path: Path, text: str | None) -> Span | None:
        if text is None:
            return None
        try:
            return parse_span(text)
        except SpanError as error:
            message, _, remedy = str(error).partition("; ")
            self.at_value(path, "bad-span", message, remedy or None)
            return None

    def criteria(self, scope: Scope) -> dict[str, str]:
        """What each segment of this scope is made of."""
        return {name: segment.when for name, segment in self.known.segments.items() if segment.scope == scope}

    def expression(
        self, path: Path, text: str | None, names: frozenset[str], inside: frozenset[str] = frozenset()
    ) -> Expression | None:
        """The compiled expression; None with a finding where it cannot be published."""
        if text is None:
            return None
        if _DATE.fullmatch(text.strip()):
            message = f"{text.strip()} is a calculation here, not a date"
            self.at_value(
                path, "bad-expression", message, f"put quotes of its own into the quotes: '\"{text.strip()}\"'"
            )
            return None
        try:
            criteria = self.criteria("contact" if "contact" in names else "account")
            expression = compile_expression(text, names=names, segments=criteria, inside=inside)
        except ExpressionError as error:
            # The expressions keep their own list of what the language has and this version has not.
            code = "not-supported-yet" if error.message.endswith("not supported yet") else "bad-expression"
            self.at_value(path, code, error.message.split("\n")[0], error.hint, error.offset)
            return None
        scope: Scope = "contact" if "contact" in names else "account"
        self._check_reads(path, expression, scope)
        self._note_words(path, text, expression, scope)
        is_condition = path[-1] in CONDITIONS and path[-2:] != ("wait", "until")
        self._warn_of((impossible(text) if is_condition else None) or impossible_filter(text), path)
        for clash in clashes(text, condition=is_condition):
            self.warn_at_value(path, clash.how, clash.message, clash.remedy, clash.offset)
        return expression

    def _check_reads(self, path: Path, expression: Expression, scope: Scope) -> None:
        """That the surveys and health scores exist which it reads."""
        for survey in sorted(expression.surveys):
            self.survey(path, survey)
        for read in sorted(expression.reads):
            root, _, rest = read.partition(".")
            if root == "answers":
                self._answer(path, *rest.split("."))
            if root == "health":
                name, _, measure = rest.partition(".")
                self._health(path, name, measure, scope)

    def survey(self, path: Path, name: str) -> Survey | None:
        """A reference to a survey."""
        found = self.known.surveys.get(name)
        if found is None and ("survey", name) not in self.known.broken:
            self.unknown(path, "survey", name, self.known.surveys)
        return found

    def _answer(self, path: Path, survey: str, name: str = "", *_: str) -> None:
        """A reference to a part of an answer: to one of the survey's questions, or what every answer has."""
        found = self.known.surveys.get(survey)
        if found is not None and name:
            known = [*ANSWER_FIELDS, *(question.id for question in found.questions)]
            if name not in known:
                remedy = suggestion(name, known, f"an answer to {survey} has")
                self.at_value(path, "unknown-question", f'the survey "{survey}" asks no "{name}"', remedy)

    def _health(self, path: Path, name: str, measure: str, scope: Scope) -> None:
        healths = self.known.healths
        if not name:
            fitting = [each for each in healths.values() if each.scope == scope]
            if len(fitting) != 1 and not any(kind == "health" for kind, _ in self.known.broken):
                message = f'"health" alone is for where one is defined; of {scope}s there are {len(fitting)}'
                remedy = f"as in health.{fitting[0].health}" if fitting else "define one first"
                self.at_value(path, "unknown-health", message, remedy)
            return
        found = healths.get(name)
        if found is None:
            if ("health", name) not in self.known.broken:
                self.unknown(path, "health", name, healths)
        elif found.scope == "contact" and scope == "account":
            self._other_scope(path, name, found.scope, scope, self.at_value, noun="health score")
        elif measure and measure not in (known := ["band", *(each.id for each in found.measures)]):
            self.unknown(path, "measure", measure, known)

    def standings(self, path: Path, expression: Expression | None, scope: Scope) -> frozenset[Standing]:
        """The tracks and health scores that it reads; says of tracks whether they exist."""
        if expression is None:
            return frozenset()
        for track in sorted(expression.tracks):
            self.stage(path, track, None, scope)
        own = [each.health for each in self.known.healths.values() if each.scope == scope]
        healths = {name for read in expression.healths for name in ([read] if read else own)}
        return frozenset({("track", track) for track in expression.tracks} | {("health", name) for name in healths})

    def _note_words(self, path: Path, text: str, expression: Expression, scope: Scope) -> None:
        for event in expression.events:
            self.uses_word("event", event, scope, path, max(text.find(event), 0))
        for trait in expression.traits:
            self.uses_word("trait", trait, scope, path, max(text.find(trait), 0))
        for read in expression.reads:
            if read.startswith("account.") and (trait := read.split(".")[1]) != "id":
                self.uses_word("trait", trait, "account", path, max(text.find(read), 0))

    def uses_word(self, kind: Literal["event", "trait"], name: str, scope: Scope, path: Path, offset: int = 0) -> None:
        """Remembers that the definition reads this event or trait."""
        place = self.document.value_place(path, offset)
        self.uses.append(Use(kind, name, scope, self.document.path, place.line, place.column))

    def _warn_of(self, found: Impossible | None, path: Path) -> None:
        if found is None:
            return
        message = f"{found.text} can never be true"
        remedy = "remove it, or what it contradicts" if found.whole else "remove this alternative"
        self.warn_at_value(path, "never-true", message, remedy, found.offset)

    def stage(self, path: Path, track: str, stage: str | None, scope: Scope, *, sets: bool = False) -> None:
        """A reference to a track, and to one of its stages, from a definition of ``scope``.

        A contact sees where its account stands; what ``sets`` the stage must be about the same kind of customer.
        ``path`` leads to the stage under the track's name, or to an expression that reads the track (``stage`` None).
        """
        is_key = path[-1] == track
        found = self.known.tracks.get(track)
        if found is None:
            if ("track", track) not in self.known.broken:
                self.unknown(path, "track", track, self.known.tracks, key=is_key)
        elif found.scope != scope and (sets or found.scope == "contact"):
            message = f'the track "{track}" is about {found.scope}s, this is about {scope}s'
            (self.at_key if is_key else self.at_value)(path, "wrong-scope", message)
        elif stage is not None and stage not in (stages := {stage.id for stage in found.stages}):
            self.unknown(path, "stage", stage, stages)

    def _other_scope(
        self,
        path: Path,
        name: str,
        theirs: Scope,
        ours: Scope,
        report: Callable[[Path, str, str], None],
        noun: str = "track",
    ) -> None:
        message = f'the {noun} "{name}" is about {theirs}s, this is about {ours}s'
        if (theirs, ours) == ("account", "contact"):
            report(path, "not-supported-yet", f"{message}; reaching across is not supported yet")
        else:
            report(path, "wrong-scope", message)
