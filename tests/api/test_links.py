"""Links that only we can make."""

from __future__ import annotations

import base64

import pytest
from itsdangerous import URLSafeSerializer

from perennia.rendering.links import BadToken, Links, NoSigningKey

LINKS = Links("https://perennia.example/", ["new", "old"])


def token_of(links: Links, customer: str = "c1", topic: str = "tips") -> str:
    return links.unsubscribe_url(customer, topic).removeprefix("https://perennia.example/u/")


def test_a_link_tells_customer_and_topic() -> None:
    assert LINKS.read_unsubscribe(token_of(LINKS)) == ("c1", "tips")


def test_a_link_is_the_same_every_time() -> None:
    assert LINKS.unsubscribe_url("c1", "tips") == LINKS.unsubscribe_url("c1", "tips")


def test_a_link_stands_in_any_message_unchanged() -> None:
    assert set(token_of(LINKS, topic="ünïcode & more")) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    )


def test_a_link_signed_with_an_older_key_still_works() -> None:
    assert LINKS.read_unsubscribe(token_of(Links("https://perennia.example", ["old"]))) == ("c1", "tips")


def test_the_first_key_signs() -> None:
    assert Links("https://perennia.example", ["new"]).read_unsubscribe(token_of(LINKS)) == ("c1", "tips")


def test_a_key_that_was_removed_opens_nothing() -> None:
    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(token_of(Links("https://perennia.example", ["removed"])))


def test_somebody_elses_customer_cannot_be_put_in() -> None:
    _, _, signature = token_of(LINKS).rpartition(".")
    payload = base64.urlsafe_b64encode(b'["c2","tips"]').rstrip(b"=").decode()
    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(f"{payload}.{signature}")


def test_a_signature_made_with_sha1_is_refused() -> None:
    token = URLSafeSerializer("new", salt="perennia.unsubscribe").dumps(["c1", "tips"])
    assert isinstance(token, str)
    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(token)


@pytest.mark.parametrize("token", ["", ".", "x", "a.b", "é", "\0", ".." * 500])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(token)


@pytest.mark.parametrize("keys", [[], [""], ["new", ""]])
def test_there_must_be_a_key(keys: list[str]) -> None:
    with pytest.raises(NoSigningKey):
        Links("https://perennia.example", keys)
