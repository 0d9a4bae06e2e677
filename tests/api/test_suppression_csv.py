"""The suppression list as CSV: other senders' exports are read, a bad row costs only itself, no cell becomes a formula."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perennia.api.suppression_csv import read_csv, write_csv
from perennia.store.permission_records import Suppression

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def addresses(text: str) -> list[tuple[str, str]]:
    return [(each.address, each.reason) for each in read_csv(text, NOW).rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("address,reason\nann@x.io,bounced\n", [("ann@x.io", "bounced")]),
        ("\ufeffEmail;Reason\r\nann@x.io;spam report\r\n", [("ann@x.io", "spam report")]),
        ("reason\temail address\ncomplained\tann@x.io", [("ann@x.io", "complained")]),
        ("ann@x.io\nben@x.io\n", [("ann@x.io", "imported"), ("ben@x.io", "imported")]),
        ('email,reason\n"ann@x.io","said, ""no"""\n\n', [("ann@x.io", 'said, "no"')]),
        ("address,reason\nann@x.io\n", [("ann@x.io", "imported")]),
        ("address\n", []),
        ("", []),
    ],
)
def test_exports_of_other_senders_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert addresses(text) == expected


def test_each_bad_row_is_named_with_its_line_and_the_others_are_taken() -> None:
    parsed = read_csv(
        f"address,reason,at\nann@x.io,,2025-12-24\nno address,,\n,x,\nben@x.io,,soon\ncleo@x.io,{'x' * 201},\ndan@x.io,,\n",
        NOW,
    )
    assert [(each.line, each.message) for each in parsed.errors] == [
        (3, "'no address' is no email address"),
        (4, "has no address"),
        (5, "'soon' is no date; write one like 2026-03-02"),
        (6, "the reason is longer than 200 characters"),
    ]
    assert [(each.address, each.at) for each in parsed.rows] == [
        ("ann@x.io", datetime(2025, 12, 24, tzinfo=UTC)),
        ("dan@x.io", NOW),
    ]


def test_a_quote_that_never_ends_is_told_with_its_line() -> None:
    parsed = read_csv('address\nann@x.io\n"ben@x.io\n', NOW)
    assert [each.address for each in parsed.rows] == ["ann@x.io"]
    assert "is no CSV" in parsed.errors[0].message


def test_a_date_in_the_future_is_now() -> None:
    assert read_csv("email,at\nann@x.io,2031-01-01T00:00:00Z\n", NOW).rows[0].at == NOW


@pytest.mark.parametrize(
    "cell", ["=cmd@x.io", "+1@x.io", "-1@x.io", "'=1@x.io", "''-a@x.io", "'quoted@x.io", "plain@x.io"]
)
def test_no_cell_is_a_formula_and_what_is_exported_comes_back_as_it_was(cell: str) -> None:
    text = write_csv([Suppression(address=cell, reason="=HYPERLINK(1)", at=NOW)], heading=True)
    row = text.splitlines()[1]
    assert row[0] not in "=+-@"
    assert ",'=HYPERLINK" in row
    assert addresses(text) == [(cell, "=HYPERLINK(1)")]
