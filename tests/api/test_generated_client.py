"""A client that is generated from our OpenAPI document does a whole job against the real API."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.seeded_api import ADMIN_KEY, seeded_api

GENERATOR = "openapi-python-client==0.29.1"
# Makes a key; with it sends an event, once however often; reads the customer; goes through a list page by page; is refused.
JOB = """
import json, sys
from client import AuthenticatedClient
from client.api.events import events_accept
from client.api.keys import keys_create
from client.api.reading import reading_customer, reading_customers
from client.models import EventBody, EventBodyProperties, KeyScope, NewKeyBody

url, admin = sys.argv[1:]
scopes = [KeyScope.EVENTSWRITE, KeyScope.CUSTOMERSREAD]
body = NewKeyBody(name="shop", scopes=scopes)
made = keys_create.sync(client=AuthenticatedClient(url, admin), body=body)
client = AuthenticatedClient(url, made.secret)

properties = EventBodyProperties()
properties["total"] = 30
event = EventBody(customer="ana", event="Paid", properties=properties)
sent = [events_accept.sync(client=client, body=event, idempotency_key="order-1").message_id for _ in range(2)]

seen, after = [], None
while True:
    page = reading_customers.sync(client=client, limit=2, after=after)
    seen += [one.external_id for one in page.customers]
    after = page.next_
    if after is None:
        break

refused = keys_create.sync(client=client, body=body)
unknown = reading_customer.sync("nobody", client=client)
told = {
    "once": len(set(sent)) == 1,
    "email": reading_customer.sync("ana", client=client).customer.email,
    "seen": sorted(seen),
    "refused": [refused.status, refused.title],
    "unknown": [unknown.status, unknown.title],
}
print(json.dumps(told))
"""


async def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, words, cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )


async def generator(folder: Path) -> str:
    """Its command, in an environment of its own: it wants another typer than we do."""
    python = folder / "venv/bin/python"
    await run(sys.executable, "-m", "venv", str(folder / "venv"), folder=folder)
    put = await run(str(python), "-m", "pip", "install", "-qq", "--retries", "1", GENERATOR, folder=folder)
    if put.returncode:
        pytest.skip(f"{GENERATOR} cannot be installed here: {put.stderr.strip().splitlines()[-1:]}")
    return str(python)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_generated_client_does_a_whole_job(tmp_path: Path) -> None:
    python = await generator(tmp_path)
    async with seeded_api(tmp_path) as api:
        async with httpx.AsyncClient(timeout=60) as asking:  # the document is made when it is asked for first
            document = (await asking.get(f"{api.url}/api/v1/openapi.json")).text
        (tmp_path / "openapi.json").write_text(document, encoding="utf-8")
        made = await run(
            *(python, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", "openapi.json", "--output-path", "client"),
            folder=tmp_path,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        left_out = [line for line in made.stdout.splitlines() if line.startswith(("WARNING", "Unable", "Could not"))]
        assert left_out == [], made.stdout
        (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
        done = await run(python, "job.py", api.url, ADMIN_KEY, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "once": True,
        "email": "ana@example.com",
        "seen": ["acme", "ana", "bo", "cy"],
        "refused": [403, "Not allowed"],
        "unknown": [404, "Unknown customer"],
    }
