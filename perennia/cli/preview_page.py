"""A message as a page for a browser: at a phone's and a desktop's width, light and dark, with all that goes with it.

Nothing on it runs: the message lies in frames without scripts, forms or an origin, and the page's policy lets in images alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from perennia.rendering import Observation, RenderedMessage

WIDTHS = {"Phone": (375, 760), "Desktop": (720, 760)}
# Behind a message that brings no background of its own.
_BACKGROUNDS = {"light": "#ffffff", "dark": "#121212"}
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; frame-src 'self'"
_NOTHING = '<li class="hint">none</li>'
_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#c9ced6, #4b5563); --soft: light-dark(#f4f5f7, #1f2429); }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 1540px; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .75rem; }
.preheader { margin: 0 0 1rem; opacity: .75; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; } li { margin: .35rem 0; padding-left: .75rem; border-left: 4px solid; }
li.error { border-color: #d1242f; } li.warning { border-color: #bf8700; } li.hint { border-color: var(--line); }
.frames { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; } figcaption { margin: 0 0 .35rem; font-size: .9rem; opacity: .75; }
iframe { display: block; max-width: 100%; border: 1px solid var(--line); border-radius: .5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: 1rem; border-radius: .5rem; margin: 0; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
"""


@dataclass(frozen=True)
class Envelope:
    """What goes with the message: ``headers`` in order, and ``notes`` on where it comes from, by name."""

    headers: Sequence[tuple[str, str]]
    notes: Sequence[tuple[str, str]]


def preview_page(message: RenderedMessage, envelope: Envelope, observed: Sequence[Observation]) -> str:
    """The whole page. Needs no script and no other file."""
    said = "".join(
        f'<li class="{each.level}">{escape(each.message)}; {escape(each.remedy)} <code>{each.code}</code></li>'
        for each in observed
    )
    frames = "".join(_frame(message, name, scheme) for name in WIDTHS for scheme in _BACKGROUNDS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(message.subject)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1 dir="auto">{escape(message.subject)}</h1><p class="preheader" dir="auto">{escape(message.preheader)}</p>'
        f"{_listed([*envelope.headers, *envelope.notes])}"
        f"<h2>Findings</h2><ul>{said or _NOTHING}</ul>"
        f'<h2>Message</h2><div class="frames">{frames}</div>'
        f'<h2>Text part</h2><pre dir="auto">{escape(message.text)}</pre></main></body></html>\n'
    )


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<dl>{lines}</dl>"


def _frame(message: RenderedMessage, name: str, scheme: str) -> str:
    width, height = WIDTHS[name]
    content = message.html if message.html is not None else f"<pre>{escape(message.text)}</pre>"
    return (
        f"<figure><figcaption>{name}, {width} pixels, {scheme}</figcaption>"
        f'<iframe sandbox title="{name}, {scheme}" width="{width}" height="{height}" '
        f'style="color-scheme: {scheme}; background: {_BACKGROUNDS[scheme]}" '
        f'srcdoc="{escape(_seen_in(content, scheme))}"></iframe></figure>'
    )


def _seen_in(html: str, scheme: str) -> str:
    """The message as a mailbox of that colour scheme shows it, whatever the browser's own is."""

    def decided(query: re.Match[str]) -> str:
        return "(min-width: 0)" if query[1] == scheme else "(max-width: 0)"

    return _SCHEME.sub(decided, html)
