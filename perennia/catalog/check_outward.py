"""What `check` says of work for people and of what other systems are told."""

from __future__ import annotations

import re
from typing import Final

from perennia.catalog.check_messages import check_text
from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.calendar import Span
from perennia.core.definitions import ApproveStep, CrmStep, NotifyStep, Playbook, TaskStep, WebhookStep
from perennia.core.json_values import Json
from perennia.core.outward_definitions import OWN_HEADERS

CRM_WRITES: Final = ("set", "note", "task", "stage")
# RFC 9110, 5.6.2.
HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check_task(inspection: Inspection, playbook: Playbook, path: Path, step: TaskStep) -> None:
    """Adds to the inspection's findings, like all here."""
    due = inspection.span((*path, "due"), step.due)
    check_text(inspection, playbook, (*path, "task"), step.task)
    check_text(inspection, playbook, (*path, "body"), step.body)
    if step.wait and step.due is None:
        message = 'without "due" this waits for somebody as long as the enrollment lives'
        inspection.warn_at_key((*path, "wait"), "endless-wait", message, 'add "due: SPAN"')
    if step.escalate is None:
        return
    after = inspection.span((*path, "escalate", "after"), step.escalate.after)
    if due is not None and after is not None and _is_shorter(after, due):
        message = "this task is escalated before it is due: both spans count from its opening"
        inspection.warn_at_key((*path, "escalate", "after"), "early-escalation", message, "make it longer")


def _is_shorter(one: Span, other: Span) -> bool:
    """Of two spans that can be compared without a calendar."""
    if one.business_days or other.business_days:
        return False
    return (one.days, one.exact) < (other.days, other.exact)


def check_approval(inspection: Inspection, playbook: Playbook, path: Path, step: ApproveStep) -> None:
    check_text(inspection, playbook, (*path, "approve"), step.approve)
    inspection.span((*path, "within"), step.within)
    if not step.then and not step.else_:
        message = 'the answer changes nothing: there is neither "then" nor "else"'
        inspection.warn_at_key((*path, "approve"), "idle-approval", message, 'write what follows under "then"')
    if step.within is None and step.on_timeout == "allow":
        message = 'without "within" there is no time limit, and "on_timeout" never applies'
        inspection.at_key((*path, "on_timeout"), "misplaced-key", message, 'add "within: SPAN"')
    elif step.within is None:
        message = 'without "within" this waits as long as the enrollment lives'
        inspection.warn_at_key((*path, "approve"), "endless-wait", message, 'add "within: SPAN"')


def check_crm(inspection: Inspection, playbook: Playbook, path: Path, step: CrmStep) -> None:
    """The values of ``set`` are expressions, which are looked at elsewhere."""
    write = step.crm
    told = [word for word in CRM_WRITES if getattr(write, word) is not None]
    if not told:
        inspection.at_key((*path, "crm"), "missing-key", "this does not say what to write", "one of: " + _words())
    for word in told[1:]:
        message = f'a crm step writes one thing, not "{told[0]}" and "{word}"'
        inspection.at_key((*path, "crm", word), "two-verbs", message, "make it two steps")
    if write.set is not None and not write.set:
        inspection.at_key((*path, "crm", "set"), "missing-key", '"set" sets nothing', "write {field: EXPR}")
    check_text(inspection, playbook, (*path, "crm", "note"), write.note)
    check_text(inspection, playbook, (*path, "crm", "task"), write.task)
    check_text(inspection, playbook, (*path, "crm", "stage"), write.stage)
    if write.on is not None and step.on is not None:
        inspection.at_key((*path, "on"), "duplicate-key", '"on" is said twice', "keep one of them")
    if playbook.scope == "account" and "contact" in (write.on, step.on):
        where = (*path, "on") if step.on else (*path, "crm", "on")
        inspection.at_value(where, "wrong-scope", "an account is no contact", "write account")


def _words() -> str:
    return ", ".join(CRM_WRITES)


def check_webhook(inspection: Inspection, playbook: Playbook, path: Path, step: WebhookStep) -> None:
    call, where = step.webhook, (*path, "webhook")
    check_text(inspection, playbook, (*where, "url"), call.url)
    if not re.match(r"https?://|\s*\{\{", call.url):
        inspection.at_value((*where, "url"), "bad-url", f'"{call.url}" is no web address', "begin it with https://")
    for name, value in call.headers.items():
        here = (*where, "headers", name)
        if not HEADER.fullmatch(name):
            inspection.at_key(here, "bad-header", f'"{name}" is no name of a header')
        elif name.lower() in OWN_HEADERS:
            inspection.at_key(here, "bad-header", f'the header "{name}" is written for you')
        check_text(inspection, playbook, here, value)
    _check_body(inspection, playbook, (*where, "body"), call.body)


def _check_body(inspection: Inspection, playbook: Playbook, path: Path, body: Json) -> None:
    match body:
        case str():
            check_text(inspection, playbook, path, body)
        case list():
            for index, part in enumerate(body):
                _check_body(inspection, playbook, (*path, index), part)
        case dict():
            for name, part in body.items():
                _check_body(inspection, playbook, (*path, name), part)
        case _:
            pass


def check_notice(inspection: Inspection, playbook: Playbook, path: Path, step: NotifyStep) -> None:
    """A channel can be told to be unknown only where the policies name the team's channels."""
    check_text(inspection, playbook, (*path, "text"), step.text)
    policies = inspection.known.policies
    if policies is not None and policies.channels and step.notify not in policies.channels:
        inspection.unknown((*path, "notify"), "channel", step.notify, policies.channels)
