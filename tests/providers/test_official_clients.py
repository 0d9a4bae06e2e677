"""The clients that providers make themselves, against our fakes: a fake that they do not understand proves nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.simulator import hubspot, mailgun, postmark, resend, salesforce, sendgrid, ses
from deploy.simulator.exchange import Fault
from deploy.simulator.server import Simulated, simulated
from perennia.providers.aws_signature import Credentials, Service, signed_headers

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_resends_client_sends_the_same_key_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = pytest.importorskip("resend")
    async with simulated(resend.Resend()) as server:
        monkeypatch.setattr(client, "api_key", server.api.key)
        monkeypatch.setattr(client, "api_url", server.url)
        email = {"from": "Ana <hello@example.com>", "to": ["ben@example.org"], "subject": "Hi", "html": "<p>Hi</p>"}
        sent = [await asyncio.to_thread(client.Emails.send, email, {"idempotency_key": "k"}) for _ in range(2)]
        (letter,) = server.api.letters
    assert [each["id"] for each in sent] == [letter.id, letter.id]


async def test_resends_client_knows_the_fakes_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = pytest.importorskip("resend")
    async with simulated(resend.Resend()) as server:
        monkeypatch.setattr(client, "api_key", server.api.key)
        monkeypatch.setattr(client, "api_url", server.url)
        server.mischief.expect(Fault.THROTTLED)
        with pytest.raises(client.exceptions.ResendError) as failure:
            await asyncio.to_thread(
                client.Emails.send, {"from": "a@example.com", "to": "b@example.org", "subject": "Hi"}
            )
    assert failure.value.error_type == "rate_limit_exceeded"


async def test_postmarks_client_sends() -> None:
    client: Any = pytest.importorskip("postmarker.core")
    async with simulated(postmark.Postmark()) as server:
        post = client.PostmarkClient(server_token=server.api.key)
        post.root_api_url = server.url
        email = {"From": "Ana <hello@example.com>", "To": "ben@example.org", "Subject": "Hi", "TextBody": "Hi"}
        sent = await asyncio.to_thread(lambda: post.emails.send(**email))
    assert sent["MessageID"] == server.api.letters[0].id


async def test_sendgrids_client_sends() -> None:
    client: Any = pytest.importorskip("sendgrid")
    mail: Any = pytest.importorskip("sendgrid.helpers.mail")
    async with simulated(sendgrid.SendGrid()) as server:
        post = client.SendGridAPIClient(server.api.key, host=server.url)
        email = mail.Mail("hello@example.com", "ben@example.org", "Hi", plain_text_content="Hi")
        sent = await asyncio.to_thread(post.send, email)
    assert (sent.status_code, sent.headers["X-Message-Id"]) == (202, server.api.letters[0].id)


async def test_mailguns_client_sends() -> None:
    client: Any = pytest.importorskip("mailgun.client")
    async with simulated(mailgun.Mailgun()) as server:
        post = client.Client(auth=("api", server.api.key), api_url=server.url)
        form = {"from": "Ana <hello@example.com>", "to": "ben@example.org", "subject": "Hi", "text": "Hi"}
        files = {"attachment": ("none.txt", b"")}
        sent = await asyncio.to_thread(lambda: post.messages.create(data=form, files=files, domain=mailgun.DOMAIN))
    assert sent.json()["id"] == f"<{server.api.letters[0].id}>"


async def test_amazons_client_sends_and_signs_as_we_do() -> None:
    client: Any = pytest.importorskip("boto3")
    async with simulated(ses.Ses()) as server:
        key_id, _, secret = server.api.key.partition(":")
        post = client.client(
            "sesv2",
            region_name=ses.REGION,
            endpoint_url=server.url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )
        content = {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hi"}}}}
        sent = await asyncio.to_thread(
            lambda: post.send_email(
                FromEmailAddress="hello@example.com", Destination={"ToAddresses": ["ben@example.org"]}, Content=content
            )
        )
    assert sent["MessageId"] == server.api.letters[0].id


def hubspot_client(server: Simulated[hubspot.HubSpot]) -> Any:
    client: Any = pytest.importorskip("hubspot").HubSpot(access_token=server.api.key)
    client.config["host"] = server.url
    return client


async def test_hubspots_client_upserts_reads_and_finds_what_changed() -> None:
    contacts: Any = pytest.importorskip("hubspot.crm.contacts")
    async with simulated(hubspot.HubSpot()) as server:
        api = hubspot_client(server).crm.contacts
        one = {"idProperty": "perennia_id", "id": "ana", "properties": {"email": "ana@example.com", "seats": "3"}}
        made = await asyncio.to_thread(api.batch_api.upsert, {"inputs": [one]})
        again = await asyncio.to_thread(api.batch_api.upsert, {"inputs": [one]})
        inputs = {"inputs": [{"id": "ana"}, {"id": "nobody"}], "idProperty": "perennia_id", "properties": ["seats"]}
        read = await asyncio.to_thread(api.batch_api.read, inputs)
        since = contacts.Filter(property_name="lastmodifieddate", operator="GT", value="0")
        sort = [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]
        request = contacts.PublicObjectSearchRequest(filter_groups=[{"filters": [since]}], sorts=sort, limit=10)
        found = await asyncio.to_thread(api.search_api.do_search, request)
    assert (made.status, made.results[0].new, again.results[0].new) == ("COMPLETE", True, False)
    assert (read.results[0].properties["seats"], read.errors[0].category) == ("3", "OBJECT_NOT_FOUND")
    assert (found.total, found.results[0].id) == (1, made.results[0].id)


async def test_hubspots_client_merges_and_deletes() -> None:
    contacts: Any = pytest.importorskip("hubspot.crm.contacts")
    async with simulated(hubspot.HubSpot()) as server:
        api = hubspot_client(server).crm.contacts
        inputs = [contacts.SimplePublicObjectInputForCreate(properties={"email": f"{n}@example.com"}) for n in "abc"]
        a, b, c = [await asyncio.to_thread(api.basic_api.create, each) for each in inputs]
        both = contacts.PublicMergeInput(primary_object_id=a.id, object_id_to_merge=b.id)
        await asyncio.to_thread(api.merge_api.merge if hasattr(api, "merge_api") else api.basic_api.merge, both)
        merged = await asyncio.to_thread(api.basic_api.get_by_id, b.id, properties=["hs_merged_object_ids"])
        await asyncio.to_thread(api.basic_api.archive, c.id)
        gone = await asyncio.to_thread(api.basic_api.get_page, archived=True)
    assert (merged.id, merged.properties["hs_merged_object_ids"]) == (a.id, b.id)
    assert [each.id for each in gone.results] == [c.id]


async def test_hubspots_client_knows_the_fakes_errors() -> None:
    contacts: Any = pytest.importorskip("hubspot.crm.contacts")
    notes: Any = pytest.importorskip("hubspot.crm.objects.notes")
    async with simulated(hubspot.HubSpot()) as server:
        client = hubspot_client(server)
        ana = {"properties": {"email": "ana@example.com"}}
        await asyncio.to_thread(client.crm.contacts.basic_api.create, ana)
        with pytest.raises(contacts.exceptions.ApiException) as taken:
            await asyncio.to_thread(client.crm.contacts.basic_api.create, ana)
        note = {"properties": {"hs_note_body": "Hi", "hs_timestamp": "2026-03-02T10:00:00Z", "perennia_key": "k"}}
        await asyncio.to_thread(client.crm.objects.notes.basic_api.create, note)
        with pytest.raises(notes.exceptions.ApiException) as twice:
            await asyncio.to_thread(client.crm.objects.notes.basic_api.create, note)
        server.mischief.expect(Fault.THROTTLED)
        with pytest.raises(contacts.exceptions.ApiException) as throttled:
            await asyncio.to_thread(client.crm.contacts.basic_api.create, ana)
    assert (taken.value.status, twice.value.status, throttled.value.status) == (409, 400, 429)


async def test_hubspots_client_lists_owners_and_joins_a_contact_to_its_company() -> None:
    async with simulated(hubspot.HubSpot()) as server:
        client = hubspot_client(server)
        ana = await asyncio.to_thread(client.crm.contacts.basic_api.create, {"properties": {"email": "a@example.com"}})
        acme = await asyncio.to_thread(client.crm.companies.basic_api.create, {"properties": {"name": "Acme"}})
        kind = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
        joined = {"inputs": [{"from": {"id": ana.id}, "to": {"id": acme.id}, "types": kind}]}
        await asyncio.to_thread(client.crm.associations.v4.batch_api.create, "contacts", "companies", joined)
        read = await asyncio.to_thread(
            client.crm.contacts.basic_api.get_by_id, ana.id, properties=["associatedcompanyid"]
        )
        owners = await asyncio.to_thread(client.crm.owners.owners_api.get_page)
    assert read.properties["associatedcompanyid"] == acme.id
    assert [each.email for each in owners.results] == ["kim@example.com"]


def salesforce_client(server: Simulated[salesforce.Salesforce]) -> Any:
    """Theirs speaks https alone; ours of this test does not."""
    adapters: Any = pytest.importorskip("requests.adapters")
    requests: Any = pytest.importorskip("requests")

    plain = adapters.HTTPAdapter()
    send = plain.send

    def send_plainly(request: Any, **options: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return send(request, **options)

    plain.send = send_plainly
    session = requests.Session()
    session.mount("https://", plain)
    server.api.sessions.add("a-session")
    client: Any = pytest.importorskip("simple_salesforce").Salesforce
    return client(instance=server.url.removeprefix("http://"), session_id="a-session", session=session)


async def test_salesforces_client_upserts_by_our_key_and_reads() -> None:
    async with simulated(salesforce.Salesforce()) as server:
        client = salesforce_client(server)
        ana = {"LastName": "Ito", "Email": "ana@example.com", "Seats__c": 3}
        made = [await asyncio.to_thread(client.Contact.upsert, "Perennia_Id__c/ana", ana) for _ in range(2)]
        found = await asyncio.to_thread(
            client.query_all, "SELECT Id, Seats__c FROM Contact WHERE Perennia_Id__c IN ('ana')"
        )
        (kept,) = server.api.tables.living("Contact")
        read = await asyncio.to_thread(client.Contact.get, kept.id)
    assert made == [201, 200]
    assert (found["totalSize"], found["records"][0]["Seats__c"], read["Email"]) == (1, 3.0, "ana@example.com")


async def test_salesforces_client_sees_what_was_deleted() -> None:
    async with simulated(salesforce.Salesforce()) as server:
        client = salesforce_client(server)
        made = await asyncio.to_thread(client.Contact.create, {"LastName": "Ito"})
        await asyncio.to_thread(client.Contact.delete, made["id"])
        query = "SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE SystemModstamp > 2026-03-01T00:00:00.000Z"
        found = await asyncio.to_thread(client.query_all, query, include_deleted=True)
        living = await asyncio.to_thread(client.query_all, query)
    assert [(row["Id"], row["IsDeleted"]) for row in found["records"]] == [(made["id"], True)]
    assert living["records"] == []


async def test_salesforces_client_knows_the_fakes_errors() -> None:
    errors: Any = pytest.importorskip("simple_salesforce.exceptions")
    async with simulated(salesforce.Salesforce()) as server:
        client = salesforce_client(server)
        with pytest.raises(errors.SalesforceMalformedRequest) as unknown:
            await asyncio.to_thread(client.Contact.create, {"LastName": "Ito", "Nowhere__c": 1})
        with pytest.raises(errors.SalesforceResourceNotFound):
            await asyncio.to_thread(client.Contact.get, "003000000000999AAA")
        server.mischief.expect(Fault.THROTTLED)
        with pytest.raises(errors.SalesforceRefusedRequest):
            await asyncio.to_thread(client.Contact.create, {"LastName": "Ito"})
        server.api.sessions.clear()
        with pytest.raises(errors.SalesforceExpiredSession):
            await asyncio.to_thread(client.Contact.create, {"LastName": "Ito"})
    assert unknown.value.content[0]["errorCode"] == "INVALID_FIELD"


@pytest.mark.parametrize("token", [None, "a/token+of=a session"])
@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b'{"name": "Zo\xc3\xab"}')])
def test_our_signature_is_amazons(method: str, body: bytes, token: str | None) -> None:
    auth: Any = pytest.importorskip("botocore.auth")
    request: Any = pytest.importorskip("botocore.awsrequest").AWSRequest
    keys: Any = pytest.importorskip("botocore.credentials").Credentials("AKIAX", "s/e+cret", token)
    url = "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    ours = signed_headers(Credentials("AKIAX", "s/e+cret", token), Service("ses", "eu-west-1"), method, url, body, AT)
    theirs = request(method, url, data=body, headers={"X-Amz-Date": ours["x-amz-date"]})
    if token is not None:
        theirs.headers["X-Amz-Security-Token"] = token
    theirs.context["timestamp"] = ours["x-amz-date"]
    signer = auth.SigV4Auth(keys, "ses", "eu-west-1")
    right = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)
    assert ours["authorization"].endswith(f"Signature={right}")
