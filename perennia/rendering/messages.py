"""Templates -> messages: subject, preheader, HTML and text."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TypeAlias, cast

import css_inline
from markupsafe import Markup, escape

from perennia.core.definitions import BUILT_IN_CONFIRMATION, BUILT_IN_DIGEST, BUILT_IN_SURVEY, Policies
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.rendering.errors import TemplateError
from perennia.rendering.markdown import render_markdown
from perennia.rendering.mjml_source import check_mjml, compile_mjml, is_document, mjml_part
from perennia.rendering.names import plain
from perennia.rendering.nesting import check_nesting
from perennia.rendering.partials import as_written
from perennia.rendering.reader import Reader, direction, spoken
from perennia.rendering.sandbox import Escaping
from perennia.rendering.source import Format, TemplateSource, choose, locale_chain, parse_source
from perennia.rendering.survey_links import LINKS, QUESTION, answer_links
from perennia.rendering.text import compiled
from perennia.rendering.text_part import text_of
from perennia.rendering.words import MESSAGES

# Names that a message gives to its template beside those of its decision (language, sections 3 and 11).
SURROUNDING_NAMES = frozenset({"workspace", "owner", "message", "unsubscribe_url", "preferences_url"})
# What the template of a digest has besides: those of its messages, as they were rendered.
DIGEST_NAMES = frozenset({"contact", "account", "topic", "messages"})
# What a message that asks to confirm a consent has besides.
CONFIRMATION_NAMES = frozenset({"contact", "topic", "confirm_url"})
LAYOUT_NAMES = frozenset({"subject", "preheader", "content"})

ESCAPING: dict[str, Escaping] = {"md": "values", "mjml": "html", "html": "html", "txt": "none"}
# The layout that a template of each kind is put into.
_LAYOUT_KIND = {"md": "html", "html": "html", "mjml": "mjml", "txt": "txt"}
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202f]+")
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
    """What a message knows of where it comes from. Both links empty: it has no topic to unsubscribe from."""

    workspace: JsonObject
    owner: JsonObject | None = None
    message: JsonObject = field(default_factory=dict)
    unsubscribe_url: str = ""
    preferences_url: str = ""
    reader: Reader = field(default_factory=Reader)
    asked: Asking | None = None
    confirm_url: str | None = None


def workspace_names(policies: Policies) -> JsonObject:
    """What texts know as ``workspace``."""
    return {"url": policies.url, "name": policies.name, "address": policies.address}


@dataclass(frozen=True)
class RenderedMessage:
    """``subject`` and ``preheader`` are single lines. ``html`` None: the template is text only.

    ``locale``: what it is written in. ``file``: of the template, which made it.
    """

    subject: str
    preheader: str
    html: str | None
    text: str
    locale: str = "en"
    file: str = ""


def render_message(template: TemplateBody, context: JsonObject, surroundings: Surroundings) -> RenderedMessage:
    """The message that the template makes for one recipient.

    ``context`` holds the names of the decision (``traits``, ``account``, ``contact``, ``enter``, ``steps``, ``stage``,
    and those of the step's ``with``). Raises `TemplateError`; never reads a file of the template's or the network.
    """
    with _told_as_written(template):
        return _Draft(template, context, surroundings).message()


def render_part(template: TemplateBody, context: JsonObject, surroundings: Surroundings) -> RenderedMessage:
    """The message without any layout: HTML that can stand inside another message. Raises `TemplateError`."""
    with _told_as_written(template):
        return _Draft(template, context, surroundings, in_layout=False).part()


def try_message(template: TemplateBody, context: JsonObject, surroundings: Surroundings) -> None:
    """Raises `TemplateError` for values that `render_message` would raise it for, in a tenth of the time.

    Every text gets its values; nothing makes HTML of Markdown, text of HTML, or puts styles into elements. MJML, whose
    values decide whether it is a whole document, is rendered.
    """
    with _told_as_written(template):
        draft = _Draft(template, context, surroundings)
        if draft.main.format == "mjml":
            draft.message()
        else:
            draft.fill_in()


@contextmanager
def _told_as_written(template: TemplateBody) -> Generator[None]:
    """What is wrong is said of the file in which it was written, which may be a partial."""
    try:
        yield
    except TemplateError as error:
        raise as_written(error, template) from None


@cache
def built_in_survey() -> TemplateBody:
    """The message of a survey that names no template."""
    return _built_in(BUILT_IN_SURVEY)


@cache
def built_in_confirmation() -> TemplateBody:
    """The message that asks to confirm a consent, in the languages of the hosted pages.

    It says nothing that came with the request: whoever types an address into a form could write to it otherwise.
    """
    return _built_in(BUILT_IN_CONFIRMATION)


@cache
def built_in_digest() -> TemplateBody:
    """What the messages of a digest are put into, where its topic names nothing else."""
    return _built_in(BUILT_IN_DIGEST)


def _built_in(name: str) -> TemplateBody:
    folder, _, stem = name.rpartition("/")
    found = (files("perennia.rendering") / folder.replace("-", "_")).iterdir()
    texts = {each.name.removeprefix(f"{stem}."): each for each in found if each.name.startswith(f"{stem}.")}
    return TemplateBody(name=name, files={ending: file.read_text("utf-8") for ending, file in texts.items()})


def render_text(text: str, context: JsonObject, reader: Reader) -> str:
    """Text of a task, a note or a notification. Raises `TemplateError`, with ``text`` as the template's name."""
    names = {name: plain(name, value) for name, value in context.items()}
    return compiled(text, "none", "text").render(names, reader)[0]


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
            problems.append(as_written(error, template))
    return problems


def names_in(template: TemplateBody) -> frozenset[str]:
    """The first names that a template and its layout use (``contact``, ``unsubscribe_url``). Raises `TemplateError`."""
    return frozenset[str]().union(*(compiled(*part).names for part in _parts(template)))


def printed_in(template: TemplateBody) -> frozenset[str]:
    """Those of `names_in` that are printed without being asked for first (``if``). Raises `TemplateError`."""
    return frozenset[str]().union(*(compiled(*part).printed for part in _parts(template)))


def _parts(template: TemplateBody) -> Iterator[_Part]:
    for source in _sources(template):
        yield from (*_own_parts(source), *_layout_parts(template, source))


def layout_names(template: TemplateBody) -> frozenset[str]:
    """Of the layouts that its files ask for, ``none`` among them where one wants none. Raises `TemplateError`."""
    return frozenset(source.layout or "default" for source in _sources(template))


def names_of_each_form(template: TemplateBody) -> list[frozenset[str]]:
    """The names of every form that the message can take: each language, in each of its layout. Text parts are none."""
    sources = list(_sources(template))
    forms: list[frozenset[str]] = []
    for source in [each for each in sources if each.format != "txt"] or sources:
        own = frozenset[str]().union(*(compiled(*part).names for part in _own_parts(source)))
        framed = [compiled(*part).names for part in _layout_parts(template, source)]
        forms += [own | names for names in framed or [frozenset[str]()]]
    return forms


class _Draft:
    """One message on its way: its files, its names, its reader.

    The reader's locale is that of the text, the nearest to their own (`spoken`): ``lang`` and ``dir`` tell the truth.
    """

    def __init__(
        self, template: TemplateBody, context: JsonObject, surroundings: Surroundings, *, in_layout: bool = True
    ) -> None:
        chosen = choose(template, surroundings.reader.locale)
        self.main = chosen.main
        self._text_source = chosen.text
        locale = spoken(surroundings.reader, chosen.language)
        self._reader = replace(surroundings.reader, locale=locale)
        self._layouts = _layouts(template, self.main, locale) if in_layout else {}
        names = _names(context, surroundings, self._reader)
        self._names = names
        self._subject = self._single_line("subject", self.main.subject)
        if not self._subject:
            line = self.main.line("subject")
            raise TemplateError(self.main.file, line, None, "has no subject; write one in its front matter")
        self._preheader = self._single_line("preheader", self.main.preheader)
        self._framed = names | {"subject": self._subject, "preheader": self._preheader}

    def message(self) -> RenderedMessage:
        html = None if self.main.format == "txt" else self._html()
        text = text_of(html) if html is not None and self._text_source is None else self._text()
        return RenderedMessage(self._subject, self._preheader, html, text, self._reader.locale, self.main.file)

    def part(self) -> RenderedMessage:
        """Styles come into the elements with those of the whole message."""
        main = self.main
        match main.format:
            case "md" | "html":
                html = _inside(self._content())
                check_nesting(html, main.file, main.first_line)
            case "mjml":
                content = self._content()
                whole = content if is_document(content) else mjml_part(content, direction(self._reader.locale))
                html = f'<div class="mjml">{_inside(compile_mjml(whole, main.file, main.first_line))}</div>'
            case "txt":
                html = _paragraphs(self._text())
        text = text_of(html) if main.format != "txt" and self._text_source is None else self._text()
        return RenderedMessage(self._subject, self._preheader, html, text, self._reader.locale, main.file)

    def fill_in(self) -> None:
        """Gives every text its values, and keeps none."""
        for source in (self.main, self._text_source):
            if source is not None:
                self._filled(source)
        for ending, (file, source) in self._layouts.items():
            compiled(source, ESCAPING[ending], file).render(self._framed | {"content": ""}, self._reader)

    def _single_line(self, key: str, text: str | None) -> str:
        """What a value has of line breaks and other control characters becomes a blank."""
        if text is None:
            return ""
        rendered, _ = compiled(text, "none", self.main.file, self.main.line(key)).render(self._names, self._reader)
        return _UNPRINTABLE.sub(" ", rendered).strip()

    def _html(self) -> str:
        main, content = self.main, self._content()
        if main.format == "mjml":
            return self._mjml(content)
        if "html" in self._layouts:
            content = self._in_layout("html", content)
        check_nesting(content, main.file, main.first_line)
        return _inliner.inline(content)

    def _content(self) -> str:
        """What the template itself makes: HTML, or MJML."""
        main = self.main
        if main.format != "md":
            return self._filled(main)
        body = compiled(main.body, "values", main.file, main.first_line)
        return render_markdown(body, self._names, self._reader, main.body)

    def _mjml(self, content: str) -> str:
        """Its styles are in the elements already."""
        if "mjml" in self._layouts:
            return compile_mjml(self._in_layout("mjml", content), self._layouts["mjml"][0])
        if not is_document(content):
            message = "is no whole MJML document; begin it with <mjml>, or give it a layout"
            raise TemplateError(self.main.file, self.main.first_line, None, message)
        return compile_mjml(content, self.main.file, self.main.first_line)

    def _text(self) -> str:
        text = self._filled(self._text_source or self.main, "none")
        if "txt" in self._layouts:
            text = self._in_layout("txt", text.strip())
        return re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n")).strip() + "\n"

    def _filled(self, source: TemplateSource, escaping: Escaping | None = None) -> str:
        text = compiled(source.body, escaping or ESCAPING[source.format], source.file, source.first_line)
        return text.render(self._names, self._reader)[0]

    def _in_layout(self, ending: str, content: str) -> str:
        file, source = self._layouts[ending]
        inside = content if ending == "txt" else Markup(content)  # noqa: S704  # escaped when it was rendered
        return compiled(source, ESCAPING[ending], file).render(self._framed | {"content": inside}, self._reader)[0]


_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)


def _inside(html: str) -> str:
    """What stands in the body of a whole document; a fragment as it is."""
    found = _BODY.search(html)
    return html if found is None else found[1]


def _paragraphs(text: str) -> str:
    told = (str(escape(each)).replace("\n", "<br>") for each in text.strip().split("\n\n"))
    return "".join(f"<p>{each}</p>" for each in told)


def _names(context: JsonObject, surroundings: Surroundings, reader: Reader) -> dict[str, object]:
    words = MESSAGES.words(reader.locale).sentences
    message: JsonObject = {"locale": reader.locale, "direction": direction(reader.locale), "words": dict(words)}
    values: JsonObject = {
        **context,
        "workspace": surroundings.workspace,
        "owner": surroundings.owner,
        "message": {**surroundings.message, **message},
        "unsubscribe_url": surroundings.unsubscribe_url,
        "preferences_url": surroundings.preferences_url,
    }
    if surroundings.confirm_url is not None:
        values["confirm_url"] = surroundings.confirm_url
    if surroundings.asked is not None:
        asked = surroundings.asked.survey
        values[LINKS] = answer_links(asked, surroundings.asked.url, words)
        values[QUESTION] = render_text(asked.question, {**context, "workspace": surroundings.workspace}, reader)
    return {name: plain(name, value) for name, value in values.items()}


def _layouts(template: TemplateBody, main: TemplateSource, locale: str) -> dict[str, tuple[str, str]]:
    """File and source of the layout by ending, in the message's language; empty for ``layout: none``.

    A whole MJML document is its own layout; sections of MJML take the built-in one where the workspace's has no .mjml.
    """
    found = _layouts_of(template, main)
    unused = {"html"} if main.format == "mjml" else {"mjml"}
    if main.format == "mjml" and is_document(main.body):
        unused.add("mjml")
    chosen: dict[str, tuple[str, str]] = {}
    for kind in ("html", "mjml", "txt"):
        endings = (f"{language}.{kind}" if language else kind for language in locale_chain(locale))
        ending = next((each for each in endings if each in found), None)
        if kind not in unused and ending is not None:
            chosen[kind] = found[ending]
    return chosen


def _layouts_of(template: TemplateBody, main: TemplateSource) -> dict[str, tuple[str, str]]:
    """File and source by ending, for every language: the workspace's, else the built-in ones."""
    name = main.layout or "default"
    if name == "none":
        return {}
    if template.layout is not None:
        found = {
            ending: (f"layouts/{name}.{ending}", _layout_body(source)) for ending, source in template.layout.items()
        }
        found.setdefault("mjml", _built_in_layouts()["mjml"])
        return found
    if name == "default":
        return _built_in_layouts()
    raise TemplateError(main.file, main.line("layout"), None, f'there is no layout "{name}" in templates/layouts')


def _layout_body(source: str) -> str:
    return parse_source("layout", "html", source).body


# What is compiled of a template: source, escaping, file, first line.
_Part: TypeAlias = tuple[str, Escaping, str, int]


def _sources(template: TemplateBody) -> Iterator[TemplateSource]:
    for ending, text in template.files.items():
        kind = ending.rpartition(".")[2]
        if kind not in ESCAPING:
            raise TemplateError(f"{template.name}.{ending}", 1, None, "is no .md, .mjml, .html or .txt")
        yield parse_source(f"{template.name}.{ending}", cast("Format", kind), text)


def _own_parts(source: TemplateSource) -> Iterator[_Part]:
    for key, line in (("subject", source.subject), ("preheader", source.preheader)):
        if line is not None:
            yield line, "none", source.file, source.line(key)
    yield source.body, ESCAPING[source.format], source.file, source.first_line


def _layout_parts(template: TemplateBody, source: TemplateSource) -> Iterator[_Part]:
    """Of the layout in each of its languages."""
    if source.format == "mjml" and is_document(source.body):
        return
    for ending, (file, layout) in _layouts_of(template, source).items():
        kind = ending.rpartition(".")[2]
        if kind == _LAYOUT_KIND[source.format]:
            yield layout, ESCAPING[kind], file, 1


@cache
def _built_in_layouts() -> dict[str, tuple[str, str]]:
    folder = files("perennia.rendering") / "layouts"
    return {
        ending: (f"built-in layout ({ending})", (folder / f"default.{ending}").read_text(encoding="utf-8"))
        for ending in ("html", "mjml", "txt")
    }
