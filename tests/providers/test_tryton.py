"""The adapter by configuration, with the configuration that the docs show, against a real Tryton server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.crm.reading import read_field_map
from perennia.crm.syncing import CrmSync
from perennia.providers.crm import CrmWrite
from perennia.providers.failures import Misconfigured, Refused
from perennia.providers.rest_crm import RestCrm, from_url
from perennia.store import open_store
from perennia.temporal.dev_server import free_ports
from tests.support.posts import account_traits
from tests.support.stored_lives import StoredLives

DOCS = Path(__file__).resolve().parents[2] / "docs" / "crm.md"
PACKAGES = ("trytond==8.2.*", "trytond-party==8.2.*")
MAKE_KEY = """
from trytond import config
config.update_etc("trytond.conf")
from trytond.pool import Pool
from trytond.transaction import Transaction
Pool.start()
with Transaction().start("crm", 0):
    Pool("crm").init()
with Transaction().start("crm", 1) as transaction:
    applications = Pool("crm").get("res.user.application")
    application, = applications.create([{"user": 1, "application": "rest"}])
    applications.write([application], {"state": "validated"})
    transaction.commit()
    print(application.key)
"""


@dataclass(frozen=True)
class Tryton:
    """``file``: the docs' configuration, with this server's address."""

    url: str
    key: str
    file: Path

    def rename(self, party: str, name: str) -> None:
        """A colleague does it."""
        headers = {"Authorization": f"Bearer {self.key}"}
        httpx.put(f"{self.url}/party.party/{party}", json={"name": name}, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Generator[Tryton]:
    folder = tmp_path_factory.mktemp("tryton")
    scripts = folder / "venv" / "bin"
    run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
    installed = subprocess.run([scripts / "pip", "install", "-q", *PACKAGES], check=False, capture_output=True)
    if installed.returncode:
        pytest.skip("the package registry has no Tryton for us")
    (port,) = free_ports(0)
    (folder / "trytond.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"
    )
    (folder / "password").write_text("a-long-password\n")
    (folder / "crm.sqlite").touch()
    administer = [str(scripts / "trytond-admin"), "-c", "trytond.conf", "-d", "crm"]
    run([*administer, "--all", "--email", "admin@example.com"], folder)
    run([*administer, "-u", "party", "--activate-dependencies"], folder)
    key = run([str(scripts / "python"), "-c", MAKE_KEY], folder).splitlines()[-1]
    server = subprocess.Popen([scripts / "trytond", "-c", "trytond.conf"], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/crm/rest/model"
        until_it_answers(f"{url}/party.party", key)
        shown = next(each for each in DOCS.read_text(encoding="utf-8").split("```") if "party.party" in each)
        file = folder / "crm.yaml"
        file.write_text(shown.replace("https://tryton.example.com/crm/rest/model", url), encoding="utf-8")
        yield Tryton(url, key, file)
    finally:
        server.terminate()
        server.wait(30)


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until_it_answers(url: str, key: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError("Tryton does not answer")


def adapter(tryton: Tryton, key: str | None = None) -> RestCrm:
    return from_url(f"rest:{key or tryton.key}", tryton.file)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_accounts_and_tryton_are_kept_equal_by_the_configuration_that_the_docs_show(
    tryton: Tryton, tmp_path: Path
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    await store.migrate()
    lives = StoredLives(store, datetime.now(UTC))
    crm = adapter(tryton)
    sync = CrmSync(store, crm, read_field_map(tryton.file), lives.clock, lambda _: None)

    async def compare() -> dict[str, object]:
        position: str | None = ""
        while position is not None:
            position = await sync.step(position)
        (side,) = await store.crm_sides_of("rest", "account", refs=["acme"])
        return dict(side.traits)

    await store.accept([account_traits("m1", "acme", name="Acmé 株式会社")], lives.clock.now())
    await compare()
    (made,) = await crm.read("account", ["name"], refs=["acme"])
    assert made.fields == {"name": "Acmé 株式会社"}
    tryton.rename(made.id, "Acme of Utrecht")
    assert (await compare())["name"] == "Acme of Utrecht"
    await store.accept([account_traits("m2", "acme", name="Acme Ltd")], lives.clock.now())
    await compare()
    assert (await crm.read("account", ["name"], refs=["acme"]))[0].fields == {"name": "Acme Ltd"}
    note = CrmWrite("note", "account", "acme", None, {}, "Hello", "k", datetime.now(UTC))
    assert await crm.write(note)
    await crm.close()
    await store.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_wrong_key_and_a_record_that_is_not_there_are_told_apart(tryton: Tryton) -> None:
    stranger, crm = adapter(tryton, "wrong"), adapter(tryton)
    with pytest.raises(Misconfigured):
        await stranger.examine()
    assert "answers" in await crm.examine()
    with pytest.raises(Refused):
        await crm.write(CrmWrite("note", "account", "nobody", None, {}, "Hello", "k", datetime.now(UTC)))
    for each in (stranger, crm):
        await each.close()
