"""Templates of a workspace: every file of each, its front matter read, its layout found (language, section 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, cast

from pydantic import Field

from perennia.catalog.findings import Finding, Severity, suggestion
from perennia.catalog.parsing import parse_model
from perennia.catalog.reading import read_file
from perennia.catalog.yaml_source import YamlDocument, read_documents
from perennia.core.definitions import Model
from perennia.core.documents import TemplateBody
from perennia.rendering import BODIES, TemplateError, check_template
from perennia.rendering.markdown_layout import html_of_layout
from perennia.rendering.messages import ESCAPING
from perennia.rendering.observations import observe_source
from perennia.rendering.partials import PARTIALS, IncludeError, Partials, written_at
from perennia.rendering.source import Format, body_of, parse_source
from perennia.rendering.text import compiled

FORMATS = frozenset({"md", "mjml", "html", "txt"})
LAYOUTS = "layouts/"
DEFAULT_LAYOUT = "default"
NO_LAYOUT = "none"

_FILE_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9_/-]+)\.(?:(?P<locale>[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)\.)?(?P<ext>[a-z]+)"
)
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)(?:^|\n)---[ \t]*(?:\n|$)", re.DOTALL)


class FrontMatter(Model):
    """What a template file says of itself before it begins."""

    subject: Annotated[str, Field(min_length=1)]
    preheader: str | None = None
    layout: str = DEFAULT_LAYOUT


@dataclass(frozen=True)
class TemplateFile:
    """One file. ``ending`` is ``md``, ``de.md`` ...; ``broken``: its front matter has findings of its own."""

    path: str
    ending: str
    text: str
    document: YamlDocument | None = None
    head: FrontMatter | None = None
    broken: bool = False


@dataclass
class Templates:
    """``broken`` names templates that exist and could not be read: those who refer to them are not to blame.

    ``written``: each file as it is, by its path, its includes not put in.
    """

    bodies: dict[str, TemplateBody] = field(default_factory=dict[str, TemplateBody])
    broken: set[str] = field(default_factory=set[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    partials: Partials = field(default_factory=Partials)
    written: dict[str, str] = field(default_factory=dict[str, str])


def load_templates(root: Path) -> Templates:
    """The templates under ``root/templates``, each with its layout and what it includes.

    ``layout`` None: the template wants none, or the workspace has no default one and rendering puts in its own.
    """
    loaded = Templates()
    files: dict[str, dict[str, TemplateFile]] = {}
    folder = root / "templates"
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    # Partials first: everything else may include them.
    for path in sorted(paths, key=lambda path: not path.relative_to(folder).as_posix().startswith(PARTIALS)):
        is_folder = path.is_dir() and path.suffix.removeprefix(".") not in FORMATS
        if not is_folder and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            _load_file(root, path, files, loaded)
    layouts = {name.removeprefix(LAYOUTS): found for name, found in files.items() if name.startswith(LAYOUTS)}
    for layout in layouts.values():
        loaded.findings += _layouts_for_few(layout)
    _check_partials(loaded)
    for name in sorted(files.keys()):
        if not name.startswith(LAYOUTS):
            _assemble(name, files[name], layouts, loaded)
    return loaded


def _load_file(root: Path, path: Path, files: dict[str, dict[str, TemplateFile]], loaded: Templates) -> None:
    shown = path.relative_to(root).as_posix()
    parts = _FILE_NAME.fullmatch(PurePosixPath(shown).relative_to("templates").as_posix())
    ext = path.suffix.removeprefix(".")
    if parts is None or parts["ext"] not in FORMATS:
        loaded.findings.append(_unusable_file(shown, ext))
        return
    is_layout = parts["name"].startswith(LAYOUTS)
    text, findings = read_file(path, shown)
    loaded.findings += findings
    name, ending = parts["name"], f"{parts['locale']}.{ext}" if parts["locale"] else ext
    if text is None:
        loaded.broken.add(name)
        return
    loaded.written[shown] = text
    if name.startswith(PARTIALS):
        loaded.partials.texts.setdefault(name, {})[ending] = text
        return
    whole = _with_partials(text, name, ending, loaded)
    if whole is None:
        loaded.broken.add(name)
        return
    found = TemplateFile(shown, ending, whole)
    if is_layout and ext == "md":
        _add_markdown_layout(found, files.setdefault(name, {}), loaded)
    else:
        files.setdefault(name, {})[ending] = found if is_layout else _with_head(found, loaded)


def _with_partials(text: str, name: str, ending: str, loaded: Templates) -> str | None:
    """The text with what it includes, None with a finding where that cannot be put in."""
    try:
        return loaded.partials.put_in(text, name, ending)
    except IncludeError as error:
        path = f"templates/{error.file}"
        found = Finding(path, error.line, error.column, "bad-include", error.message, error.remedy)
        loaded.findings.append(found)
        return None


def _check_partials(loaded: Templates) -> None:
    """Each by itself, also one that nothing includes: what it opens, it closes."""
    for name, texts in loaded.partials.texts.items():
        for ending, text in texts.items():
            file = f"{name}.{ending}"
            if body_of(text) != text.removeprefix("\ufeff"):
                message = "a partial has no front matter: that is the template's"
                loaded.findings.append(Finding(f"templates/{file}", 1, 1, "bad-include", message, "take it out"))
            whole = _with_partials(text, name, ending, loaded)
            if whole is None:
                continue
            try:
                compiled(whole, ESCAPING[ending.rpartition(".")[2]], file)
            except TemplateError as error:
                loaded.findings.append(_placed(error, whole, file, loaded))


def _placed(error: TemplateError, whole: str, file: str, loaded: Templates) -> Finding:
    """The finding where it was written, in the file or in what that includes."""
    place = written_at(whole, file, error.line)
    path = f"templates/{place.file}"
    there = TemplateError(place.file, place.line, error.name, error.message, error.word)
    return _bad_template(path, there, loaded.written.get(path, ""))


def _add_markdown_layout(file: TemplateFile, layout: dict[str, TemplateFile], loaded: Templates) -> None:
    """As the HTML that it makes. Its syntax is looked at here, where lines are those of the file."""
    ending = f"{file.ending.removesuffix('md')}html"
    try:
        compiled(file.text, "html", file.path)
    except TemplateError as error:
        loaded.findings.append(_placed(error, file.text, file.path.removeprefix("templates/"), loaded))
        return
    if ending in layout:
        message = "this layout exists as md and as html"
        loaded.findings.append(Finding(file.path, 1, 1, "bad-layout", message, "keep one of them"))
        return
    layout[ending] = replace(file, ending=ending, text=html_of_layout(file.text))


def _unusable_file(shown: str, ext: str) -> Finding:
    if ext in FORMATS:
        message = "a template's name is made of letters, digits, - and _, with at most one language before the ending"
        return Finding(shown, 1, 1, "bad-template-name", message, "rename it like welcome.md or welcome.pt-BR.md")
    message = f'"{shown.rsplit("/", 1)[-1]}" is no template and is left out'
    return Finding(shown, 1, 1, "no-template", message, "templates end in .md, .mjml, .html or .txt", Severity.WARNING)


def _with_head(file: TemplateFile, loaded: Templates) -> TemplateFile:
    matter = _FRONT_MATTER.match(file.text)
    if matter is None and file.text.startswith("---"):
        message = "the front matter is not closed by a line of ---"
        loaded.findings.append(Finding(file.path, 1, 1, "bad-template", message))
        return replace(file, broken=True)
    if matter is None:
        return file
    documents, findings = read_documents(file.path, matter["yaml"], line_offset=1)
    document, head = (documents[0] if documents else None), None
    if document is not None:
        head, problems = parse_model(document, FrontMatter)
        findings += problems
    loaded.findings += findings
    return replace(file, document=document, head=head, broken=bool(findings))


def _assemble(
    name: str,
    files: dict[str, TemplateFile],
    layouts: Mapping[str, Mapping[str, TemplateFile]],
    loaded: Templates,
) -> None:
    if any(file.broken for file in files.values()):
        loaded.broken.add(name)
        return
    problems = [*_twin_bodies(files), *_headless_files(files)]
    chosen = {file.head.layout: file for file in files.values() if file.head is not None}
    layout, problem = _layout_files(chosen, layouts)
    body = TemplateBody(name=name, files={ending: file.text for ending, file in files.items()}, layout=layout)
    problems += problem or [_syntax_finding(error, body, loaded.written) for error in check_template(body)]
    loaded.findings += problems or _observed(body, files)
    if problems:
        loaded.broken.add(name)
    else:
        loaded.bodies[name] = body


def _observed(body: TemplateBody, files: Mapping[str, TemplateFile]) -> list[Finding]:
    """What would go wrong with the message on its way, whatever its values are."""
    findings: list[Finding] = []
    for ending, file in files.items():
        language, _, kind = ending.rpartition(".")
        source = parse_source(f"{body.name}.{ending}", cast("Format", kind), file.text)
        text_part = f"{language}.txt" if language else "txt"
        for each in observe_source(source, has_text_part=text_part in files):
            severity = Severity.ERROR if each.level == "error" else Severity.WARNING
            place = written_at(file.text, source.file, each.line)
            path, column = f"templates/{place.file}", max(each.column - place.before, 1)
            findings.append(Finding(path, place.line, column, each.code, each.message, each.remedy, severity))
    return findings


def _syntax_finding(error: TemplateError, body: TemplateBody, written: Mapping[str, str]) -> Finding:
    path = f"templates/{error.template}"
    ending = error.template.rpartition("/")[2].partition(".")[2]
    # A layout in Markdown is told of as the HTML that it makes.
    return _bad_template(path, error, written.get(path) or (body.layout or {}).get(ending, ""))


def _bad_template(path: str, error: TemplateError, source: str) -> Finding:
    message, remedy = error.said()
    return Finding(path, error.line, error.column(source), "bad-template", message, remedy)


def _twin_bodies(files: dict[str, TemplateFile]) -> list[Finding]:
    """Of a language, the first of `BODIES` would be sent and nobody would see the others."""
    findings: list[Finding] = []
    for language in sorted({ending.rpartition(".")[0] for ending in files}):
        prefix = f"{language}." if language else ""
        first, *others = [kind for kind in BODIES if prefix + kind in files] or [None]
        if others:
            message = f"this template exists as {first} and as {' and as '.join(map(str, others))}"
            findings.append(Finding(files[f"{prefix}{first}"].path, 1, 1, "two-bodies", message, "keep one of them"))
    return findings


def _headless_files(files: dict[str, TemplateFile]) -> list[Finding]:
    """A body needs a subject; a text part takes that of the body beside it."""
    bodies = {ending.rpartition(".")[0] for ending in files if not ending.endswith("txt")}
    return [
        Finding(file.path, 1, 1, "missing-key", 'a template needs front matter with "subject"', "begin it with ---")
        for ending, file in files.items()
        if file.document is None
        and not (ending.endswith("txt") and (ending.rpartition(".")[0] in bodies or "" in bodies))
    ]


def _layout_files(
    chosen: Mapping[str, TemplateFile],
    layouts: Mapping[str, Mapping[str, TemplateFile]],
) -> tuple[dict[str, str] | None, list[Finding]]:
    if len(chosen) > 1:
        first, second, *_ = chosen.values()
        return None, [_layout_finding(second, "two-layouts", f"{first.path} has another layout", "choose one for both")]
    for layout, file in chosen.items():
        if layout == NO_LAYOUT:
            return None, []
        if layout in layouts:
            return {ending: part.text for ending, part in layouts[layout].items()}, []
        if layout != DEFAULT_LAYOUT:
            remedy = suggestion(layout, [*layouts, DEFAULT_LAYOUT, NO_LAYOUT])
            return None, [_layout_finding(file, "unknown-layout", f'no layout "{layout}"', remedy)]
    return None, []


def _layouts_for_few(layout: Mapping[str, TemplateFile]) -> list[Finding]:
    """Where a layout is there for some languages, messages in all others would have none."""
    message, remedy = "this layout is there for this language only", "add one without a language, for all others"
    alone = [file for ending, file in layout.items() if ending.rpartition(".")[2] not in layout]
    return [Finding(file.path, 1, 1, "bad-layout", message, remedy) for file in alone]


def _layout_finding(file: TemplateFile, code: str, message: str, remedy: str | None) -> Finding:
    line, column = file.document.value_place(("layout",)) if file.document else (1, 1)
    return Finding(file.path, line, column, code, message, remedy)
