"""What every check needs: a document with its places, what else the workspace has, and a list to write findings to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from perennia.catalog.findings import Finding, Severity, suggestion
from perennia.catalog.yaml_source import Path, YamlDocument
from perennia.core.calendar import Span, SpanError, parse_span
from perennia.core.definitions import Playbook, Policies, Scope, Segment, Track
from perennia.core.documents import TemplateBody
from perennia.core.expressions import Expression, ExpressionError, compile_expression


@dataclass(frozen=True)
class Known:
    """What a document may refer to. Ids of broken definitions are in ``broken``: who refers to them is not to blame.

    ``policies`` None: the policies are broken, so nothing can be said of topics and senders.
    """

    playbooks: dict[str, Playbook]
    tracks: dict[str, Track]
    templates: dict[str, TemplateBody]
    policies: Policies | None
    segments: dict[str, Segment] = field(default_factory=dict[str, Segment])
    broken: frozenset[tuple[str, str]] = frozenset()


@dataclass
class Inspection:
    """One document under inspection. Paths are those of the document, in the language's keys."""

    document: YamlDocument
    known: Known
    findings: list[Finding] = field(default_factory=list[Finding])

    def at_value(self, path: Path, code: str, message: str, remedy: str | None = None, offset: int = 0) -> None:
        place = self.document.value_place(path, offset)
        self.findings.append(self.document.finding(code, message, remedy, place))

    def at_key(self, path: Path, code: str, message: str, remedy: str | None = None) -> None:
        self.findings.append(self.document.finding(code, message, remedy, self.document.key_place(path)))

    def warn_at_key(self, path: Path, code: str, message: str, remedy: str | None = None) -> None:
        finding = self.document.finding(code, message, remedy, self.document.key_place(path))
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
        try:
            criteria = self.criteria("contact" if "contact" in names else "account")
            return compile_expression(text, names=names, segments=criteria, inside=inside)
        except ExpressionError as error:
            # The expressions keep their own list of what the language has and this version has not.
            code = "not-supported-yet" if error.message.endswith("not supported yet") else "bad-expression"
            self.at_value(path, code, error.message.split("\n")[0], error.hint, error.offset)
            return None

    def stage(self, path: Path, track: str, stage: str | None, scope: Scope) -> None:
        """A reference to a track, and to one of its stages, from a definition of ``scope``.

        ``path`` leads to the stage under the track's name, or to an expression that reads the track (``stage`` None).
        """
        is_key = path[-1] == track
        found = self.known.tracks.get(track)
        if found is None:
            if ("track", track) not in self.known.broken:
                self.unknown(path, "track", track, self.known.tracks, key=is_key)
        elif found.scope != scope:
            self._other_scope(path, track, found.scope, scope, self.at_key if is_key else self.at_value)
        elif stage is not None and stage not in (stages := {stage.id for stage in found.stages}):
            self.unknown(path, "stage", stage, stages)

    def _other_scope(
        self, path: Path, track: str, theirs: Scope, ours: Scope, report: Callable[[Path, str, str], None]
    ) -> None:
        message = f'the track "{track}" is about {theirs}s, this is about {ours}s'
        if (theirs, ours) == ("account", "contact"):
            report(path, "not-supported-yet", f"{message}; reaching across is not supported yet")
        else:
            report(path, "wrong-scope", message)
