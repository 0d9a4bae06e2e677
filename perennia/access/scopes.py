"""What a key may be used for: the list from which each route names what it asks for, and each key what it has."""

from __future__ import annotations

from enum import StrEnum


class KeyScope(StrEnum):
    """``:write`` is for what changes something; it does not include ``:read``."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    EVENTS_WRITE = "events:write"
    MESSAGES_READ = "messages:read"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    SURVEYS_READ = "surveys:read"
    SURVEYS_WRITE = "surveys:write"
    PERMISSION_READ = "permission:read"
    PERMISSION_WRITE = "permission:write"
    PRIVACY_READ = "privacy:read"
    PRIVACY_WRITE = "privacy:write"
    PLAYBOOKS_READ = "playbooks:read"
    PLAYBOOKS_WRITE = "playbooks:write"
    SENDING_READ = "sending:read"
    SENDING_WRITE = "sending:write"
    ENDPOINTS_READ = "endpoints:read"
    ENDPOINTS_WRITE = "endpoints:write"
    BROADCASTS_READ = "broadcasts:read"
    BROADCASTS_WRITE = "broadcasts:write"
    BROADCASTS_APPROVE = "broadcasts:approve"
    AUDIT_READ = "audit:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


# What each allows, in the words of docs/api.md and of the OpenAPI document.
ALLOWS: dict[KeyScope, str] = {
    KeyScope.CUSTOMERS_READ: "look at customers and segments, their state and why something was decided",
    KeyScope.CUSTOMERS_WRITE: "enroll and steer customers, set and lock their stages",
    KeyScope.EVENTS_WRITE: "send events: also as a write key of the Segment calls",
    KeyScope.MESSAGES_READ: "look at messages, and at what other systems were told",
    KeyScope.TASKS_READ: "look at tasks, approvals and whom they go to",
    KeyScope.TASKS_WRITE: "give, put aside and end tasks, answer approvals, say who is away",
    KeyScope.SURVEYS_READ: "look at answers to surveys and what they come to",
    KeyScope.SURVEYS_WRITE: "hand in answers to surveys",
    KeyScope.PERMISSION_READ: "look at consents and suppressed addresses",
    KeyScope.PERMISSION_WRITE: "tell of consents, suppress addresses and let them go",
    KeyScope.PRIVACY_READ: "hand out everything that is held of a customer",
    KeyScope.PRIVACY_WRITE: "erase customers",
    KeyScope.PLAYBOOKS_READ: "look at what is published, plan a publish",
    KeyScope.PLAYBOOKS_WRITE: "publish, roll back, pause and resume playbooks",
    KeyScope.SENDING_READ: "look at how senders and topics stand",
    KeyScope.SENDING_WRITE: "stop the mail of a sender or topic, and let it leave again",
    KeyScope.ENDPOINTS_READ: "look at endpoints of other systems, and at what they were told",
    KeyScope.ENDPOINTS_WRITE: "add, change, test, stop and replay endpoints",
    KeyScope.BROADCASTS_READ: "look at broadcasts, and how far they are",
    KeyScope.BROADCASTS_WRITE: "make broadcasts, start, hold and end them",
    KeyScope.BROADCASTS_APPROVE: "approve broadcasts that somebody else made",
    KeyScope.AUDIT_READ: "look at who did what",
    KeyScope.KEYS_READ: "look at API keys, never at their secrets",
    KeyScope.KEYS_WRITE: "make, change and revoke API keys, none with more than its own scopes",
}
EVERYTHING = frozenset(KeyScope)
