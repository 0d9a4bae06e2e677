"""MJML -> HTML: a template is rendered first, then compiled; it includes no file, and names no font of other hosts."""

from __future__ import annotations

import difflib
import re

from mjml import mjml2html

from perennia.rendering.errors import TemplateError
from perennia.rendering.nesting import check_nesting

ELEMENTS = frozenset(
    {
        *("mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font"),
        *("mj-html-attributes", "mj-selector", "mj-html-attribute", "mj-preview", "mj-style", "mj-title"),
        *("mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-accordion-text", "mj-button"),
        *("mj-carousel", "mj-carousel-image", "mj-column", "mj-divider", "mj-group", "mj-hero", "mj-image"),
        *("mj-navbar", "mj-navbar-link", "mj-raw", "mj-section", "mj-social", "mj-social-element", "mj-spacer"),
        *("mj-table", "mj-text", "mj-wrapper"),
    }
)

_DOCUMENT = re.compile(r"\s*<mjml[\s>]")
_ELEMENT = re.compile(r"<(?P<end>/?)(?P<name>mj[\w-]*)(?P<rest>[^>]*)>?")
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_DECIDED = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_POSITION = re.compile(r" in root template(?: at position (\d+):\d+)?")


def is_document(source: str) -> bool:
    """Whether the template is a whole MJML document, not sections for a layout."""
    return _DOCUMENT.match(source) is not None


def compile_mjml(source: str, file: str, first_line: int = 1) -> str:
    """HTML of a whole document without Jinja in it. Raises `TemplateError`."""
    check_nesting(source, file, first_line)
    try:
        return mjml2html(source, fonts={})
    except ValueError as error:
        found = _POSITION.search(str(error))
        line = source.count("\n", 0, int(found[1])) if found is not None and found[1] is not None else 0
        message = f"is no valid MJML: {_POSITION.sub('', str(error))}"
        raise TemplateError(file, first_line + line, None, message) from None


def mjml_part(sections: str, direction: str) -> str:
    """A whole document of sections that are to stand inside another message: type and colours are that message's.

    On one line before the sections, so that lines are counted as they are written.
    """
    align = "right" if direction == "rtl" else "left"
    attributes = (
        '<mj-all font-family="inherit" />'
        f'<mj-text font-size="16px" line-height="1.6" color="inherit" align="{align}" padding="0 0 16px" />'
        '<mj-section padding="0" />'
        f'<mj-button background-color="#0b5cad" color="#ffffff" font-size="16px" font-weight="600" border-radius="6px"'
        f' align="{align}" padding="0 0 16px" />'
    )
    head = f"<mj-head><mj-attributes>{attributes}</mj-attributes></mj-head>"
    return f"<mjml>{head}<mj-body>{sections}</mj-body></mjml>"


def check_mjml(source: str, file: str, first_line: int) -> None:
    """Finds what is wrong with a template before anybody has values for it. Raises `TemplateError`.

    The compiler takes any element and drops what it does not know; here a mistyped one is an error.
    """
    skeleton = _DECIDED.sub(_only_lines, _PRINTED.sub(lambda each: "x" + _only_lines(each), source))
    _check_elements(skeleton, file, first_line)
    compile_mjml(skeleton if is_document(source) else f"<mjml><mj-body>{skeleton}</mj-body></mjml>", file, first_line)


def _check_elements(source: str, file: str, first_line: int) -> None:
    """Every element is known, and closed: the compiler only says that something is, somewhere, not."""
    within: list[tuple[str, int]] = []
    for found in _ELEMENT.finditer(source):
        name, line = found["name"], first_line + source.count("\n", 0, found.start())
        if name not in ELEMENTS:
            raise TemplateError(file, line, None, f"MJML has no <{name}>{_hint(name)}")
        if not found["end"] and not found["rest"].endswith("/"):
            within.append((name, line))
        elif found["end"] and (not within or within.pop()[0] != name):
            raise TemplateError(file, line, None, f"</{name}> closes no <{name}> here")
    if within:
        name, line = within[-1]
        raise TemplateError(file, line, None, f"<{name}> is not closed")


def _only_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _hint(element: str) -> str:
    if element == "mj-include":
        return " here: put what several templates share into a layout"
    nearest = difflib.get_close_matches(element, ELEMENTS, n=1)
    return f'; did you mean "{nearest[0]}"?' if nearest else ""
