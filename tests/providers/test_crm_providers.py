"""CRMs: each passes the conformance suite against a stateful fake of its API, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.simulator import hubspot
from deploy.simulator.crm_records import Stored, Tables
from deploy.simulator.exchange import Fault
from deploy.simulator.server import Simulated, simulated
from perennia.providers.crm import CrmProvider, Kind, crm_provider
from perennia.providers.failures import Misconfigured
from perennia.providers.hubspot import HubSpotCrm, from_url
from tests.providers.crm_conformance import CrmConformance, Kept, Trouble

NO_FILE = Path("crm.yaml")


@dataclass
class HubSpotRig:
    server: Simulated[hubspot.HubSpot]
    provider: CrmProvider
    impatient: CrmProvider
    stranger: CrmProvider
    unreachable: CrmProvider
    names: Mapping[str, str]

    @property
    def tables(self) -> Tables:
        return self.server.api.tables

    def expect(self, *troubles: Trouble) -> None:
        self.server.mischief.expect(*(Fault[trouble.name] for trouble in troubles))

    def records(self, kind: Kind) -> Sequence[Kept]:
        return [kept(each) for each in self.tables.living({"contact": "contacts", "account": "companies"}[kind])]

    def notes(self) -> Sequence[Kept]:
        return [kept(each) for each in self.tables.living("notes")]

    def tasks(self) -> Sequence[Kept]:
        return [kept(each) for each in self.tables.living("tasks")]

    def stage_of(self, ref: str) -> str | None:
        return found.fields["lifecyclestage"] if (found := self.tables.by("contacts", "perennia_id", ref)) else None

    def make(self, kind: Kind, fields: Mapping[str, Any]) -> str:
        self.tables.tick()
        return self.tables.make({"contact": "contacts", "account": "companies"}[kind], dict(fields)).id

    def edit(self, id_: str, fields: Mapping[str, Any]) -> None:
        self.tables.tick()
        self.tables.change(self._any(id_), dict(fields))

    def delete(self, id_: str) -> None:
        self.tables.tick()
        self.tables.delete(self._any(id_))

    def merge(self, winner: str, loser: str) -> None:
        self.tables.tick()
        self.tables.merge(self._any(winner), self._any(loser))

    def _any(self, id_: str) -> Stored:
        return next(records[id_] for records in self.tables.of.values() if id_ in records)


def kept(each: Stored) -> Kept:
    return Kept(each.id, each.fields.get("perennia_id"), each.fields, each.about)


class TestHubSpot(CrmConformance):
    @pytest.fixture
    async def rig(self) -> AsyncGenerator[HubSpotRig]:
        async with simulated(hubspot.HubSpot()) as server:

            def at(key: str, api: str, timeout: float = 10) -> CrmProvider:
                return from_url(f"hubspot:{key}?api={api}&timeout={timeout}", NO_FILE)

            key = server.api.key
            rig = HubSpotRig(
                server,
                provider=at(key, server.url),
                impatient=at(key, server.url, timeout=0.3),
                stranger=at("wrong", server.url),
                unreachable=at(key, "http://127.0.0.1:1"),
                names={
                    "first_name": "firstname",
                    "seats": "seats",
                    "trial": "trial",
                    "renewal": "renewal",
                    "company_name": "name",
                    "note_title": "hs_note_body",
                    "task_title": "hs_task_subject",
                },
            )
            yield rig
            for each in (rig.provider, rig.impatient, rig.stranger, rig.unreachable):
                await each.close()


def test_the_url_says_which_crm_it_is() -> None:
    assert isinstance(crm_provider("hubspot:token", NO_FILE), HubSpotCrm)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("hubspot:", "hubspot:PRIVATE_APP_TOKEN"),
        ("hubspot:hunter2?speed=high", "no option 'speed'"),
        ("pipedrive:hunter2", 'no CRM adapter serves "pipedrive:"'),
    ],
)
def test_a_wrong_url_is_a_misconfiguration_that_says_why_and_not_the_key(bad: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as failure:
        crm_provider(bad, NO_FILE)
    assert "hunter2" not in str(failure.value)
