"""What `check` says of messages and texts: who they go to, about what, from whom, and which names they use."""

from __future__ import annotations

from perennia.catalog.findings import suggestion
from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES, ENROLLMENT_NAMES
from perennia.core.definitions import BUILT_IN_SURVEY, EmailStep, Playbook, Policies
from perennia.core.documents import TemplateBody
from perennia.core.outward_compiler import audience_of
from perennia.rendering import TemplateError, names_in
from perennia.rendering.messages import (
    CONFIRMATION_NAMES,
    DIGEST_NAMES,
    LAYOUT_NAMES,
    SURROUNDING_NAMES,
    names_of_each_form,
    printed_in,
)
from perennia.rendering.survey_links import LINKS, QUESTION
from perennia.rendering.text import compiled

# A decision hands its texts the account and the owner in either scope; an account is no contact.
TEXT_NAMES = {scope: names | ENROLLMENT_NAMES | {"account", "owner"} for scope, names in CUSTOMER_NAMES.items()}
CONFIRM = "confirm_url"
WAYS_OUT = frozenset({"unsubscribe_url", "preferences_url"})


def check_email(inspection: Inspection, playbook: Playbook, path: Path, step: EmailStep, *, asks: bool = False) -> None:
    """Adds to the inspection's findings. ``asks``: it is the message of a step that asks a survey."""
    verb, named = ("survey", "template") if asks else ("email", "email")
    template = None
    reached = frozenset({"contact"}) if audience_of(step.to) is not None else frozenset[str]()
    if step.email != BUILT_IN_SURVEY:
        names = reached | frozenset(step.with_) | ({LINKS, QUESTION} if asks else frozenset[str]())
        template = _check_template(inspection, playbook, (*path, named), step.email, names)
        if asks and template is not None and LINKS not in names_in(template):
            message = f'the template "{template.name}" has no {{{{ survey() }}}}: nobody could answer'
            inspection.at_value((*path, named), "no-survey-links", message)
    _check_recipient(inspection, playbook, path, step, verb)
    inspection.span((*path, "hold"), step.hold)
    if step.to == "owner" or step.transactional:
        for key in sorted({"hold", "on_cap", "on_quiet"} & step.model_fields_set):
            message = f'"{key}" changes nothing: transactional mail and mail to the owner never wait'
            inspection.warn_at_key((*path, key), "no-effect", message, "leave it out")
        _check_no_way_out(inspection, (*path, named), template)
    topic = step.topic or playbook.topic
    if step.to != "owner" and not step.transactional:
        if topic is None:
            message = "this message has no topic and is not transactional"
            remedy = 'give it a "topic", or "transactional: true" if it needs no consent'
            inspection.at_key((*path, verb), "no-topic", message, remedy)
        elif template is not None and not has_way_out(template):
            message = (
                f'the template "{template.name}" has no {{{{ unsubscribe_url }}}} and no {{{{ preferences_url }}}}'
            )
            remedy = "a message with a topic needs one of them, in itself or its layout"
            inspection.at_value((*path, named), "no-way-out", message, remedy)
    if inspection.known.policies is not None:
        _check_policies(inspection, inspection.known.policies, path, step, verb)


def check_text(inspection: Inspection, playbook: Playbook, path: Path, text: str | None) -> None:
    """A text of a task: its syntax, and that every name in it exists."""
    if text is None:
        return
    try:
        used = compiled(text, "none", "text").names
    except TemplateError as error:
        message, remedy = error.said()
        offset = sum(len(line) + 1 for line in text.split("\n")[: error.line - 1]) + error.column(text) - 1
        inspection.at_value(path, "bad-template", message, remedy, min(offset, len(text)))
        return
    known = TEXT_NAMES[playbook.scope]
    for name in sorted(used - known):
        message = f'no text of this playbook knows the name "{name}"'
        inspection.at_value(path, "unknown-name", message, suggestion(name, known), max(text.find(name), 0))


def _check_no_way_out(inspection: Inspection, path: Path, template: TemplateBody | None) -> None:
    """Nobody unsubscribes from transactional or internal mail: what prints such a link prints nothing there."""
    if template is None:
        return
    for name in sorted(WAYS_OUT & printed_in(template)):
        message = f'the template "{template.name}" prints {{{{ {name} }}}}, which is empty here'
        remedy = f"this message is transactional or to the owner: put {{% if {name} %}} around it"
        inspection.warn_at_value(path, "no-link-here", message, remedy, 0)


def check_confirmation(inspection: Inspection, path: Path, wanted: str) -> None:
    """The template of a message that asks to confirm a consent: it has the link, and no name that the message has not."""
    template = _known_template(inspection, path, wanted)
    if template is None:
        return
    _check_names(inspection, path, template, SURROUNDING_NAMES | CONFIRMATION_NAMES)
    _check_no_way_out(inspection, path, template)
    if any(CONFIRM not in names for names in names_of_each_form(template)):
        message = f'the template "{wanted}" has no {{{{ confirm_url }}}}: nobody could confirm'
        inspection.at_value(path, "no-confirm-link", message)


def check_digest(inspection: Inspection, path: Path, wanted: str) -> None:
    """What the messages of a topic are put into: it prints them, leads to a way out, and is no Markdown."""
    template = _known_template(inspection, path, wanted)
    if template is None:
        return
    _check_names(inspection, path, template, SURROUNDING_NAMES | DIGEST_NAMES)
    if any("messages" not in names for names in names_of_each_form(template)):
        message = f'the template "{wanted}" does not name "messages": nobody would see them'
        inspection.at_value(path, "no-messages", message, "print {{ each.html }} for each of messages")
    if not has_way_out(template):
        message = f'the template "{wanted}" has no {{{{ unsubscribe_url }}}} and no {{{{ preferences_url }}}}'
        inspection.at_value(path, "no-way-out", message, "a digest needs one of them, in itself or its layout")
    if any(ending.rpartition(".")[2] == "md" for ending in template.files):
        message = f'the template "{wanted}" is Markdown, in which the HTML of messages is only text'
        inspection.at_value(path, "bad-template", message, "write it as .html or .mjml")


def has_way_out(template: TemplateBody) -> bool:
    """Whether the message links to unsubscribing, or to preferences, in every language, in itself or in its layout."""
    return not any(WAYS_OUT.isdisjoint(names) for names in names_of_each_form(template))


def _check_template(
    inspection: Inspection, playbook: Playbook, path: Path, wanted: str, own: frozenset[str]
) -> TemplateBody | None:
    template = _known_template(inspection, path, wanted)
    if template is not None:
        _check_names(inspection, path, template, TEXT_NAMES[playbook.scope] | SURROUNDING_NAMES | own)
    return template


def _known_template(inspection: Inspection, path: Path, wanted: str) -> TemplateBody | None:
    template = inspection.known.templates.get(wanted)
    if template is None and ("template", wanted) not in inspection.known.broken:
        inspection.unknown(path, "template", wanted, inspection.known.templates)
    return template


def _check_names(inspection: Inspection, path: Path, template: TemplateBody, known: frozenset[str]) -> None:
    for name in sorted(names_in(template) - known - LAYOUT_NAMES):
        message = f'the template "{template.name}" uses the name "{name}", which this message does not have'
        inspection.at_value(path, "unknown-name", message, suggestion(name, known))


def _check_recipient(inspection: Inspection, playbook: Playbook, path: Path, step: EmailStep, verb: str) -> None:
    if playbook.scope == "contact":
        if audience_of(step.to) is not None:
            message = "a contact has no contacts: roles and all are an account's"
            inspection.at_key((*path, "to"), "wrong-scope", message, "write contact or owner")
    elif step.to is None:
        message = 'in account scope a message must say whom it goes to: "to"'
        inspection.at_key((*path, verb), "no-recipient", message, 'add "to: owner", "to: all" or "to: {role: NAME}"')
    elif step.to == "contact":
        remedy = "write owner, all or {role: NAME}"
        inspection.at_value((*path, "to"), "wrong-scope", "an account is no contact", remedy)


def _check_policies(inspection: Inspection, policies: Policies, path: Path, step: EmailStep, verb: str) -> None:
    if step.topic is not None and step.topic not in policies.topics:
        inspection.unknown((*path, "topic"), "topic", step.topic, policies.topics)
    if step.from_ is None:
        if policies.default_sender is None:
            message = "this message has no sender"
            remedy = 'give the policies a "default_sender", or this step a "from"'
            inspection.warn_at_key((*path, verb), "no-sender", message, remedy)
    elif step.from_ != "owner" and step.from_ not in policies.senders:
        inspection.unknown((*path, "from"), "sender", step.from_, [*policies.senders, "owner"])
