"""What every check needs: a document with its places, what else the workspace has, and a list to write findings to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from perennia.catalog.findings import Finding, Severity, suggestion
from perennia.catalog.words import FUNCTIONS_NOT_YET, ROOTS_NOT_YET
from perennia.catalog.yaml_source import Path, YamlDocument
from perennia.core.calendar import Span, SpanError, parse_span
from perennia.core.definitions import Playbook, Policies, Scope, Track
from perennia.core.documents import TemplateBody
from perennia.core.expressions import Expression, ExpressionError, compile_expression

_NOT_YET_CALL = re.compile(rf"\b({'|'.join(sorted(FUNCTIONS_NOT_YET))})\s*\(")


@dataclass(frozen=True)
class Known:
    """What a document may refer to. Ids of broken definitions are in ``broken``: who refers to them is not to blame.

    ``policies`` None: the policies are broken, so nothing can be said of topics and senders.
    """

    playbooks: dict[str, Playbook]
    tracks: dict[str, Track]
    templates: dict[str, TemplateBody]
    policies: Policies | None
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
        report(path, f"unknown-{noun}", f'no {noun} "{name}"', suggestion(name, known))

    def span(self, path: Path, text: str | None) -> Span | None:
        if text is None:
            return None
        try:
            return parse_span(text)
        except SpanError as error:
            message, _, remedy = str(error).partition("; ")
            self.at_value(path, "bad-span", message, remedy or None)
            return None

    def expression(self, path: Path, text: str | None, names: frozenset[str]) -> Expression | None:
        """The compiled expression; None with a finding where it cannot be published."""
        if text is None:
            return None
        try:
            expression = compile_expression(text, names=names | ROOTS_NOT_YET)
        except ExpressionError as error:
            if not self._uses_what_is_not_yet(path, text):
                self.at_value(path, "bad-expression", error.message, error.hint, error.offset)
            return None
        if self._uses_what_is_not_yet(path, text, expression.reads):
            return None
        return expression

    def stage(self, path: Path, track: str, stage: str | None, scope: Scope) -> None:
        """A reference to a track, and to one of its stages, from a definition of ``scope``."""
        found = self.known.tracks.get(track)
        if found is None:
            if ("track", track) not in self.known.broken:
                self.unknown(path, "track", track, self.known.tracks, key=stage is not None)
        elif found.scope != scope:
            self._other_scope(path, track, found.scope, scope)
        elif stage is not None and stage not in (stages := {stage.id for stage in found.stages}):
            self.unknown(path, "stage", stage, stages)

    def _other_scope(self, path: Path, track: str, theirs: Scope, ours: Scope) -> None:
        message = f'the track "{track}" is about {theirs}s, this is about {ours}s'
        if (theirs, ours) == ("account", "contact"):
            self.at_value(path, "not-supported-yet", f"{message}: reading across is not supported yet")
        else:
            self.at_value(path, "wrong-scope", message)

    def _uses_what_is_not_yet(self, path: Path, text: str, reads: Iterable[str] = ()) -> bool:
        roots = {read.split(".")[0] for read in reads} & ROOTS_NOT_YET
        found = _NOT_YET_CALL.search(text)
        word = found[1] if found else next(iter(sorted(roots)), None)
        if word is None:
            return False
        shown = f"{word}()" if found else word
        self.at_value(path, "not-supported-yet", f'"{shown}" is not supported yet', offset=text.find(word))
        return True
