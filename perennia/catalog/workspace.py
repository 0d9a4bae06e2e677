"""A workspace: everything that a folder defines, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel

from perennia.catalog.check_health import check_health
from perennia.catalog.check_playbooks import check_playbook
from perennia.catalog.check_policies import check_policies
from perennia.catalog.check_scenarios import check_scenario
from perennia.catalog.check_segments import check_segment
from perennia.catalog.check_surveys import check_survey
from perennia.catalog.check_tracks import check_circles, check_track
from perennia.catalog.drafts import published_files, with_drafts_found
from perennia.catalog.findings import COPY, Finding, Severity
from perennia.catalog.inspection import Inspection, Known, Standing, Use
from perennia.catalog.parsing import parse_document
from perennia.catalog.reading import read_file
from perennia.catalog.scenario_models import Scenario
from perennia.catalog.templates import Templates, load_templates
from perennia.catalog.words import KINDS
from perennia.catalog.yaml_source import Path as YamlPath
from perennia.catalog.yaml_source import YamlDocument, read_documents
from perennia.core.definitions import NO_POLICIES, Definition, Health, Playbook, Policies, Segment, Survey, Track
from perennia.core.documents import TemplateBody


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario and where it stands. ``path`` is relative to the workspace."""

    path: str
    scenario: Scenario
    document: YamlDocument

    def line_of(self, *path: str | int) -> int:
        """The line of a part: ``line_of("expect", 3)``."""
        return self.document.key_place(path).line


@dataclass(frozen=True)
class Workspace:
    """``findings`` are sorted by place. What has errors of form is missing from the rest.

    ``sources``: where each playbook stands. ``uses``: every event and trait that is read somewhere.
    ``drafts``: the definitions of each file that a scenario publishes on its way.
    """

    folder: Path
    playbooks: Mapping[str, Playbook]
    tracks: Mapping[str, Track]
    segments: Mapping[str, Segment]
    policies: Policies | None
    templates: Mapping[str, TemplateBody]
    scenarios: tuple[ScenarioFile, ...]
    findings: tuple[Finding, ...]
    surveys: Mapping[str, Survey]
    healths: Mapping[str, Health]
    sources: Mapping[str, YamlDocument]
    uses: tuple[Use, ...] = ()
    drafts: Mapping[str, tuple[Definition, ...]] = field(default_factory=dict[str, "tuple[Definition, ...]"])

    @property
    def definitions(self) -> tuple[Definition, ...]:
        own = () if self.policies is None else (self.policies,)
        tracks, segments = self.tracks.values(), self.segments.values()
        return (*self.playbooks.values(), *tracks, *segments, *self.healths.values(), *self.surveys.values(), *own)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """The errors that keep its scenarios from being run; missing copy does not."""
        return tuple(finding for finding in self.errors if finding.code not in COPY)


def load_workspace(folder: Path, published: Sequence[str] = ()) -> Workspace:
    """Reads and checks ``folder/playbooks`` and ``folder/templates``. Whatever is wrong is a finding; raises only OSError.

    ``published``: files of the workspace that come into force later, beside those that its scenarios publish.
    """
    return _Loading(folder, published).workspace()


@dataclass(frozen=True)
class _Parsed:
    document: YamlDocument
    kind: str
    id: str
    model: BaseModel | None


class _Loading:
    def __init__(self, folder: Path, published: Sequence[str]) -> None:
        self._folder = folder
        self._findings: list[Finding] = []
        self._parsed: list[_Parsed] = []
        self._uses: list[Use] = []
        self._drafts: dict[str, list[_Parsed]] = {path: [] for path in published}

    def workspace(self) -> Workspace:
        self._read_files()
        self._set_drafts_apart()
        templates = load_templates(self._folder)
        self._findings += templates.findings
        unique = self._without_duplicates()
        drafts = {path: _playbooks(drafts) for path, drafts in self._drafts.items()}
        known = replace(_known(unique, templates), drafts=drafts)
        self._check(unique, known)
        for drafts in self._drafts.values():
            self._check_drafts(drafts, unique, templates)
        scenarios = [
            ScenarioFile(parsed.document.path, parsed.model, parsed.document)
            for parsed in unique
            if isinstance(parsed.model, Scenario)
        ]
        return Workspace(
            folder=self._folder,
            playbooks=known.playbooks,
            tracks=known.tracks,
            segments=known.segments,
            policies=next((parsed.model for parsed in unique if isinstance(parsed.model, Policies)), None),
            templates=templates.bodies,
            scenarios=tuple(scenarios),
            findings=tuple(sorted(set(self._findings), key=lambda finding: finding.order)),
            surveys=known.surveys,
            healths=known.healths,
            uses=tuple(self._uses),
            sources={parsed.id: parsed.document for parsed in unique if isinstance(parsed.model, Playbook)},
            drafts={
                path: tuple(
                    each.model for each in drafts if isinstance(each.model, Playbook | Track | Segment | Policies)
                )
                for path, drafts in self._drafts.items()
            },
        )

    def _read_files(self) -> None:
        root = self._folder / "playbooks"
        named = (path for path in root.rglob("*") if path.suffix.lower() in {".yaml", ".yml"})
        paths = sorted(named) if root.is_dir() else []
        if not paths:
            message = "there are no playbooks here"
            remedy = "put YAML files into a folder playbooks/, or name another workspace"
            self._findings.append(Finding("playbooks", 1, 1, "empty-workspace", message, remedy))
        for path in paths:
            if not any(part.startswith(".") for part in path.relative_to(root).parts):
                self._parsed += self._read_file(path)

    def _set_drafts_apart(self) -> None:
        """Finds the files that scenarios publish: they take the place of what is in force only when they are published."""
        for position, parsed in enumerate(self._parsed):
            if isinstance(parsed.model, Scenario):
                found = with_drafts_found(self._folder, parsed.document.path, parsed.model)
                self._parsed[position] = replace(parsed, model=found)
                self._drafts |= {path: [] for path in published_files(found) if (self._folder / path).is_file()}
        for path in self._drafts:
            inside = [each for each in self._parsed if each.document.path == path]
            self._drafts[path] = inside or self._read_file(self._folder / path)
        apart = {id(each) for drafts in self._drafts.values() for each in drafts}
        self._parsed = [each for each in self._parsed if id(each) not in apart]

    def _check_drafts(self, drafts: list[_Parsed], unique: list[_Parsed], templates: Templates) -> None:
        """Looks at them as the workspace will be with them."""
        replaced = {(each.kind, each.id) for each in drafts}
        others = [each for each in unique if (each.kind, each.id) not in replaced]
        self._check(drafts, _known([*others, *drafts], templates))

    def _read_file(self, path: Path) -> list[_Parsed]:
        shown = path.relative_to(self._folder).as_posix()
        text, findings = read_file(path, shown)
        documents: list[YamlDocument] = []
        if text is not None:
            documents, findings = read_documents(shown, text)
        if not documents and not findings:
            findings.append(Finding(shown, 1, 1, "empty-file", "this file defines nothing", None, Severity.WARNING))
        self._findings += findings
        found: list[_Parsed] = []
        for document in documents:
            model, findings = parse_document(document)
            self._findings += findings
            kind = next(iter(document.keys()), "")
            identity = document.value((kind,))
            found.append(_Parsed(document, kind, identity if isinstance(identity, str) else "", model))
        return found

    def _without_duplicates(self) -> list[_Parsed]:
        """The first of each kind and id. Of policies there is one, whatever its id."""
        first: dict[tuple[str, str], _Parsed] = {}
        for parsed in self._parsed:
            key = (parsed.kind, "" if parsed.kind == "policies" else parsed.id)
            earlier = first.setdefault(key, parsed)
            if earlier is not parsed and parsed.kind in KINDS:
                self._findings.append(_duplicate(parsed, earlier))
        return list(first.values())

    def _check(self, unique: list[_Parsed], known: Known) -> None:
        inspections: list[Inspection] = []
        standings: dict[Standing, Inspection] = {}
        reads: dict[Standing, frozenset[Standing]] = {}
        for parsed in unique:
            inspection = Inspection(parsed.document, known)
            inspections.append(inspection)
            match parsed.model:
                case Playbook():
                    check_playbook(inspection, parsed.model)
                case Track():
                    standings["track", parsed.id] = inspection
                    reads["track", parsed.id] = check_track(inspection, parsed.model)
                case Health():
                    standings["health", parsed.id] = inspection
                    reads["health", parsed.id] = check_health(inspection, parsed.model)
                case Survey():
                    check_survey(inspection, parsed.model)
                case Segment():
                    check_segment(inspection, parsed.model)
                case Policies():
                    check_policies(inspection, parsed.model)
                case Scenario():
                    check_scenario(inspection, parsed.model)
                case _:
                    pass
        check_circles(standings, reads)
        for inspection in inspections:
            self._findings += inspection.findings
            self._uses += inspection.uses


def _playbooks(parsed: list[_Parsed]) -> dict[str, Playbook]:
    return {each.model.playbook: each.model for each in parsed if isinstance(each.model, Playbook)}


def _known(unique: list[_Parsed], templates: Templates) -> Known:
    models = [parsed.model for parsed in unique]
    broken = {(parsed.kind, parsed.id) for parsed in unique if parsed.model is None}
    policies = next((model for model in models if isinstance(model, Policies)), NO_POLICIES)
    return Known(
        playbooks=_playbooks(unique),
        tracks={model.track: model for model in models if isinstance(model, Track)},
        templates=templates.bodies,
        segments={model.segment: model for model in models if isinstance(model, Segment)},
        policies=None if any(kind == "policies" for kind, _ in broken) else policies,
        broken=frozenset(broken | {("template", name) for name in templates.broken}),
        surveys={model.survey: model for model in models if isinstance(model, Survey)},
        healths={model.health: model for model in models if isinstance(model, Health)},
    )


def _duplicate(parsed: _Parsed, earlier: _Parsed) -> Finding:
    path: YamlPath = (parsed.kind,)
    where = f"{earlier.document.path}:{earlier.document.key_place((earlier.kind,)).line}"
    place = parsed.document.value_place(path)
    if parsed.kind == "policies":
        return parsed.document.finding(
            "duplicate-id", f"the workspace has policies already, in {where}", "keep one", place
        )
    message = f'the {parsed.kind} "{parsed.id}" exists already, in {where}'
    return parsed.document.finding("duplicate-id", message, "give one of them another id", place)
