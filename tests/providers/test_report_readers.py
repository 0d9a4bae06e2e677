"""What "supported" means for reports: every reader takes what is signed, refuses the rest, and finds the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.simulator.hooks import AT, POSTERS, Posted, Poster, Telling, signed_by_svix
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Happening, Report, Unreadable, Unsigned, report_reader

CLICKED = Telling("clicked")


@pytest.fixture(params=sorted(POSTERS))
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def poster(provider: str) -> Poster:
    return POSTERS[provider]


async def read(provider: str, posted: Posted, secret: str | None = None) -> Sequence[Report]:
    reader = report_reader(provider, secret or POSTERS[provider].secret)
    return await reader.read(Call(posted.headers, posted.body, AT))


async def test_a_report_names_the_message_the_recipient_and_what_happened(provider: str, poster: Poster) -> None:
    (report,) = await read(provider, poster.post(CLICKED))
    assert (report.reference, report.recipient, report.what) == ("0f3a", "ben@example.org", Happening.CLICKED)


@pytest.mark.parametrize("what", ["deferred", "delivered", "complained", "opened", "clicked"])
async def test_what_every_provider_tells_is_called_the_same(provider: str, poster: Poster, what: str) -> None:
    (report,) = await read(provider, poster.post(Telling(what)))
    assert report.what == what


@pytest.mark.parametrize("kind", ["hard", "soft", "block"])
async def test_a_bounce_is_hard_soft_or_a_block(provider: str, poster: Poster, kind: BounceKind) -> None:
    (report,) = await read(provider, poster.post(Telling("bounced", bounce=kind)))
    assert (report.what, report.bounce) == (Happening.BOUNCED, kind)


async def test_what_is_told_again_has_the_same_name(provider: str, poster: Poster) -> None:
    (first,) = await read(provider, poster.post(CLICKED))
    (again,) = await read(provider, poster.post(CLICKED))
    (other,) = await read(provider, poster.post(Telling("clicked", id="told-2")))
    assert first.id == again.id != other.id


async def test_the_providers_own_words_are_kept(provider: str, poster: Poster) -> None:
    (report,) = await read(provider, poster.post(CLICKED))
    assert "ben@example.org" in report.raw


async def test_a_message_that_is_none_of_ours_has_no_reference(provider: str, poster: Poster) -> None:
    (report,) = await read(provider, poster.post(replace(CLICKED, reference=None)))
    assert report.reference is None


async def test_what_tells_nothing_of_messages_is_taken_and_tells_nothing(provider: str, poster: Poster) -> None:
    assert await read(provider, poster.post(Telling("something.new"))) == []


async def test_a_call_signed_with_another_secret_is_not_taken(provider: str, poster: Poster) -> None:
    with pytest.raises(Unsigned):
        await read(provider, poster.post(CLICKED), poster.stranger)


async def test_a_call_that_is_not_signed_is_not_taken(provider: str, poster: Poster) -> None:
    with pytest.raises(Unsigned):
        await read(provider, Posted(unsigned(poster.post(CLICKED).body)))


def unsigned(body: bytes) -> bytes:
    return body.replace(b'"signature"', b'"signed"').replace(b'"Signature"', b'"Signed"')


async def test_no_error_of_a_secret_holds_it(provider: str) -> None:
    with pytest.raises(Misconfigured) as failure:
        report_reader(provider, "hunter2!")
    assert "hunter2" not in str(failure.value)


def test_a_provider_that_nobody_reads_is_a_misconfiguration() -> None:
    with pytest.raises(Misconfigured, match=r"there are: .*resend"):
        report_reader("pigeon", "secret")


# --- Resend ---------------------------------------------------------------------------------------------------------


async def test_resends_call_whose_body_was_changed_is_not_taken() -> None:
    posted = POSTERS["resend"].post(CLICKED)
    with pytest.raises(Unsigned):
        await read("resend", replace(posted, body=posted.body.replace(b"ben@", b"eve@")))


@pytest.mark.parametrize("ago", [timedelta(minutes=-6), timedelta(minutes=6)])
async def test_resends_call_from_another_time_is_not_taken(ago: timedelta) -> None:
    with pytest.raises(Unsigned):
        await read("resend", POSTERS["resend"].post(replace(CLICKED, at=AT - ago)))


async def test_resends_secret_may_be_changed_while_both_are_known() -> None:
    both = f"{POSTERS['resend'].stranger} {POSTERS['resend'].secret}"
    assert len(await read("resend", POSTERS["resend"].post(CLICKED), both)) == 1


async def test_resends_signed_nonsense_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        await read("resend", signed_by_svix(CLICKED, "[1, 2"))
