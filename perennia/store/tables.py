"""The tables. What is in them is reached through the store's acts alone; migrations bring a database to this shape."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from perennia.store.columns import Instant, RowNumber

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, *columns: Column[object], where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# Conditions of partial indexes, word for word: SQLite uses one only where the query repeats its condition literally.
HAS_BELL = text("customers.bell > 0")
IS_OPEN = text("effects.open")
IS_WAITING = text("(effects.open AND effects.waits_until IS NOT NULL)")
IS_SOFT = text("reports.bounce = 'soft'")
IS_HARM = text("(reports.what = 'complained' OR reports.bounce = 'hard')")
IS_OPEN_TASK = text("tasks.status = 'open'")

# --- customers and what happened to them ----------------------------------------------------------------------------

# `bell`: 0 quiet, 1 flagged without a doorbell (an effect ended: its completion wakes the workflow), 2 wants a doorbell.
# `state`, `watching`, `stages`, `enrollments` are JSON text; the last two repeat parts of the state, so that totals and
# pinned versions are counted in SQL. `address` is the normalised form of the last e-mail address that was accepted.
# `merged_into` names the customer that this one turned out to be. `next_seq` is the seq of the next input.
customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("account", Text, ForeignKey("customers.id")),
    Column("address", Text),
    Column("revision", Text),
    Column("next_seq", BigInteger, nullable=False, server_default="1"),
    Column("cursor", BigInteger, nullable=False, server_default="0"),
    Column("bell", SmallInteger, nullable=False, server_default="0"),
    Column("rung_at", Instant),
    Column("wake_at", Instant),
    Column("watching", Text, nullable=False, server_default="[]"),
    Column("stages", Text, nullable=False, server_default="{}"),
    Column("enrollments", Text, nullable=False, server_default="[]"),
    Column("sweeps", Integer, nullable=False, server_default="0"),
    Column("sweep_after", Instant),
    Column("first_seen", Instant, nullable=False),
    Column("merged_into", Text, ForeignKey("customers.id")),
    Column("erased_at", Instant),
    Column("state", Text),  # last: SQLite reads through a long value to whatever comes after it
    UniqueConstraint("kind", "external_id"),
)
_partial("ix_customers_rung", customers.c.rung_at, where="bell > 0")
_partial("ix_customers_wake", customers.c.wake_at, where="wake_at IS NOT NULL")
_partial("ix_customers_account", customers.c.account, where="account IS NOT NULL")
_partial("ix_customers_merged", customers.c.merged_into, where="merged_into IS NOT NULL")
_partial("ix_customers_address", customers.c.address, where="address IS NOT NULL")
Index("ix_customers_first_seen", customers.c.first_seen, customers.c.id)

# Other names of contacts: `scope` is `contact` (an alias) or `anonymous` (a device's id before its person was known).
identities = Table(
    "identities",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Index("ix_identities_customer", "customer"),
)

# `message_id` is the sender's, null for what the store adds itself; `name` an event's, null for all else. `past` marks
# events that another customer lived through before it was merged into this one: absorbed, never acted upon.
inputs = Table(
    "inputs",
    metadata,
    Column("customer", Text, ForeignKey("customers.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("message_id", Text, unique=True),
    Column("name", Text),
    Column("past", Boolean, nullable=False, server_default=text("false")),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,  # read in order per customer, and one tree less to write
)

# What came from devices whose person is not known: the whole accepted item, until someone claims the device.
strangers = Table(
    "strangers",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("anonymous_id", Text, nullable=False, index=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)

# Messages that were accepted and left no input (a merge, a membership that was known): only for finding duplicates.
bare_messages = Table(
    "bare_messages",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

# `digest` is the hash of the raw item: a batch that is posted again does not fill the table.
rejected = Table(
    "rejected",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
)

# --- what a turn decides --------------------------------------------------------------------------------------------

# `waits_until`: before then no turn offers it, since its provider had no place for it.
effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("waits_until", Instant),
)
_partial("ix_effects_open", effects.c.customer, effects.c.at, where="open")
_partial("ix_effects_waiting", effects.c.waits_until, where="open AND waits_until IS NOT NULL")

# The send ledger: one row per idempotency key, from its reservation on. `counts_for` is the contact under whose caps the
# message takes a place, null for one that takes none (transactional, internal). `reference`: its name in what providers tell.
# `address`: where it went, as addresses are compared; null before it leaves, and where it goes to a colleague. `placed_on`: the
# day on which it takes a place at `provider`, where that is warming up.
messages = Table(
    "messages",
    metadata,
    Column("key", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("playbook", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("topic", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("provider", Text),
    Column("provider_id", Text),
    Column("released_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("ended_at", Instant),
    Column("counts_for", Text, ForeignKey("customers.id")),
    Column("priority", Integer, nullable=False, server_default="50"),
    Column("reference", Text, index=True),
    Column("sender", Text),
    Column("address", Text),
    Column("placed_on", Text),
)
Index("ix_messages_customer", messages.c.customer, messages.c.released_at)
Index("ix_messages_status", messages.c.status)
Index("ix_messages_released", messages.c.released_at)
_partial("ix_messages_counted", messages.c.counts_for, messages.c.released_at, where="counts_for IS NOT NULL")

# How many places are taken at a provider that is warming up, on a day in UTC, ISO text.
warm_ups = Table(
    "warm_ups",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("used", Integer, nullable=False),
)

# The same for what other systems are told. `target`: a channel, a record, a URL; `said`: what was told, JSON text.
deliveries = Table(
    "deliveries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("provider", Text),
    Column("provider_id", Text),
    Column("said", Text),
    Column("released_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("ended_at", Instant),
)
Index("ix_deliveries_customer", deliveries.c.customer, deliveries.c.released_at)

# Tries of messages and deliveries that did not end them, the same one after the other as one row: from `at` to `last_at`, so many
# `times`. `key`: theirs; `number`: from 1. `outcome`: what kind of failure; `said`: in our words, `reply`: in the provider's.
attempts = Table(
    "attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("provider", Text),
    Column("outcome", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("reply", Text),
)

# `kind`: task or approval. An approval's title is its question, its result the comment that it was answered with.
# `told_to`: the assignee who was told of it last; `telling_until`: somebody is about to tell, and until then nobody else does.
tasks = Table(
    "tasks",
    metadata,
    Column("key", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False, index=True),
    Column("playbook", Text, nullable=False),
    Column("enrollment", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text),
    Column("assignee", Text),
    Column("due", Instant),
    Column("priority", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("result", Text),
    Column("ended_by", Text),
    Column("opened_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("kind", Text, nullable=False, server_default="task"),
    Column("snoozed_until", Instant),
    Column("told_to", Text),
    Column("telling_until", Instant),
)
_partial("ix_tasks_open", tasks.c.opened_at, where="status = 'open'")

journal = Table(
    "journal",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("act", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("playbook", Text),
    Column("reason", Text),
    Column("body", Text, nullable=False),
)
Index("ix_journal_customer", journal.c.customer, journal.c.id)
# What `totals` counts, and nothing else.
_partial(
    "ix_journal_counted",
    journal.c.act,
    journal.c.playbook,
    journal.c.code,
    journal.c.reason,
    where="act IN ('entered', 'ended') OR code = 'skipped'",
)

# Answers to surveys, one row for each message that asked: the last answer to it. `key` is the message's, null where the
# answer came in by the API or by hand. `answers` (JSON) are those to the survey's other questions. Of an anonymous survey
# the row says that there was an answer, and nothing of it.
responses = Table(
    "responses",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False, index=True),
    Column("survey", Text, nullable=False),
    Column("key", Text, unique=True),
    Column("score", Float(53)),
    Column("comment", Text),
    Column("source", Text, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answers", Text, nullable=False, server_default="{}"),
    Column("partial", Boolean, nullable=False, server_default=text("false")),
    Index("ix_responses_survey", "survey", "at"),
)

# What other systems told of answers that could be given to nobody; `body` is what they sent, `response` the same for all that
# was told of one response.
unclaimed_answers = Table(
    "unclaimed_answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("survey", Text),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("response", Text),
)
_partial("ix_unclaimed_answers_response", unclaimed_answers.c.response, where="response IS NOT NULL")

# Anonymous answers, without order, time or author: all of one survey, of one `batch` (a month, or `waiting`) and of one
# `group` (the traits that the survey keeps, JSON) are one row, their list sorted by what they say.
anonymous_answers = Table(
    "anonymous_answers",
    metadata,
    Column("survey", Text, primary_key=True),
    Column("batch", Text, primary_key=True),
    Column("group", Text, primary_key=True),
    Column("answers", Text, nullable=False),
    sqlite_with_rowid=False,  # a row's number would tell which group answered first
)

# What providers tell of messages, in one list of words, with their own beside it (`raw`). `id` and `token` begin with the
# provider's name; `message` and `customer` are null where it is of no message of ours.
reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token", Text, unique=True),
    Column("provider", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("bounce", Text),
    Column("machine", Boolean, nullable=False),
    Column("message", Text),
    Column("customer", Text, ForeignKey("customers.id")),
    Column("address", Text),
    Column("at", Instant, nullable=False),
    Column("raw", Text, nullable=False),
)
Index("ix_reports_customer", reports.c.customer, reports.c.at)
_partial("ix_reports_message", reports.c.message, reports.c.at, where="message IS NOT NULL")
_partial("ix_reports_harm", reports.c.message, reports.c.what, where="what = 'complained' OR bounce = 'hard'")
_partial("ix_reports_soft", reports.c.address, reports.c.at, where="bounce = 'soft'")

# --- permission -----------------------------------------------------------------------------------------------------

consents = Table(
    "consents",
    metadata,
    Column("customer", Text, ForeignKey("customers.id"), primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("given", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
)

# What was ever said of topics, and how we know: a row for each statement. `act`: asked, given, withdrawn; `text`: the version of
# the text that the person saw; `proof`: JSON, as whoever sent it gave it.
consent_records = Table(
    "consent_records",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text),
    Column("proof", Text, nullable=False, server_default="{}"),
    Index("ix_consent_records_customer", "customer", "id"),
)

# Consents that wait to be confirmed. `mailed_at`: when the message with the link was asked for last; `open`: not answered yet.
consent_asks = Table(
    "consent_asks",
    metadata,
    Column("customer", Text, ForeignKey("customers.id"), primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("mailed_at", Instant, nullable=False),
    Column("open", Boolean, nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# How senders and topics stand with those who get their mail, where there is something to say: `kind` is sender or topic,
# `level` is good, warned or stopped, since `at`; the numbers are those that led to it. What was released before
# `counted_from` does not count: a person has looked at it. `told_at` null: nobody was told of the level yet.
reputations = Table(
    "reputations",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("complained", Integer, nullable=False),
    Column("bounced", Integer, nullable=False),
    Column("counted_from", Instant),
    Column("told_at", Instant),
)

# --- the catalog ----------------------------------------------------------------------------------------------------

documents = Table(
    "documents",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
)
Index("ix_documents_version", documents.c.version)

# The current revision is the one of the highest number. Before migration 0007, going back to former documents repeated an id.
# `reach` (JSON) says whom it concerns; those customers are rung in the order of their ids: `reach_after` is the last who was
# looked at, `reached` how many were rung, `reached_at` when that was over.
revisions = Table(
    "revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, index=True),
    Column("parent", Text),
    Column("published_at", Instant, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("triggers", Text, nullable=False),
    Column("reach", Text, nullable=False, server_default="{}"),
    Column("reach_after", Text),
    Column("reached", Integer, nullable=False, server_default="0"),
    Column("reached_at", Instant),
)
_partial("ix_revisions_unreached", revisions.c.number, where="reached_at IS NULL")

revision_documents = Table(
    "revision_documents",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, nullable=False),
)

# What was ordered for everybody in a playbook, with the revision it is part of; `map` is JSON.
playbook_orders = Table(
    "playbook_orders",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("playbook", Text, primary_key=True),
    Column("word", Text, nullable=False),
    Column("version", Text),
    Column("map", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_playbook_orders_playbook", "playbook", "number"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
