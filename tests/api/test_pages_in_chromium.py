"""Survey pages in a real Chromium at a phone's width: nothing runs over the edge, and whatever is pressed is large enough."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perennia.api.words import languages
from perennia.core.documents import Triggers
from tests.api.test_questions_page import asked
from tests.support.api_world import NOW, POLICIES, api_world

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
# Of each frame: how wide its content is, and the smallest thing that is pressed.
MEASURE = """<script>addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const pressed = [...frame.contentDocument.querySelectorAll("button, .scale label, .option")];
    const sizes = pressed.map(each => each.getBoundingClientRect());
    const least = Math.min(...sizes.map(size => Math.min(size.width, size.height)));
    return [frame.title, frame.contentDocument.documentElement.scrollWidth, least];
  });
  document.body.textContent = "MEASURED" + JSON.stringify(found) + "END";
})</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)")
async def test_every_language_fits_a_phone_and_a_finger(tmp_path: Path) -> None:
    frames: list[str] = []
    async with api_world() as world:
        url = await asked(world, languages={})
        for locale in sorted(languages()):
            header = {"Accept-Language": locale}
            first = await world.client.get(url + "?score=9", headers=header)
            lacking = await world.client.post(url, data={"page": "why", "score": "3"}, headers=header)
            rows = await world.client.post(url, data={"page": "uses", "score": "3", "a.why": "cost"}, headers=header)
            for name, page in (("first", first), ("lacking", lacking), ("rows", rows)):
                assert f'lang="{locale}"' in page.text
                frames.append(
                    f'<iframe title="{locale} {name}" width="360" srcdoc="{html.escape(page.text)}"></iframe>'
                )
    document = f"<!doctype html><style>iframe {{ border: 0 }}</style>{''.join(frames)}{MEASURE}"
    found: list[tuple[str, float, float]] = await measured(tmp_path, document)
    assert len(found) == 36
    assert [(name, width, least) for name, width, least in found if width > 360 or least < 44] == []


# Where the full stop of the name ends up, and the letter before it.
PLACES = """<script>addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const text = [...frame.contentDocument.querySelectorAll("main p")]
      .flatMap(each => [...each.childNodes]).find(each => each.textContent.includes("Inc."));
    const at = text.textContent.indexOf("Inc.") + 2;
    const [c, dot] = [at, at + 1].map(start => {
      const range = frame.contentDocument.createRange();
      range.setStart(text, start);
      range.setEnd(text, start + 1);
      return range.getBoundingClientRect();
    });
    return [frame.title, Math.abs(dot.left - c.right) < 2];
  });
  document.body.textContent = "MEASURED" + JSON.stringify(found) + "END";
})</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)")
async def test_a_latin_name_keeps_its_order_in_an_arabic_sentence(tmp_path: Path) -> None:
    body = POLICIES.body.replace("Example Ltd", "Acme Inc.")
    async with api_world() as world:
        named = msgspec.structs.replace(POLICIES, version="p3", body=body)
        await world.store.publish([named], Triggers(), NOW, "sam", None)
        shown = await world.client.get(world.links.preferences_url("c1"), headers={"Accept-Language": "ar"})
    plain = shown.text.replace("\u2068", "").replace("\u2069", "")
    frames = [
        f'<iframe title="{title}" width="360" srcdoc="{html.escape(text)}"></iframe>'
        for title, text in (("as it is", shown.text), ("without isolates", plain))
    ]
    found: list[tuple[str, bool]] = await measured(tmp_path, f"<!doctype html>{''.join(frames)}{PLACES}")
    assert found == [["as it is", True], ["without isolates", False]]


async def measured(folder: Path, document: str) -> Any:
    """What the script of a document writes into it."""
    whole = folder / "pages.html"
    whole.write_text(document, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", whole.as_uri()]
    run = partial(subprocess.run, command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"MEASURED(\[.*\])END", (await asyncio.to_thread(run)).stdout)
    assert found is not None
    return json.loads(found[1])
