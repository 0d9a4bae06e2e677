"""Templates -> messages: subject, preheader, HTML and text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import cast

import css_inline
from markupsafe import Markup

from perennia.core.decisions import AskedSurvey
from perennia.core.definitions import BUILT_IN_SURVEY, Policies
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering.errors import TemplateError
from perennia.rendering.markdown import render_markdown
from perennia.rendering.mjml_source import check_mjml, compile_mjml, is_document
from perennia.rendering.names import plain
from perennia.rendering.sandbox import Escaping
from perennia.rendering.source import Format, TemplateSource, choose, parse_source
from perennia.rendering.survey_links import LINKS, QUESTION, answer_links
from perennia.rendering.text import compiled
from perennia.rendering.text_part import text_of

# Names that a message gives to its template beside those of its decision (language, sections 3 and 11).
SURROUNDING_NAMES = frozenset({"workspace", "owner", "message", "unsubscribe_url", "preferences_url"})
LAYOUT_NAMES = frozenset({"subject", "preheader", "content"})

_ESCAPING: dict[str, Escaping] = {"md": "values", "mjml": "html", "html": "html", "txt": "none"}
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
# Styles go into the elements because mail clients drop style sheets; what cannot (media queries) stays. No file or
# address is ever read: a style sheet that is linked is ignored.
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


@dataclass(frozen=True)
class Asking:
    """The survey that a message asks, and the page on which it is answered."""

    survey: AskedSurvey
    url: str


@dataclass(frozen=True)
class Surroundings:
    """What a message knows of where it comes from. Both links None: it has no topic to unsubscribe from."""

    workspace: JsonObject
    owner: JsonObject | None = None
    message: JsonObject = field(default_factory=dict)
    unsubscribe_url: str | None = None
    preferences_url: str | None = None
    locale: str = "en"
    asked: Asking | None = None


def workspace_names(policies: Policies) -> JsonObject:
    """What texts know as ``workspace``."""
    return {"url": policies.url, "name": policies.name, "address": policies.address}


@dataclass(frozen=True)
class RenderedMessage:
    """``subject`` and ``preheader`` are single lines. ``html`` None: the template is text only."""

    subject: str
    preheader: str
    html: str | None
    text: str


def render_message(template: TemplateBody, context: JsonObject, surroundings: Surroundings) -> RenderedMessage:
    """The message that the template makes for one recipient.

    ``context`` holds the names of the decision (``traits``, ``account``, ``contact``, ``enter``, ``steps``, ``stage``,
    and those of the step's ``with``). Raises `TemplateError`; never reads a file of the template's or the network.
    """
    main, text_source = choose(template, surroundings.locale)
    names = _names(context, surroundings)
    subject = _single_line(main, "subject", main.subject, names)
    if not subject:
        raise TemplateError(main.file, main.line("subject"), None, "has no subject; write one in its front matter")
    preheader = _single_line(main, "preheader", main.preheader, names)
    layouts = _layouts(template, main)
    framed = names | {"subject": subject, "preheader": preheader}
    html = None if main.format == "txt" else _html(main, names, framed, layouts)
    if html is not None and text_source is None:
        return RenderedMessage(subject, preheader, html, text_of(html))
    text = _text(text_source or main, names, framed, layouts)
    return RenderedMessage(subject, preheader, html, text)


def try_message(template: TemplateBody, context: JsonObject, surroundings: Surroundings) -> None:
    """Raises `TemplateError` for values that `render_message` would raise it for, in a tenth of the time.

    Every text gets its values; nothing makes HTML of Markdown, text of HTML, or puts styles into elements. MJML, whose
    values decide whether it is a whole document, is rendered.
    """
    main, text_source = choose(template, surroundings.locale)
    if main.format == "mjml":
        render_message(template, context, surroundings)
        return
    names = _names(context, surroundings)
    subject = _single_line(main, "subject", main.subject, names)
    if not subject:
        raise TemplateError(main.file, main.line("subject"), None, "has no subject; write one in its front matter")
    preheader = _single_line(main, "preheader", main.preheader, names)
    for source in (main, text_source):
        if source is not None:
            compiled(source.body, _ESCAPING[source.format], source.file, source.first_line).render(names)
    framed = names | {"subject": subject, "preheader": preheader, "content": ""}
    for ending, (file, source) in _layouts(template, main).items():
        compiled(source, _ESCAPING[ending], file).render(framed)


@cache
def built_in_survey() -> TemplateBody:
    """The message of a survey that names no template."""
    text = (files("perennia.rendering") / "built_in" / "survey.md").read_text(encoding="utf-8")
    return TemplateBody(name=BUILT_IN_SURVEY, files={"md": text})


def render_text(text: str, context: JsonObject) -> str:
    """Text of a task, a note or a notification. Raises `TemplateError`, with ``text`` as the template's name."""
    names = {name: plain(name, value) for name, value in context.items()}
    return compiled(text, "none", "text").render(names)[0]


def check_template(template: TemplateBody) -> list[TemplateError]:
    """What is wrong with a template whatever values it gets: syntax, unknown filters, front matter, in every language.

    Of each file the first problem. A name that is missing for some customer only shows when a message is made.
    """
    problems: list[TemplateError] = []
    for ending, text in template.files.items():
        one = TemplateBody(name=template.name, files={ending: text}, layout=template.layout)
        try:
            names_in(one)
            if ending.endswith("mjml"):
                source = parse_source(f"{template.name}.{ending}", "mjml", text)
                check_mjml(source.body, source.file, source.first_line)
        except TemplateError as error:
            problems.append(error)
    return problems


def names_in(template: TemplateBody) -> frozenset[str]:
    """The first names that a template and its layout use (``contact``, ``unsubscribe_url``). Raises `TemplateError`."""
    return frozenset[str]().union(*(compiled(*part).names for part in _parts(template)))


def _names(context: JsonObject, surroundings: Surroundings) -> dict[str, object]:
    locale = surroundings.locale
    direction = "rtl" if locale.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"
    values: JsonObject = {
        **context,
        "workspace": surroundings.workspace,
        "owner": surroundings.owner,
        "message": {**surroundings.message, "locale": locale, "direction": direction},
        "unsubscribe_url": surroundings.unsubscribe_url,
        "preferences_url": surroundings.preferences_url,
    }
    if surroundings.asked is not None:
        asked = surroundings.asked.survey
        values[LINKS] = answer_links(asked, surroundings.asked.url)
        values[QUESTION] = render_text(asked.question, {**context, "workspace": surroundings.workspace})
    return {name: plain(name, value) for name, value in values.items()}


def _single_line(source: TemplateSource, key: str, text: str | None, names: dict[str, object]) -> str:
    """What a value has of line breaks and other control characters becomes a blank."""
    if text is None:
        return ""
    rendered, _ = compiled(text, "none", source.file, source.line(key)).render(names)
    return _UNPRINTABLE.sub(" ", rendered).strip()


def _html(
    main: TemplateSource, names: dict[str, object], framed: dict[str, object], layouts: dict[str, tuple[str, str]]
) -> str:
    if main.format == "mjml":
        return _mjml(main, names, framed, layouts)
    if main.format == "md":
        content = render_markdown(compiled(main.body, "values", main.file, main.first_line), names, main.body)
    else:
        content, _ = compiled(main.body, "html", main.file, main.first_line).render(names)
    if "html" in layouts:
        file, source = layouts["html"]
        content, _ = compiled(source, "html", file).render(framed | {"content": Markup(content)})  # noqa: S704  # escaped above
    return _inliner.inline(content)


def _mjml(
    main: TemplateSource, names: dict[str, object], framed: dict[str, object], layouts: dict[str, tuple[str, str]]
) -> str:
    """Its styles are in the elements already."""
    content, _ = compiled(main.body, "html", main.file, main.first_line).render(names)
    if "mjml" in layouts:
        file, source = layouts["mjml"]
        content, _ = compiled(source, "html", file).render(framed | {"content": Markup(content)})  # noqa: S704  # escaped above
        return compile_mjml(content, file)
    if not is_document(content):
        message = "is no whole MJML document; begin it with <mjml>, or give it a layout"
        raise TemplateError(main.file, main.first_line, None, message)
    return compile_mjml(content, main.file, main.first_line)


def _text(
    source: TemplateSource, names: dict[str, object], framed: dict[str, object], layouts: dict[str, tuple[str, str]]
) -> str:
    text, _ = compiled(source.body, "none", source.file, source.first_line).render(names)
    if "txt" in layouts:
        file, layout = layouts["txt"]
        text, _ = compiled(layout, "none", file).render(framed | {"content": text.strip()})
    return re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n")).strip() + "\n"


def _layouts(template: TemplateBody, main: TemplateSource) -> dict[str, tuple[str, str]]:
    """File and source of the layout by ending: the workspace's, else the built-in one; empty for ``layout: none``.

    A whole MJML document is its own layout; sections of MJML take the built-in one where the workspace's has no .mjml.
    """
    name = main.layout or "default"
    if name == "none":
        return {}
    if template.layout is not None:
        found = {
            ending: (f"layouts/{name}.{ending}", _layout_body(source)) for ending, source in template.layout.items()
        }
        found.setdefault("mjml", _built_in_layouts()["mjml"])
    elif name == "default":
        found = dict(_built_in_layouts())
    else:
        raise TemplateError(main.file, main.line("layout"), None, f'there is no layout "{name}" in templates/layouts')
    unused = {"html"} if main.format == "mjml" else {"mjml"}
    if main.format == "mjml" and is_document(main.body):
        unused.add("mjml")
    return {ending: layout for ending, layout in found.items() if ending not in unused}


def _layout_body(source: str) -> str:
    return parse_source("layout", "html", source).body


def _parts(template: TemplateBody) -> Iterator[tuple[str, Escaping, str, int]]:
    """All that is compiled for the template, in every language: source, escaping, file, first line."""
    for ending, text in template.files.items():
        kind = ending.rpartition(".")[2]
        if kind not in _ESCAPING:
            raise TemplateError(f"{template.name}.{ending}", 1, None, "is no .md, .mjml, .html or .txt")
        source = parse_source(f"{template.name}.{ending}", cast("Format", kind), text)
        for key, line in (("subject", source.subject), ("preheader", source.preheader)):
            if line is not None:
                yield line, "none", source.file, source.line(key)
        yield source.body, _ESCAPING[kind], source.file, source.first_line
        for layout_ending, (file, layout) in _layouts(template, source).items():
            if (layout_ending == "txt") == (kind == "txt"):
                yield layout, _ESCAPING[layout_ending], file, 1


@cache
def _built_in_layouts() -> dict[str, tuple[str, str]]:
    folder = files("perennia.rendering") / "layouts"
    return {
        ending: (f"built-in layout ({ending})", (folder / f"default.{ending}").read_text(encoding="utf-8"))
        for ending in ("html", "mjml", "txt")
    }
