"""What each of Segment's calls becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
import pytest

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import Json, JsonObject
from perennia.ingest.bodies import Envelope, SharedContext
from perennia.ingest.segment import Reception, Record, parse_item
from perennia.store.records import Accepted, Merge, Rejected

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def parse(item: JsonObject, call: str | None = None, envelope: Envelope | None = None) -> list[Record]:
    reception = Reception(received=NOW, envelope=envelope or Envelope(), new_id=lambda: "made-here")
    return parse_item(msgspec.json.encode(item), reception, call)


def accepted(
    content: CustomerEvent | TraitsChanged | None,
    message_id: str = "m1",
    kind: Literal["contact", "account"] = "contact",
    external_id: str | None = "ana",
    anonymous_id: str | None = None,
    account: str | None = None,
) -> Accepted:
    return Accepted(
        message_id=message_id,
        kind=kind,
        external_id=external_id,
        anonymous_id=anonymous_id,
        input=content,
        account=account,
    )


def reason_of(records: list[Record]) -> str:
    assert len(records) == 1
    assert isinstance(records[0], Rejected)
    return records[0].reason


def test_a_track_is_an_event_of_its_contact() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "event": "Signed Up", "properties": {"plan": "pro"}}
    event = CustomerEvent(at=NOW, name="Signed Up", properties={"plan": "pro"})
    assert parse(item, "track") == [accepted(event)]


def test_an_item_of_a_batch_says_itself_what_it_is() -> None:
    assert parse({"type": "track", "messageId": "m1", "userId": "ana", "event": "E"}) == [
        accepted(CustomerEvent(at=NOW, name="E"))
    ]


def test_an_item_without_messageId_gets_one() -> None:
    assert parse({"userId": "ana", "event": "E"}, "track") == [
        accepted(CustomerEvent(at=NOW, name="E"), message_id="made-here")
    ]


def test_numbers_are_ids_too() -> None:
    item: JsonObject = {"messageId": 12, "userId": 7.0, "event": "E"}
    assert parse(item, "track") == [accepted(CustomerEvent(at=NOW, name="E"), message_id="12", external_id="7")]


def test_null_and_empty_ids_are_no_ids() -> None:
    item: JsonObject = {"messageId": None, "userId": "", "anonymousId": "a1", "groupId": None, "event": "E"}
    assert parse(item, "track") == [
        accepted(CustomerEvent(at=NOW, name="E"), message_id="made-here", external_id=None, anonymous_id="a1")
    ]


def test_an_event_knows_its_account_from_its_context() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "event": "E", "context": {"groupId": "acme"}}
    assert parse(item, "track") == [accepted(CustomerEvent(at=NOW, name="E"), account="acme")]


def test_traits_that_came_with_an_event_stand_before_it() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "event": "E", "context": {"traits": {"plan": "pro"}}}
    assert parse(item, "track") == [
        accepted(TraitsChanged(at=NOW, traits={"plan": "pro"}), message_id="m1#traits"),
        accepted(CustomerEvent(at=NOW, name="E")),
    ]


def test_identify_tells_traits() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "traits": {"plan": "pro", "trial": None}}
    assert parse(item, "identify") == [accepted(TraitsChanged(at=NOW, traits={"plan": "pro", "trial": None}))]


def test_identify_ties_an_anonymous_past_to_a_person() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "anonymousId": "a1"}
    assert parse(item, "identify") == [accepted(None, anonymous_id="a1")]


def test_identify_reads_traits_from_the_context_too_and_the_outer_ones_win() -> None:
    item: JsonObject = {
        "messageId": "m1",
        "userId": "ana",
        "traits": {"plan": "pro"},
        "context": {"traits": {"plan": "free", "seats": 3}},
    }
    assert parse(item, "identify") == [accepted(TraitsChanged(at=NOW, traits={"plan": "pro", "seats": 3}))]


@pytest.mark.parametrize(
    ("traits", "expected"),
    [({}, {"timezone": "Europe/Madrid"}), ({"timezone": "Asia/Tokyo"}, {"timezone": "Asia/Tokyo"})],
)
def test_the_devices_time_zone_counts_where_no_trait_names_one(traits: JsonObject, expected: JsonObject) -> None:
    item: JsonObject = {
        "messageId": "m1",
        "userId": "ana",
        "traits": traits,
        "context": {"timezone": "Europe/Madrid"},
    }
    assert parse(item, "identify") == [accepted(TraitsChanged(at=NOW, traits=expected))]


def test_a_context_of_the_whole_batch_counts_for_items_without_one() -> None:
    envelope = Envelope(context=SharedContext(group_id="acme"))
    item: JsonObject = {"messageId": "m1", "userId": "ana", "event": "E"}
    assert parse(item, "track", envelope) == [accepted(CustomerEvent(at=NOW, name="E"), account="acme")]


def test_group_tells_the_accounts_traits_and_who_belongs_to_it() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "groupId": "acme", "traits": {"seats": 20}}
    assert parse(item, "group") == [
        accepted(TraitsChanged(at=NOW, traits={"seats": 20}), kind="account", external_id="acme"),
        accepted(None, message_id="m1#member", account="acme"),
    ]


def test_a_group_of_nobody_known_is_still_an_account() -> None:
    item: JsonObject = {"messageId": "m1", "anonymousId": "a1", "groupId": "acme"}
    assert parse(item, "group") == [accepted(None, kind="account", external_id="acme")]


def test_alias_merges() -> None:
    item: JsonObject = {"messageId": "m1", "previousId": "a1", "userId": "ana"}
    assert parse(item, "alias") == [Merge(message_id="m1", at=NOW, previous_id="a1", external_id="ana")]


@pytest.mark.parametrize(
    ("call", "item", "name", "properties"),
    [
        ("page", {"name": "Pricing"}, "Viewed Pricing Page", {"name": "Pricing"}),
        (
            "page",
            {"category": "Docs", "name": "Index", "properties": {"path": "/docs"}},
            "Viewed Docs Index Page",
            {"category": "Docs", "name": "Index", "path": "/docs"},
        ),
        ("page", {}, "Loaded a Page", {}),
        ("screen", {"name": "Inbox"}, "Viewed Inbox Screen", {"name": "Inbox"}),
        ("screen", {"name": None, "category": None}, "Loaded a Screen", {}),
    ],
)
def test_views_are_events_named_as_segment_names_them(
    call: str, item: JsonObject, name: str, properties: JsonObject
) -> None:
    assert parse({"messageId": "m1", "userId": "ana", **item}, call) == [
        accepted(CustomerEvent(at=NOW, name=name, properties=properties))
    ]


def test_the_events_time_is_corrected_by_the_senders_clock() -> None:
    item: JsonObject = {
        "messageId": "m1",
        "userId": "ana",
        "event": "E",
        "originalTimestamp": "2026-03-02T11:59:30Z",
        "timestamp": "2020-01-01T00:00:00Z",
    }
    envelope = Envelope(sent_at="2026-03-02T12:00:00Z")
    happened = datetime(2026, 3, 2, 9, 59, 30, tzinfo=UTC)
    assert parse(item, "track", envelope) == [accepted(CustomerEvent(at=NOW, name="E", timestamp=happened))]


def test_a_time_that_cannot_be_read_does_not_cost_the_event() -> None:
    item: JsonObject = {"messageId": "m1", "userId": "ana", "event": "E", "timestamp": "yesterday"}
    assert parse(item, "track") == [accepted(CustomerEvent(at=NOW, name="E"))]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"userId": "ana", "event": "E"}, "type is none of alias, group, identify, page, screen, track"),
        ({"type": "delete", "userId": "ana"}, "type is none of alias, group, identify, page, screen, track"),
        ({"type": "track", "userId": "ana"}, "event is missing"),
        ({"type": "track", "userId": "ana", "event": " "}, "event is missing"),
        ({"type": "track", "userId": "ana", "event": "E" * 256}, "event is longer than 255 characters"),
        ({"type": "track", "event": "E"}, "userId and anonymousId are missing"),
        ({"type": "track", "userId": "u" * 256, "event": "E"}, "userId is longer than 255 characters"),
        ({"type": "group", "userId": "ana"}, "groupId is missing"),
        ({"type": "alias", "userId": "ana"}, "alias needs previousId and userId"),
        ({"type": "alias", "userId": "ana", "previousId": "ana"}, "previousId and userId are the same"),
        (
            {"type": "track", "userId": "ana", "event": "E", "properties": [1]},
            "not what Segment defines: Expected `object | null`, got `array` - at `$.properties`",
        ),
        (
            {"type": "track", "userId": {"id": 1}, "event": "E"},
            "not what Segment defines: Expected `int | float | str | null`, got `object` - at `$.userId`",
        ),
    ],
)
def test_a_bad_item_is_kept_with_its_reason(item: JsonObject, reason: str) -> None:
    assert reason_of(parse(item)) == reason


def test_a_rejected_item_is_kept_as_it_came() -> None:
    assert parse_item(b'{"type": "track",  "userId": "ana"}', Reception(received=NOW)) == [
        Rejected(at=NOW, reason="event is missing", raw='{"type": "track",  "userId": "ana"}')
    ]


def test_an_item_over_32_KB_is_rejected() -> None:
    item: JsonObject = {"type": "track", "userId": "ana", "event": "E", "properties": {"x": "x" * 32_768}}
    assert reason_of(parse(item)) == "larger than 32768 bytes"


def test_what_databases_cannot_hold_is_taken_out() -> None:
    item: JsonObject = {
        "messageId": "m1",
        "userId": "ana",
        "event": "E",
        "properties": {"text": "a\0b", "number": 12345678901234567890},
    }
    event = CustomerEvent(at=NOW, name="E", properties={"text": "ab", "number": 12345678901234567890.0})
    assert parse(item, "track") == [accepted(event)]


def test_an_id_with_a_NUL_is_refused() -> None:
    item: JsonObject = {"type": "track", "userId": "an\0a", "event": "E"}
    assert reason_of(parse(item)) == "userId holds a NUL character"


def test_what_is_nested_too_deep_is_rejected() -> None:
    nested: Json = 1
    for _ in range(33):
        nested = [nested]
    item: JsonObject = {"type": "track", "userId": "ana", "event": "E", "properties": {"x": nested}}
    assert reason_of(parse(item)) == "nested more than 32 levels deep"


def test_thousands_of_brackets_are_rejected() -> None:
    text = b'{"type":"track","userId":"ana","event":"E","properties":{"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}}"
    assert "recursion" in reason_of(parse_item(text, Reception(received=NOW)))


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    item: JsonObject = {
        "messageId": "m1",
        "userId": "ana",
        "event": "E",
        "properties": {"x": [[1] for _ in range(100)]},
    }
    event = CustomerEvent(at=NOW, name="E", properties={"x": [[1] for _ in range(100)]})
    assert parse(item, "track") == [accepted(event)]
