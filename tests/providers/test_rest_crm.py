"""A CRM by configuration: what is sent for a template, what is read from an answer, and which configuration is wrong."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perennia.providers.failures import Misconfigured
from perennia.providers.rest_configuration import read_configuration
from perennia.providers.rest_values import instant_of, value_at, written

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ("{id}", 7),
        ("/party/{id}/x", "/party/7/x"),
        ({"name": "{text}", "of": ["{id}"]}, {"name": "Zoë", "of": [7]}),
        ("{since}", "2026-03-02T10:30:00Z"),
        ({"year": "{since.year}", "minute": "{since.minute}"}, {"year": 2026, "minute": 30}),
        ("{unheard}", "{unheard}"),
        (3, 3),
    ],
)
def test_names_in_a_template_become_values(template: Any, sent: Any) -> None:
    assert written(template, {"id": 7, "text": "Zoë", "since": AT}) == sent


def test_a_part_can_be_sent_as_encoded_json() -> None:
    sent = written({"base64url": [["code", "=", "{ref}"]]}, {"ref": 'a"b'})
    assert json.loads(base64.urlsafe_b64decode(sent)) == [["code", "=", 'a"b']]


def test_values_are_found_by_their_path() -> None:
    row = {"a": {"b": [1, {"c": 2}]}}
    assert (value_at(row, "a.b.1.c"), value_at(row, "a.x.c"), value_at(row, "")) == (2, None, row)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-02T10:30:00Z",
        "2026-03-02T10:30:00",
        1772447400,
        {"__class__": "datetime", "year": 2026, "month": 3, "day": 2, "hour": 10, "minute": 30},
    ],
)
def test_instants_are_read_in_every_form(value: Any) -> None:
    assert instant_of({"written": None, "made": value}, ["written", "made"]) == AT


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contacts: {}", "no section rest"),
        ("rest: [1", "cannot be read"),
        ("rest: {base: https://x, speed: 1}", "speed"),
        ("rest: {base: https://x, account: {key: code}}", "account"),
    ],
)
def test_a_wrong_configuration_says_where(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "crm.yaml").write_text(text)
    with pytest.raises(Misconfigured, match=says):
        read_configuration(tmp_path / "crm.yaml")
