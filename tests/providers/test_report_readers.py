"""What "supported" means for reports: every reader takes what is signed, refuses the rest, and finds the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from deploy.simulator.hooks import (
    AT,
    CERTIFICATE_URL,
    POSTERS,
    TOPIC,
    Posted,
    Poster,
    Telling,
    mailgun,
    signed_by_sendgrid,
    signed_by_svix,
    sns,
    sns_certificate,
)
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import (
    BounceKind,
    Call,
    Happening,
    Report,
    ReportReader,
    Unreadable,
    Unsigned,
    report_reader,
)
from perennia.providers.ses_reports import SesReports

CLICKED = Telling("clicked")


@pytest.fixture(params=sorted(POSTERS))
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def poster(provider: str) -> Poster:
    return POSTERS[provider]


async def read(provider: str, posted: Posted, secret: str | None = None) -> Sequence[Report]:
    return await reader_of(provider, secret).read(Call(posted.headers, posted.body, AT))


def reader_of(provider: str, secret: str | None = None) -> ReportReader:
    """As an installation has it; but Amazon's certificate is at hand."""
    secret = secret or POSTERS[provider].secret
    return SesReports(secret, fetch=Internet().fetch) if provider == "ses" else report_reader(provider, secret)


@dataclass
class Internet:
    """Has Amazon's certificate, and remembers what it was asked for."""

    asked: list[str] = field(default_factory=list[str])

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return sns_certificate()


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


@pytest.mark.parametrize("provider", sorted(POSTERS.keys() - {"mailgun"}))  # whose key may be any text
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


# --- the others -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["sendgrid", "mailgun"])
async def test_what_a_machine_did_is_told_apart_where_the_provider_can(provider: str) -> None:
    (report,) = await read(provider, POSTERS[provider].post(replace(CLICKED, what="opened", machine=True)))
    assert report.machine


@pytest.mark.parametrize("provider", ["postmark", "sendgrid", "mailgun"])
async def test_who_unsubscribes_there_is_heard(provider: str) -> None:
    (report,) = await read(provider, POSTERS[provider].post(Telling("unsubscribed")))
    assert report.what is Happening.UNSUBSCRIBED


async def test_sendgrids_events_of_one_call_are_heard_whatever_one_of_them_is() -> None:
    body = '[{"event": "open", "email": 7, "sg_event_id": "a"}, {"odd": true}, {"event": "click", "sg_event_id": "b"}]'
    reports = await read("sendgrid", signed_by_sendgrid(CLICKED, body))
    assert [report.id for report in reports] == ["a", "b"]


async def test_sendgrids_call_whose_body_was_changed_is_not_taken() -> None:
    posted = POSTERS["sendgrid"].post(CLICKED)
    with pytest.raises(Unsigned):
        await read("sendgrid", replace(posted, body=posted.body.replace(b"ben@", b"eve@")))


async def test_sendgrids_own_example_is_verified() -> None:
    """The key, the signature and the body that its client libraries are tested with."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1"
        "flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    )
    signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
        b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
        b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
        b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
    )
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    (report,) = await read("sendgrid", Posted(body, headers), key)
    assert (report.recipient, report.what, report.bounce) == ("hello@world.com", Happening.BOUNCED, "hard")


async def test_mailguns_token_is_told_with_what_came_with_it() -> None:
    (first,) = await read("mailgun", mailgun(CLICKED, token="once"))
    (replayed,) = await read("mailgun", mailgun(replace(CLICKED, what="complained", id="forged"), token="once"))
    assert first.token == replayed.token


async def test_amazons_subscription_is_confirmed_where_it_is_our_topics() -> None:
    internet = Internet()
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    posted = sns(CLICKED, Type="SubscriptionConfirmation", Message="Confirm.", Token="t", SubscribeURL=url)
    assert await SesReports(TOPIC, fetch=internet.fetch).read(Call(posted.headers, posted.body, AT)) == []
    assert internet.asked == [CERTIFICATE_URL, url]


async def test_amazons_subscription_of_another_topic_is_not_confirmed() -> None:
    internet = Internet()
    posted = sns(CLICKED, Type="SubscriptionConfirmation", Message="Confirm.", Token="t", TopicArn=f"{TOPIC}-of-others")
    with pytest.raises(Unsigned):
        await SesReports(TOPIC, fetch=internet.fetch).read(Call(posted.headers, posted.body, AT))
    assert internet.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://evil.example/SimpleNotificationService-0.pem",
        "https://s3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/evil.pem",
        "https://evil@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    ],
)
async def test_a_certificate_from_elsewhere_is_not_fetched(url: str) -> None:
    internet = Internet()
    posted = POSTERS["ses"].post(CLICKED)
    body = posted.body.replace(CERTIFICATE_URL.encode(), url.encode())
    with pytest.raises(Unsigned):
        await SesReports(TOPIC, fetch=internet.fetch).read(Call(posted.headers, body, AT))
    assert internet.asked == []


async def test_amazons_call_whose_message_was_changed_is_not_taken() -> None:
    posted = POSTERS["ses"].post(CLICKED)
    with pytest.raises(Unsigned):
        await read("ses", replace(posted, body=posted.body.replace(b"ben@", b"eve@")))


async def test_amazons_own_words_tell_nothing() -> None:
    said = "Successfully validated SNS topic for Amazon SES event publishing."
    assert await read("ses", sns(CLICKED, Type="Notification", Message=said)) == []
