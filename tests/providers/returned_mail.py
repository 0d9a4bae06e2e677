"""What mail servers send back, in the forms that they write (RFC 3464, RFC 5965), about a message of ours.

``REFERENCE`` and ``RECIPIENT`` in it are the message's.
"""

from __future__ import annotations

from typing import Final

ORIGINAL: Final = """\
Return-Path: <bounces@mail.acme.example>
From: Ana <hello@acme.example>
To: RECIPIENT
Subject: Welcome
Message-ID: <REFERENCE@acme.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
"""

_REPORT: Final = """\
From: {sender}
To: bounces@mail.acme.example
Subject: {subject}
{headers}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2B.1/mx"

This is a MIME-encapsulated message.

--4F2B.1/mx
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

{words}

--4F2B.1/mx
Content-Description: Delivery report
Content-Type: message/delivery-status

{status}
--4F2B.1/mx
Content-Description: Undelivered Message
Content-Type: {returned}

{original}
--4F2B.1/mx--
"""


def dsn(
    status: str,
    sender: str = "MAILER-DAEMON@mx.example.org (Mail Delivery System)",
    subject: str = "Undelivered Mail Returned to Sender",
    headers: str = "Auto-Submitted: auto-replied\n",
    words: str = "I'm sorry to have to inform you that your message could not be delivered.",
    returned: str = "message/rfc822",
    original: str = ORIGINAL + "\nHello\n",
) -> str:
    return _REPORT.format(
        sender=sender,
        subject=subject,
        headers=headers,
        words=words,
        status=status,
        returned=returned,
        original=original,
    )


def failed(status: str, diagnostic: str, action: str = "failed") -> str:
    """The two groups of a report, as Postfix writes them."""
    return f"""\
Reporting-MTA: dns; mail.acme.example
X-Postfix-Queue-ID: 4F2B3C1A
Arrival-Date: Mon,  2 Mar 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; RECIPIENT
Original-Recipient: rfc822;RECIPIENT
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: {diagnostic}
"""


POSTFIX: Final = dsn(failed("5.1.1", "smtp; 550 5.1.1 <RECIPIENT>: Recipient address rejected: User unknown"))
POSTFIX_LATE: Final = dsn(
    failed("4.4.1", "X-Postfix; connect to mx.example.org[192.0.2.7]:25: Connection timed out", "delayed"),
    subject="Delayed Mail (still being retried)",
)
POSTFIX_GAVE_UP: Final = dsn(
    failed("4.4.1", "X-Postfix; connect to mx.example.org[192.0.2.7]:25: Connection timed out")
)
POSTFIX_DELIVERED: Final = dsn(
    failed("2.0.0", "smtp; 250 2.0.0 Ok", "delivered"), subject="Successful Mail Delivery Report"
)

# Exim knows the class only, and says the rest in the server's reply.
EXIM: Final = dsn(
    """\
Reporting-MTA: dns; mail.acme.example

Action: failed
Final-Recipient: rfc822;RECIPIENT
Status: 5.0.0
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550-5.1.1 The account that you tried to reach does not exist.
 550 5.1.1 https://support.example.org/?p=NoSuchUser
""",
    sender="Mail Delivery System <Mailer-Daemon@mail.acme.example>",
    subject="Mail delivery failed: returning message to sender",
    headers="X-Failed-Recipients: RECIPIENT\nAuto-Submitted: auto-replied\n",
)
EXIM_OLD: Final = """\
From: Mail Delivery System <Mailer-Daemon@mail.acme.example>
To: bounces@mail.acme.example
Subject: Mail delivery failed: returning message to sender
X-Failed-Recipients: RECIPIENT
Auto-Submitted: auto-replied

This message was created automatically by mail delivery software.

  RECIPIENT
    SMTP error from remote mail server after RCPT TO:<RECIPIENT>:
    550 unknown user
"""

OFFICE_365: Final = dsn(
    """\
Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;mail.acme.example
Arrival-Date: Mon, 2 Mar 2026 09:00:01 +0000

Final-Recipient: rfc822;RECIPIENT
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient RECIPIENT not found by SMTP address lookup
""",
    sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>",
    subject="Undeliverable: Welcome",
    headers="Auto-Submitted: auto-generated\nX-MS-Exchange-Message-Is-Ndr:\n",
)
OFFICE_365_FULL: Final = dsn(
    """\
Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com

Final-Recipient: rfc822;RECIPIENT
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded
"""
)
OFFICE_365_BLOCK: Final = dsn(
    failed("5.7.606", "smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.1]; see https://sender.office.com")
)

GMAIL: Final = dsn(
    """\
Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; hello@acme.example
Arrival-Date: Mon, 02 Mar 2026 01:00:00 -0800 (PST)
X-Original-Message-ID: <REFERENCE@acme.example>

Final-Recipient: rfc822; RECIPIENT
Action: failed
Status: 5.2.1
Diagnostic-Code: smtp; 550-5.2.1 The email account that you tried to reach is inactive. For more
 information, go to 550 5.2.1  https://support.google.com/mail/?p=DisabledUser
Last-Attempt-Date: Mon, 02 Mar 2026 01:00:01 -0800 (PST)
""",
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    subject="Delivery Status Notification (Failure)",
)
GMAIL_BLOCK: Final = dsn(
    failed(
        "5.7.26",
        "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated. 550 5.7.26 DKIM = did not pass",
    )
)

AMAZON_SES: Final = dsn(
    """\
Reporting-MTA: dns; a8-31.smtp-out.amazonses.com

Action: failed
Final-Recipient: rfc822; RECIPIENT
Diagnostic-Code: smtp; 550 5.1.1 user unknown
Status: 5.1.1
""",
    sender="MAILER-DAEMON@amazonses.com",
    subject="Delivery Status Notification (Failure)",
    headers="",
    returned="text/rfc822-headers",
    original=ORIGINAL,
)

# RFC 6533: of a message to an address with letters outside ASCII.
INTERNATIONAL: Final = dsn(
    """\
Reporting-MTA: dns; mail.acme.example

Final-Recipient: utf-8; bén@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
"""
).replace("message/delivery-status", "message/global-delivery-status")

# qmail's own form (QSBMF) says it for people.
QMAIL: Final = """\
From: MAILER-DAEMON@example.org
To: bounces@mail.acme.example
Subject: failure notice

Hi. This is the qmail-send program at example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<RECIPIENT>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <bounces@mail.acme.example>
Message-ID: <REFERENCE@acme.example>
"""

_FEEDBACK: Final = """\
From: {sender}
To: bounces@mail.acme.example
Subject: FW: Welcome
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="feedback"

--feedback
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from 192.0.2.1.

--feedback
Content-Type: message/feedback-report

{told}
--feedback
Content-Type: {returned}
Content-Disposition: inline

{original}

--feedback--
"""


def feedback(
    told: str,
    sender: str = "fbl@arf.mail.example.net",
    returned: str = "message/rfc822",
    original: str = ORIGINAL.replace("RECIPIENT", "[redacted]") + "\nHello\n",
) -> str:
    return _FEEDBACK.format(sender=sender, told=told, returned=returned, original=original)


ABUSE: Final = """\
Feedback-Type: abuse
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <bounces@mail.acme.example>
Original-Rcpt-To: redacted@yahoo.example
Received-Date: Mon, 02 Mar 2026 09:00:00 +0000
Reported-Domain: acme.example
"""
YAHOO: Final = feedback(ABUSE, "Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.example>")
AOL: Final = feedback(
    ABUSE.replace("Yahoo!-Mail-Feedback/2.0", "AOL SComp").replace("0.1", "0.1\nRedacted-Address: redacted"),
    "scomp@aol.example",
    returned="text/rfc822-headers",
    original=ORIGINAL.replace("RECIPIENT", "redacted"),
)
FRAUD: Final = feedback(ABUSE.replace("abuse", "fraud"))
NOT_SPAM: Final = feedback(ABUSE.replace("abuse", "not-spam"))

MICROSOFT: Final = f"""\
From: <staff@hotmail.com>
To: bounces@mail.acme.example
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="jmrp"

--jmrp
Content-Type: message/rfc822
Content-Disposition: inline

X-HmXmrOriginalRecipient: RECIPIENT
X-Message-Delivery: Vj0xLjE7dXM9MDtsPTA7
{ORIGINAL}
Hello

--jmrp--
"""

VACATION: Final = """\
From: Ben <RECIPIENT>
To: bounces@mail.acme.example
Subject: Out of office: Welcome
In-Reply-To: <REFERENCE@acme.example>
Auto-Submitted: auto-replied (vacation)

I am away until Monday.
"""
OLD_VACATION: Final = VACATION.replace("Auto-Submitted: auto-replied (vacation)", "Precedence: bulk")
ANSWER: Final = """\
From: Ben <RECIPIENT>
To: hello@acme.example
Subject: Re: Welcome
Message-ID: <CAF-1@mail.example.org>
In-Reply-To: <REFERENCE@acme.example>
References: <REFERENCE@acme.example>

Thanks, that helped!
"""
READ_RECEIPT: Final = (
    dsn(
        "Reporting-UA: mail.example.org\nOriginal-Message-ID: <REFERENCE@acme.example>\nDisposition: manual-action; displayed"
    )
    .replace("message/delivery-status", "message/disposition-notification")
    .replace("report-type=delivery-status", "report-type=disposition-notification")
)


def about(mail: str, reference: str, recipient: str = "ann@x.io") -> bytes:
    """The mail as it comes over the wire."""
    return mail.replace("REFERENCE", reference).replace("RECIPIENT", recipient).replace("\n", "\r\n").encode()
