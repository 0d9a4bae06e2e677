"""Twenty-seven languages in a message, through a real SMTP conversation: what arrives is what was written."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from zoneinfo import ZoneInfo

import pytest

from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.providers.addresses import Mailbox
from perennia.providers.email import OutgoingEmail, email_provider
from perennia.rendering import Reader, RenderedMessage, Surroundings, render_message
from tests.support.smtp_server import Delivery, smtp_server

NOW = datetime(2026, 5, 5, 14, 30, tzinfo=UTC)
# Language, its direction, a subject, a sentence. Long words, combining marks, letters beyond the first plane, no blanks at all.
LANGUAGES = [
    (
        "ar",
        "rtl",
        "مرحبًا بك يا آنا في حسابك الجديد",
        "يمكنك الآن إنشاء أول تقرير لك، ثم مشاركته مع زملائك (PDF أو رابط).",
    ),
    ("bg", "ltr", "Добре дошли, Ана", "Вашият акаунт е готов; първият отчет отнема около час."),
    ("cs", "ltr", "Vítejte, příliš žluťoučký kůň", "Váš účet je připraven – první přehled vám zabere hodinu."),
    ("da", "ltr", "Velkommen, Ana, på æ ø å", "Din konto er klar, og din første rapport tager en time."),
    (
        "de",
        "ltr",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "Größe, Maß, ÄÖÜ.",
    ),
    ("el", "ltr", "Καλώς ήρθατε, Άννα", "Ο λογαριασμός σας είναι έτοιμος."),
    ("en", "ltr", "Welcome, Ana 🎉👩🏽‍💻", "Naïve café résumé: “quotes”, dashes — and a thumb 👍🏿."),
    ("es", "ltr", "¡Bienvenida, Ana!", "¿Qué informe quiere hacer primero? El de las mañanas."),
    ("fa", "rtl", "خوش آمدید، آنا", "حساب شما آماده است؛ نخستین گزارش را بسازید. می‌خواهید؟"),
    ("fi", "ltr", "Tervetuloa, lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas", "Tilisi on valmis."),
    ("fr", "ltr", "Bienvenue, Ana !", "Votre premier rapport vous attend : c’est l’affaire d’une heure."),
    ("he", "rtl", "ברוכה הבאה, אנה", "החשבון שלך מוכן (Example). שָׁלוֹם עם ניקוד."),
    ("hi", "ltr", "नमस्ते आना, आपका स्वागत है", "आपका खाता तैयार है। पहली रिपोर्ट में एक घंटा लगता है।"),
    ("hu", "ltr", "Üdvözöljük, Ana, árvíztűrő tükörfúrógép", "A fiókja elkészült."),
    ("id", "ltr", "Selamat datang, Ana", "Akun Anda sudah siap."),
    ("it", "ltr", "Benvenuta, Ana", "Il tuo account è pronto: il primo report è questione di un’ora."),
    (
        "ja",
        "ltr",
        "アナ様、エグザンプルへようこそ。最初のレポートは約一時間で完成します",
        "アカウントの準備ができました。𠮷野家、髙橋様。",
    ),
    ("ko", "ltr", "아나 님, 환영합니다", "계정이 준비되었습니다. 첫 보고서는 한 시간이면 됩니다."),
    ("nl", "ltr", "Welkom, Ana: kindercarnavalsoptochtvoorbereidingswerkzaamheden", "Uw account is klaar."),
    ("pl", "ltr", "Zażółć gęślą jaźń, Ano", "Twoje konto jest gotowe."),
    ("pt-BR", "ltr", "Bem-vinda, Ana", "Sua conta está pronta; o primeiro relatório leva uma hora."),
    ("ru", "ltr", "Добро пожаловать, Анна", "Ваша учётная запись готова."),
    ("th", "ltr", "ยินดีต้อนรับคุณอานาสู่บัญชีใหม่ของคุณที่พร้อมใช้งานแล้ว", "บัญชีของคุณพร้อมแล้วรายงานแรกใช้เวลาประมาณหนึ่งชั่วโมง"),
    ("tr", "ltr", "Hoş geldiniz, Ana: İıŞşĞğ", "Hesabınız hazır."),
    ("ur", "rtl", "خوش آمدید انا", "آپ کا اکاؤنٹ تیار ہے۔"),
    ("vi", "ltr", "Chào mừng Ana", "Tài khoản của bạn đã sẵn sàng. Tiếng Việt tổ hợp."),
    ("zh-Hant", "ltr", "安娜，歡迎使用我們的服務，第一份報告大約需要一個小時就可以完成", "您的帳戶已準備就緒。"),
]


def written(locale: str, subject: str, sentence: str) -> RenderedMessage:
    values = '{{ traits.mrr | money("EUR") }}, {{ traits.due | date("full") }}\n\n[{{ contact.first_name }}](https://a.example)'
    source = f"---\nsubject: '{subject}'\npreheader: '{sentence}'\n---\n{sentence}\n\n{values}\n"
    template = TemplateBody(name="t", files={f"{locale}.md": source})
    context: JsonObject = {"traits": {"mrr": 1234.5, "due": "2026-10-31"}, "contact": {"first_name": "Ana"}}
    reader = Reader(locale, ZoneInfo("Europe/Berlin"), NOW)
    surroundings = Surroundings({"name": "Example"}, reader=reader, unsubscribe_url="https://acme.example/u")
    return render_message(template, context, surroundings)


@pytest.fixture(scope="module")
def deliveries() -> dict[str, Delivery]:
    """What arrived, by language."""
    return asyncio.run(_delivered())


async def _delivered() -> dict[str, Delivery]:
    async with smtp_server() as server:
        provider = email_provider(f"smtp://127.0.0.1:{server.port}")
        for locale, _, subject, sentence in LANGUAGES:
            await provider.send(_outgoing(written(locale, subject, sentence), locale, subject))
        await provider.close()
        return {each.message["Message-ID"].strip("<>").partition("@")[0]: each for each in server.postbox.deliveries}


def _outgoing(message: RenderedMessage, locale: str, sender: str) -> OutgoingEmail:
    return OutgoingEmail(
        sender=Mailbox("hello@acme.example", sender),
        recipient=Mailbox("ana@example.com"),
        subject=message.subject,
        text=message.text,
        html=message.html,
        message_id=f"<{locale}@acme.example>",
        idempotency_key=locale,
        date=NOW,
        reply_to=Mailbox("sam@acme.example", sender),
    )


@pytest.mark.parametrize(("locale", "direction", "subject", "sentence"), LANGUAGES, ids=[each[0] for each in LANGUAGES])
def test_a_language_arrives_as_it_was_written(
    deliveries: dict[str, Delivery], locale: str, direction: str, subject: str, sentence: str
) -> None:
    message, arrived = written(locale, subject, sentence), deliveries[locale].message
    assert arrived["Subject"] == subject
    plain, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == message.text
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == (message.html or "").rstrip("\n")
    assert sentence in plain.get_content()
    assert f'<html lang="{locale}" dir="{direction}"' in html.get_content()


@pytest.mark.parametrize(
    ("locale", "name"), [(each[0], each[2]) for each in LANGUAGES], ids=[each[0] for each in LANGUAGES]
)
def test_a_senders_name_arrives_as_it_was_written(deliveries: dict[str, Delivery], locale: str, name: str) -> None:
    # Python's parser of addresses keeps the blank between two encoded words, which RFC 2047 does not (section 6.2).
    sender = message_from_bytes(deliveries[locale].source)["From"]
    assert str(make_header(decode_header(sender))) == f"{name} <hello@acme.example>"


@pytest.mark.parametrize("locale", [each[0] for each in LANGUAGES])
def test_every_line_on_the_wire_is_short_and_ascii(deliveries: dict[str, Delivery], locale: str) -> None:
    source = deliveries[locale].source
    assert source.isascii()
    head, _, body = source.partition(b"\r\n\r\n")
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    for line in head.split(b"\r\n"):
        # RFC 2047: a line with an encoded word has at most 76 characters, and each word stands on its own.
        assert len(line) <= (76 if b"=?" in line else 998)
        for word in re.findall(rb"=\?utf-8\?b\?[^?]+\?=", line):
            ((content, charset),) = decode_header(word.decode())
            assert isinstance(content, bytes)
            assert content.decode(charset or "ascii")
