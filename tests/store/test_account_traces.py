"""An account is erased: its contacts keep what happened to them, and nothing of what was known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from perennia.store import open_store
from perennia.store.privacy_records import Erasure
from tests.support.installation import event, publish, traits
from tests.support.posts import account_traits, member
from tests.support.stored_lives import StoredLives, dump

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FILES = {
    "playbooks/policies.yaml": """
        policies: default
        timezone: Europe/Amsterdam
        url: https://acme.example
        name: Acme
        address: 1 Main Street, Utrecht
        senders: {hello: {email: hello@acme.example, name: Ana at Acme}}
        default_sender: hello
        topics: {tips: {kind: opt_out, name: Tips}}
        """,
    "playbooks/welcome.yaml": """
        playbook: welcome
        topic: tips
        enter: {on: [{event: Signed Up}], where: account.tariff.startsWith("hush")}
        steps:
          - {id: hello, email: hello}
          - {id: later, wait: 30d}
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        Hello {{ account.tariff }}
        """,
}


async def test_its_contacts_keep_no_copies_of_its_traits(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", NOW, FILES)
    lives = StoredLives(store, NOW)
    told = account_traits("a1", "corp-7", tariff="hush-hush", name="Corpo"), traits("ben", NOW, email="ben@x.io")
    await lives.happen(NOW, *told, member("m1", "ben", "corp-7"))
    await lives.happen(NOW, event("ben", "Signed Up", NOW))
    assert dump(tmp_path / "store.sqlite").count("hush-hush") > 3

    await store.erase("corp-7", "account", Erasure(at=NOW, by="kim"))
    await lives.settle()
    await store.close()

    found = dump(tmp_path / "store.sqlite")
    assert [word for word in ("hush-hush", "Corpo", "corp-7") if word in found] == []
    assert "ben@x.io" in found
