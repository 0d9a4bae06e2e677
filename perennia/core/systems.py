"""What other systems are told: the CRM, a webhook's receiver, a channel of the team."""

from __future__ import annotations

from perennia.core.decisions import CallWebhook, Notify, Reason, WriteCrm
from perennia.core.deliberation import Deliberation
from perennia.core.effects import emit, origin, text_names
from perennia.core.json_values import Json, JsonObject
from perennia.core.nodes import CrmNode, NotifyNode, WebhookNode
from perennia.core.outcomes import Onward, Unworkable, skipped, unworkable, work_out
from perennia.core.state import Enrollment


def release_crm(run: Deliberation, node: CrmNode, enrollment: Enrollment) -> Onward | None:
    """Writes to the customer's own record or, of a contact, to its account's; without an account there is nothing to write to."""
    fields = work_out(run, enrollment, node.values)
    if isinstance(fields, Unworkable):
        return unworkable(run, enrollment, node, fields, called="field")
    ref = _ref(run, node)
    if ref is None:
        return skipped(run, enrollment, node, Reason.NO_RECIPIENT)
    effect = WriteCrm(
        **origin(run, node, enrollment),
        record=node.record or run.state.kind,
        ref=ref,
        write=node.write,
        text=node.text,
        fields=fields,
        context=text_names(run, enrollment),
    )
    written: Json = fields if node.write == "set" else node.text
    emit(run, enrollment, node, effect, {"crm": {node.write: written}, "record": effect.record})
    return None


def _ref(run: Deliberation, node: CrmNode) -> str | None:
    facts = run.state.facts
    if node.record is None or node.record == run.state.kind:
        return facts.ref
    account = None if facts.account is None else facts.account.get("id")
    return account if isinstance(account, str) else None


def release_webhook(run: Deliberation, node: WebhookNode, enrollment: Enrollment) -> None:
    call = node.step.webhook
    effect = CallWebhook(
        **origin(run, node, enrollment),
        url=call.url,
        method=call.method,
        headers=call.headers,
        body=call.body,
        customer={"kind": run.state.kind, "id": run.state.facts.ref},
        context=text_names(run, enrollment),
    )
    emit(run, enrollment, node, effect, {"webhook": call.url, "method": call.method})


def release_notice(run: Deliberation, node: NotifyNode, enrollment: Enrollment) -> None:
    step = node.step
    effect = Notify(
        **origin(run, node, enrollment), channel=step.notify, text=step.text, context=text_names(run, enrollment)
    )
    detail: JsonObject = {"notify": step.notify, "text": step.text}
    emit(run, enrollment, node, effect, detail)
