"""CRMs: each passes the conformance suite against a stateful fake of its API, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.simulator import hubspot, salesforce
from deploy.simulator.crm_records import Stored, Tables
from deploy.simulator.exchange import Fault, Service
from deploy.simulator.server import Simulated, simulated
from perennia.providers.crm import CrmProvider, Kind, crm_provider
from perennia.providers.failures import Misconfigured
from perennia.providers.hubspot import HubSpotCrm
from perennia.providers.hubspot import from_url as hubspot_from_url
from perennia.providers.salesforce import from_url as salesforce_from_url
from tests.providers.crm_conformance import CrmConformance, Kept, Trouble

NO_FILE = Path("crm.yaml")


class CrmService(Service, Protocol):
    tables: Tables


@dataclass(frozen=True)
class Meeting:
    """How one CRM is met: its fake, its adapter and URL for a key, what it calls things."""

    service: Callable[[], CrmService]
    factory: Callable[[str, Path], CrmProvider]
    url: Callable[[str], str]
    types: Mapping[Kind, str]
    key: str
    stage: str
    names: Mapping[str, str]
    notes: Callable[[Tables], Iterable[Stored]]
    tasks: Callable[[Tables], Iterable[Stored]]


HUBSPOT = Meeting(
    hubspot.HubSpot,
    hubspot_from_url,
    lambda key: f"hubspot:{key}?",
    {"contact": "contacts", "account": "companies"},
    "perennia_id",
    "lifecyclestage",
    {
        "email": "email",
        "first_name": "firstname",
        "seats": "seats",
        "trial": "trial",
        "renewal": "renewal",
        "company_name": "name",
        "note_title": "hs_note_body",
        "task_title": "hs_task_subject",
        "task_body": "hs_task_body",
        "task_status": "hs_task_status",
        "task_completed": "COMPLETED",
    },
    lambda tables: tables.living("notes"),
    lambda tables: tables.living("tasks"),
)
SALESFORCE = Meeting(
    salesforce.Salesforce,
    salesforce_from_url,
    lambda key: f"salesforce:{key if ':' in key else f'{key}:secret'}@acme.my.salesforce.com?",
    {"contact": "Contact", "account": "Account"},
    "Perennia_Id__c",
    "Perennia_Stage__c",
    {
        "email": "Email",
        "first_name": "FirstName",
        "seats": "Seats__c",
        "trial": "Trial__c",
        "renewal": "Renewal__c",
        "company_name": "Name",
        "note_title": "Subject",
        "task_title": "Subject",
        "task_body": "Description",
        "task_status": "Status",
        "task_completed": "Completed",
    },
    lambda tables: [each for each in tables.living("Task") if each.fields["Status"] == "Completed"],
    lambda tables: [each for each in tables.living("Task") if each.fields["Status"] == "Not Started"],
)


@dataclass
class FakedRig:
    server: Simulated[CrmService]
    meeting: Meeting
    provider: CrmProvider
    impatient: CrmProvider
    stranger: CrmProvider
    unreachable: CrmProvider

    @property
    def names(self) -> Mapping[str, str]:
        return self.meeting.names

    @property
    def tables(self) -> Tables:
        return self.server.api.tables

    def expect(self, *troubles: Trouble) -> None:
        self.server.mischief.expect(*(Fault[trouble.name] for trouble in troubles))

    def records(self, kind: Kind) -> Sequence[Kept]:
        return [self._kept(each) for each in self.tables.living(self.meeting.types[kind])]

    def notes(self) -> Sequence[Kept]:
        return [self._kept(each) for each in self.meeting.notes(self.tables)]

    def tasks(self) -> Sequence[Kept]:
        return [self._kept(each) for each in self.meeting.tasks(self.tables)]

    def stage_of(self, ref: str) -> str | None:
        found = self.tables.by(self.meeting.types["contact"], self.meeting.key, ref)
        return None if found is None else found.fields[self.meeting.stage]

    def make(self, kind: Kind, fields: Mapping[str, Any]) -> str:
        self._later()
        return self.tables.make(self.meeting.types[kind], dict(fields)).id

    def edit(self, id_: str, fields: Mapping[str, Any]) -> None:
        self._later()
        self.tables.change(self._any(id_), dict(fields))

    def delete(self, id_: str) -> None:
        self._later()
        self.tables.delete(self._any(id_))

    def merge(self, winner: str, loser: str) -> None:
        self._later()
        self.tables.merge(self._any(winner), self._any(loser))

    def _later(self) -> None:
        """People are slow."""
        self.tables.now += timedelta(seconds=1)

    def _any(self, id_: str) -> Stored:
        return next(records[id_] for records in self.tables.of.values() if id_ in records)

    def _kept(self, each: Stored) -> Kept:
        return Kept(each.id, each.fields.get(self.meeting.key), each.fields, each.about)


@asynccontextmanager
async def rigged(meeting: Meeting) -> AsyncGenerator[FakedRig]:
    async with simulated(meeting.service()) as server:

        def at(key: str, api: str, timeout: float = 10) -> CrmProvider:
            return meeting.factory(f"{meeting.url(key)}api={api}&timeout={timeout}", NO_FILE)

        key = server.api.key
        rig = FakedRig(
            server,
            meeting,
            provider=at(key, server.url),
            impatient=at(key, server.url, timeout=0.3),
            stranger=at("wrong", server.url),
            unreachable=at(key, "http://127.0.0.1:1"),
        )
        yield rig
        for each in (rig.provider, rig.impatient, rig.stranger, rig.unreachable):
            await each.close()


@pytest.fixture(params=[HUBSPOT, SALESFORCE], ids=["hubspot", "salesforce"])
async def rig(request: pytest.FixtureRequest) -> AsyncGenerator[FakedRig]:
    async with rigged(request.param) as rig:
        yield rig


class TestCrmProviders(CrmConformance):
    pass


async def test_salesforce_empties_a_contact_instead_of_deleting_it_where_that_is_told() -> None:
    def url(key: str) -> str:
        return f"{SALESFORCE.url(key)}erase=anonymise&"

    async with rigged(replace(SALESFORCE, url=url)) as rig:
        id_ = rig.make(
            "contact", {"LastName": "Bell", "Email": "ana@example.com", "Phone": "1", "Perennia_Id__c": "ana"}
        )
        await rig.provider.erase("contact", id_)
        (kept,) = rig.records("contact")
        assert {name: value for name, value in kept.fields.items() if value is not None} == {"LastName": "Erased"}


async def test_a_session_that_ended_is_renewed() -> None:
    async with rigged(SALESFORCE) as rig:
        await rig.provider.owners()
        cast("salesforce.Salesforce", rig.server.api).sessions.clear()
        assert await rig.provider.owners()


async def test_salesforce_lets_us_in_by_a_key_of_our_own(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    async with simulated(salesforce.Salesforce()) as server:
        options = f"user=sam@example.com&key_file={tmp_path}/key.pem&api={server.url}"
        provider = salesforce_from_url(f"salesforce:CLIENT@acme.my.salesforce.com?{options}", NO_FILE)
        await provider.owners()
        await provider.close()
    claims = jwt.decode(
        server.api.assertions[0], key.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com"
    )
    assert (claims["iss"], claims["sub"]) == ("CLIENT", "sam@example.com")


def test_the_url_says_which_crm_it_is() -> None:
    assert isinstance(crm_provider("hubspot:token", NO_FILE), HubSpotCrm)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("hubspot:", "hubspot:PRIVATE_APP_TOKEN"),
        ("hubspot:hunter2?speed=high", "no option 'speed'"),
        ("salesforce:hunter2", "salesforce:CLIENT_ID:CLIENT_SECRET@"),
        ("salesforce:hunter2@acme.my.salesforce.com", "CLIENT_SECRET, or user= and key_file="),
        ("pipedrive:hunter2", 'no CRM adapter serves "pipedrive:"'),
    ],
)
def test_a_wrong_url_is_a_misconfiguration_that_says_why_and_not_the_key(bad: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as failure:
        crm_provider(bad, NO_FILE)
    assert "hunter2" not in str(failure.value)
