"""What is published in a scenario, and what its `publish` inputs make of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec

from perennia.catalog.public_holidays import with_dates
from perennia.catalog.scenario_models import PublishInput, Scenario
from perennia.core.compiled import Catalog, Rehearsal, compile_catalog
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.documents import Document
from perennia.core.playbook_orders import PlaybookOrder

AUTHOR = "scenario"


class Edition(NamedTuple):
    """``documents``: what is in force. ``past``: former playbooks. ``orders``: what was ordered for people in them."""

    documents: tuple[Document, ...]
    past: tuple[Document, ...] = ()
    orders: tuple[PlaybookOrder, ...] = ()
    number: int = 1

    def catalog(self, scenario: Scenario) -> Catalog:
        catalog = compile_catalog(f"scenario {self.number}", self.documents, self.past, self.orders)
        return replace(catalog, rehearsal=Rehearsal(variants=scenario.variants, holdouts=False))

    def followed_by(self, drafts: Sequence[Document], item: PublishInput, at: datetime) -> Edition:
        """This edition with ``drafts`` in place of what they replace; the mode is for all playbooks among them."""
        drafts = [msgspec.structs.replace(each, published_at=at) for each in drafts]
        replaced = {_place(each) for each in drafts}
        versions = {each.id: each.version for each in self.documents if each.kind == "playbook"}
        orders = [
            PlaybookOrder(
                number=self.number + 1,
                at=at,
                playbook=each.id,
                word=item.publish.mode,
                by=AUTHOR,
                version=each.version,
                map=item.publish.map,
            )
            for each in drafts
            if item.publish.mode != "pin" and each.kind == "playbook" and each.id in versions
        ]
        former = tuple(each for each in self.documents if each.kind == "playbook")
        return Edition(
            documents=(*(each for each in self.documents if _place(each) not in replaced), *drafts),
            past=(*self.past, *former),
            orders=(*self.orders, *orders),
            number=self.number + 1,
        )


def first_edition(documents: Sequence[Document], scenario: Scenario) -> Edition:
    """What is published when the scenario begins: its playbooks, everything else of the workspace, and its own policies."""
    wanted = scenario.playbooks
    kept = [each for each in documents if each.kind != "playbook" or not wanted or each.id in wanted]
    return Edition(_with_policies(kept, scenario))


def later_editions(
    first: Edition,
    scenario: Scenario,
    drafts: Mapping[str, Sequence[Document]],
    inputs: Sequence[tuple[datetime, PublishInput]],
) -> Iterator[tuple[datetime, Catalog]]:
    """The catalog from each publish on, in the order of their instants. ``drafts``: the documents of each file."""
    edition = first
    for at, item in sorted(inputs, key=lambda each: each[0]):
        published = drafts[item.publish.file]
        if any(each.kind == "policies" for each in published):
            published = _with_policies(published, scenario)
        edition = edition.followed_by(published, item, at)
        yield at, edition.catalog(scenario)


def _place(document: Document) -> tuple[str, str]:
    """What a document replaces: the policies are one, whatever they are called."""
    return document.kind, "" if document.kind == "policies" else document.id


def _with_policies(documents: Sequence[Document], scenario: Scenario) -> tuple[Document, ...]:
    """The documents with the scenario's own policies over those among them, or over none."""
    if scenario.policies is None:
        return tuple(documents)
    written = (Policies.model_validate_json(each.body) for each in documents if each.kind == "policies")
    changed = with_dates(scenario.policies.over(next(written, NO_POLICIES)))
    body = changed.model_dump_json(by_alias=True)
    others = (each for each in documents if each.kind != "policies")
    return (*others, Document(kind="policies", id=changed.policies, version="scenario", body=body))
