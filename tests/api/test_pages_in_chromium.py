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

import pytest

from perennia.api.words import languages
from tests.api.test_questions_page import asked
from tests.support.api_world import api_world

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
    whole = tmp_path / "pages.html"
    whole.write_text(
        f"<!doctype html><style>iframe {{ border: 0 }}</style>{''.join(frames)}{MEASURE}", encoding="utf-8"
    )
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", whole.as_uri()]
    run = partial(subprocess.run, command, capture_output=True, text=True, timeout=120, check=True)
    shown = await asyncio.to_thread(run)
    measured = re.search(r"MEASURED(\[.*\])END", shown.stdout)
    assert measured is not None
    found: list[tuple[str, float, float]] = json.loads(measured[1])
    assert len(found) == 36
    assert [(name, width, least) for name, width, least in found if width > 360 or least < 44] == []
