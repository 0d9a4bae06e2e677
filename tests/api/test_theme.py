"""The colour of the hosted pages: the workspace's, where it says one on which white letters can be read."""

from __future__ import annotations

import msgspec
import pytest
from pydantic import ValidationError

from perennia.core.definitions import Policies
from perennia.core.documents import Triggers
from perennia.core.policy_definitions import Pages
from tests.support.api_world import NOW, POLICIES, api_world


@pytest.mark.parametrize(("pages", "css"), [('{"accent":"#0a6b4a"}', ":root { --accent: #0a6b4a; }\n"), ("{}", "")])
async def test_pages_have_the_workspaces_colour_from_our_own_address(pages: str, css: str) -> None:
    body = POLICIES.body.replace('"name":"Example Ltd"', f'"name":"Example Ltd","pages":{pages}')
    async with api_world() as world:
        await world.store.publish([msgspec.structs.replace(POLICIES, body=body)], Triggers(), NOW, "sam", None)
        answer = await world.client.get("/pages.css")
        page = await world.client.get(world.links.preferences_url("c1"))
    assert (answer.text, answer.headers["content-type"]) == (css, "text/css; charset=utf-8")
    assert '<link rel="stylesheet" href="../pages.css">' in page.text
    assert "'self'; form-action 'self'" in page.headers["content-security-policy"]


async def test_while_the_store_is_away_pages_have_their_usual_colour() -> None:
    async with api_world() as world:
        world.store.away = True
        answer = await world.client.get("/pages.css")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(
    ("accent", "why"), [("#ffcc00", "too light"), ("green", "colour like"), ("#123", "colour like")]
)
def test_a_colour_that_nobody_could_read_on_is_refused(accent: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Pages(accent=accent)
    assert Policies(policies="default", pages=Pages(accent="#0a6b4a")).pages.accent == "#0a6b4a"
