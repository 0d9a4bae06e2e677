"""Every type of event that endpoints may be told of leaves when it happens, in lives that are lived on a real store."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perennia.core.decisions import ApprovalEnded, SurveyAnswered, TaskEnded
from perennia.store import open_store
from perennia.store.outbound_records import Endpoint, OutboundType
from perennia.store.permission_records import ConsentSaid
from perennia.store.port import Store
from perennia.store.records import MessageReport
from tests.support.installation import event, publish, traits
from tests.support.stored_lives import StoredLives

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
        enter: {on: [{event: Signed Up}]}
        goal: {event: Paid, within: 30d}
        steps:
          - {id: hello, email: hello}
          - {id: call, task: Call them}
          - {id: ask, approve: A discount?}
          - {id: later, wait: 30d}
        """,
    "playbooks/adoption.yaml": """
        track: adoption
        stages: [{id: trial}, {id: live, enter: count("Signed Up") > 0}]
        """,
    "playbooks/pulse.yaml": """
        health: pulse
        measures: [{id: paid, weight: 1, score: {value: 'count("Paid")', from: 0, to: 1}}]
        bands: {red: 0, green: 50}
        """,
    "playbooks/nps.yaml": """
        survey: nps
        kind: nps
        question: Would you recommend us?
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        Hello
        """,
}


async def live(store: Store, lives: StoredLives) -> None:
    """Ana signs up, answers, pays, and is worked for."""
    await lives.happen(NOW, traits("ana", NOW, email="ana@example.com"), event("ana", "Signed Up", NOW))
    ana = await store.find("ana")
    (message,) = await store.messages(ana)
    reference = hashlib.sha256(message.key.encode()).hexdigest()[:32]
    report = MessageReport(id="r1", reference=reference, provider="told", what="opened", address=None, raw="{}")
    await store.hear_report(report, NOW)
    await store.place_order(ana, SurveyAnswered(at=NOW, survey="nps", score=9))
    (asked,) = await store.approvals(ana)
    await store.place_order_at_task(asked.key, ApprovalEnded(at=NOW, key=asked.key, decision="approved", by="kim"))
    (call,) = await store.tasks(ana)
    await store.place_order_at_task(call.key, TaskEnded(at=NOW, key=call.key, outcome="done", by="kim"))
    await store.say_consent(ana, ConsentSaid(topic="tips", given=True, at=NOW, source="form", proven=True))
    await lives.settle()
    await lives.happen(NOW + timedelta(hours=1), event("ana", "Paid", NOW + timedelta(hours=1)))


async def test_each_type_leaves_when_it_happens(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", NOW, FILES)
    url = "https://x.example"
    made = Endpoint(id="ep_1", url=url, name="", types=(), tell=None, created_at=NOW, created_by="kim")
    await store.add_endpoint(made, "whsec_x")

    await live(store, StoredLives(store, NOW))

    left = {line.type for line in await store.outbound_log("ep_1", 100)}
    await store.close()
    assert [type_.value for type_ in OutboundType if type_.value not in left] == []
