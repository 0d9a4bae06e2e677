"""Messages as a mailbox in a browser shows them: nothing runs out of a narrow phone, light and dark can be read, RTL is RTL."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import TypedDict, cast
from zoneinfo import ZoneInfo

import pytest

from perennia.catalog import load_workspace
from perennia.core.definitions import Topic
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.rendering import (
    Asking,
    Reader,
    RenderedMessage,
    Surroundings,
    built_in_digest,
    built_in_survey,
    render_digest,
    render_message,
    render_part,
)
from perennia.shipped import shipped_workspace

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")

PHONE = 320
KNOWN: JsonObject = {
    "contact": {"first_name": "Ana"},
    "account": {"name": "Northwind"},
    "traits": {"renewal_date": "2026-10-31"},
    "enter": {"ticket": "T-1042", "milestone": "integration"},
    "steps": {"ask": {"score": 8}, "first-project": {"outcome": "done"}},
    "reports": 12,
}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
MARKDOWN = f"""---
subject: S
---
# {LONG}

{LONG} https://acme.example/{"a" * 120}

| Monat | {LONG} | Betrag |
|---|---|---|
| Mai | 12 | 1.234,50 € |

`{"x" * 100}`

```
{"code " * 40}
```

[{LONG}](https://acme.example)
"""
MJML = """---
subject: S
---
<mj-section><mj-column><mj-text>Hello</mj-text><mj-button href="https://acme.example">Go</mj-button></mj-column></mj-section>
"""
ARABIC = """---
subject: أعجب Kim بتقريرك
---
أعجب Kim بالتقرير **Q3 numbers**. [افتحه](https://acme.example/l).
"""


class Seen(TypedDict):
    """What a frame of `PHONE` pixels shows: widths in CSS pixels, colours as ``rgb(...)``."""

    name: str
    width: int
    direction: str
    texts: list[tuple[str, str, str, float, float]]


@dataclass(frozen=True)
class Shown:
    frames: dict[str, Seen]
    page: Path


MEASURE = """
const background = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (c != 'rgba(0, 0, 0, 0)') return c } return 'rgb(255, 255, 255)' };
onload = () => { document.title = JSON.stringify([...document.querySelectorAll('iframe')].map(f => {
  const d = f.contentDocument, b = d.querySelector('.content') || d.body;
  return {name: f.title, width: d.documentElement.scrollWidth, direction: getComputedStyle(b).direction,
    texts: [...d.querySelectorAll('a, p, li, h1, th, td div')].map(a => [a.textContent.slice(0, 30), getComputedStyle(a).color,
      background(a), a.getBoundingClientRect().height, a.getBoundingClientRect().width])}
})) };
"""


def surroundings(locale: str = "en") -> Surroundings:
    question = "How likely are you to recommend Example to a colleague?"
    asked = Asking(AskedSurvey(survey="nps", question=question, lowest=0, highest=10), "https://acme.example/s")
    return Surroundings(
        {"url": "https://acme.example", "name": "Example", "address": "1 Example Street, 10115 Berlin"},
        reader=Reader(locale, ZoneInfo("Europe/Berlin"), home=locale),
        unsubscribe_url="https://acme.example/u",
        preferences_url="https://acme.example/p",
        asked=asked,
    )


def messages() -> dict[str, str]:
    shipped = load_workspace(shipped_workspace()).templates
    long, sections = (TemplateBody(name="x", files={kind: text}) for kind, text in (("md", MARKDOWN), ("mjml", MJML)))
    drawn = {name: render_message(body, KNOWN, surroundings()).html for name, body in shipped.items()}
    drawn |= {
        f"survey in {each}": render_message(built_in_survey(), KNOWN, surroundings(each)).html for each in ("ar", "ja")
    }
    drawn |= {"long words": render_message(long, {}, surroundings("de")).html}
    drawn |= {"sections": render_message(sections, {}, surroundings()).html}
    drawn |= {f"digest in {each}": digest(each).html for each in ("en", "ar")}
    return {name: html for name, html in drawn.items() if html is not None}


def digest(locale: str) -> RenderedMessage:
    """Of Markdown with all that it has, and of sections of MJML."""
    around = surroundings(locale)
    parts = [
        render_part(TemplateBody(name="part", files={kind: text}), KNOWN, around)
        for kind, text in (("md", MARKDOWN), ("mjml", MJML), ("md", ARABIC))
    ]
    return render_digest(built_in_digest(), parts, Topic(kind="opt_out", name="Product tips"), {}, around)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """All messages in one page, light and dark, each in a frame as wide as a narrow phone; the picture is kept beside it."""
    folder = tmp_path_factory.mktemp("messages")
    frames = "".join(
        f'<iframe sandbox="allow-same-origin" title="{escape(name)}, {scheme}" width="{PHONE}" height="700" '
        f'style="border: 0" srcdoc="{escape(_in_scheme(html, scheme))}"></iframe>'
        for name, html in messages().items()
        for scheme in ("light", "dark")
    )
    page = folder / "messages.html"
    page.write_text(f"<!doctype html><meta charset='utf-8'><body>{frames}<script>{MEASURE}</script>", encoding="utf-8")
    told = _chromium(page, "--dump-dom")
    found = re.search(r"<title>(.*?)</title>", told, re.DOTALL)
    assert found is not None, told[:500]
    seen = cast("list[Seen]", json.loads(unescape(found[1])))
    return Shown({each["name"]: each for each in seen}, page)


def _in_scheme(html: str, scheme: str) -> str:
    other = "light" if scheme == "dark" else "dark"
    html = html.replace(f"(prefers-color-scheme: {scheme})", "(min-width: 0)")
    return html.replace(f"(prefers-color-scheme: {other})", "(max-width: 0)")


def _chromium(page: Path, *options: str) -> str:
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=5000",
    ]
    command += [f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_nothing_runs_out_of_a_narrow_phone(shown: Shown) -> None:
    assert {name: each["width"] for name, each in shown.frames.items() if each["width"] > PHONE} == {}


def test_every_link_and_paragraph_can_be_read(shown: Shown) -> None:
    """WCAG 1.4.3: 4.5 to 1."""
    poor = {
        (name, text, colour, behind)
        for name, each in shown.frames.items()
        for text, colour, behind, *_ in each["texts"]
        if text.strip() and contrast(colour, behind) < 4.5
    }
    assert poor == set()


def test_scores_are_large_enough_for_a_thumb(shown: Shown) -> None:
    """WCAG 2.5.8: 24 by 24 pixels."""
    scores = [link for link in shown.frames["voice/nps, light"]["texts"] if re.fullmatch(r"\d+", link[0])]
    assert len(scores) == 11
    assert min(size for *_, height, width in scores for size in (height, width)) >= 24


def test_a_message_in_arabic_runs_from_right_to_left(shown: Shown) -> None:
    assert shown.frames["survey in ar, light"]["direction"] == "rtl"
    assert shown.frames["survey in ja, light"]["direction"] == "ltr"
    assert shown.frames["digest in ar, dark"]["direction"] == "rtl"


def test_a_button_of_a_part_is_as_it_was_drawn_and_its_text_as_the_digest_writes(shown: Shown) -> None:
    found = {text: (colour, behind) for text, colour, behind, *_ in shown.frames["digest in en, dark"]["texts"]}
    assert found["Go"] == ("rgb(255, 255, 255)", "rgb(11, 92, 173)")
    assert found["Hello"] == ("rgb(228, 231, 235)", "rgb(31, 36, 41)")


def test_what_stands_around_the_messages_of_a_digest_is_in_their_language() -> None:
    assert "إلغاء الاشتراك" in digest("ar").text
    assert "Unsubscribe" in digest("en").text


@pytest.mark.slow
def test_a_person_can_look_at_all_of_them_in_one_picture(shown: Shown) -> None:
    picture = shown.page.with_suffix(".png")
    _chromium(shown.page, f"--screenshot={picture}", "--window-size=3400,8000")
    assert picture.read_bytes().startswith(b"\x89PNG")


def contrast(one: str, other: str) -> float:
    """Of two colours as browsers write them (WCAG's relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
