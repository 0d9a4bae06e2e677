"""What the doctor finds of the name under which links tell of clicks: over real https, and where it leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from perennia.cli.tracking_check import check_tracking
from perennia.core.definitions import Policies, Sender, Topic, Tracking
from perennia.settings import Settings
from tests.support.api_world import api_world
from tests.support.serving import served
from tests.support.smtp_server import make_certificates

SENDER = Sender(email="hello@mail.example.com")
TOPIC = Topic(kind="opt_out", name="Tips", tracking=Tracking(clicks=True))
POLICIES = Policies(policies="default", senders={"hello": SENDER}, topics={"tips": TOPIC})


async def states(settings: Settings, policies: Policies | None = POLICIES) -> list[tuple[str, str]]:
    return [(each.state, each.message) for each in await check_tracking(settings, policies)]


async def test_where_nobody_is_tracked_nothing_is_looked_at() -> None:
    untracked = Policies(policies="default", topics={"tips": Topic(kind="opt_out", name="Tips", tracking=Tracking())})
    assert await states(Settings(), untracked) == []
    assert await states(Settings(), None) == []


async def test_links_that_lead_to_this_machine_or_are_not_encrypted_are_told() -> None:
    assert await states(Settings()) == [("fail", "links that tell of clicks lead to this machine only")]
    (found,) = await check_tracking(Settings(tracking_url="http://links.example.com"), POLICIES)
    assert found.message == "links that tell of clicks lead to http://links.example.com, which is not encrypted"
    assert found.remedy == "set PERENNIA_TRACKING_URL to an https name of your own that leads to `perennia serve`"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Certificates for loopback of an authority that clients trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificates(tmp_path).ca))
    return tmp_path


async def test_a_name_that_leads_to_the_api_is_well_and_a_foreign_one_is_warned_of(trusted: Path) -> None:
    async with api_world() as world, served(world.app, trusted) as address:
        assert await states(Settings(tracking_url=address)) == [
            ("ok", f"{address} leads to the API"),
            (
                "warn",
                "127.0.0.1 is under no domain of a sender (mail.example.com): receivers trust links of the sender's own",
            ),
        ]


async def test_a_name_that_leads_to_something_else_or_to_nobody_is_told(trusted: Path) -> None:
    async with served(FastAPI(), trusted) as address:
        first = (await states(Settings(tracking_url=address)))[0]
        assert first == ("fail", f"{address}/healthz answers 404: that is not the API")
    assert (await states(Settings(tracking_url=address)))[0] == ("fail", f"{address} does not answer: ConnectError")


@pytest.mark.parametrize("host", ["links.example.com", "mail.example.com", "example.com", "go.mail.example.com"])
async def test_a_name_beside_the_senders_is_their_own(host: str) -> None:
    found = await states(Settings(tracking_url=f"https://{host}:1"))
    assert [state for state, _ in found] == ["fail"]  # nobody answers there, and nothing else is wrong with it
