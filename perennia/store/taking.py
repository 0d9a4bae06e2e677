"""What becomes of the items of one post, decided in memory under the locks of everybody concerned."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from perennia.core.decisions import AccountTraitsChanged, CustomerEvent, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.store import strangers
from perennia.store.appending import Appending
from perennia.store.arrivals import Bells, remember_bare
from perennia.store.bodies import email_in, normal_address, state_of
from perennia.store.cast import Cast
from perennia.store.identities import ANONYMOUS, Name, point
from perennia.store.locking import LockedCustomer
from perennia.store.records import Accepted
from perennia.store.tables import customers


class Taking:
    """Takes items one after the other; `write` writes what came of them."""

    def __init__(self, connection: Connection, cast: Cast, bells: Bells, at: datetime) -> None:
        self._connection = connection
        self._cast = cast
        self._bells = bells
        self._at = at
        self._owners = {name.value: each.id for name, each in cast.by_name.items() if name.scope == ANONYMOUS}
        self._strange: dict[str, list[Accepted]] = {}
        self._links: dict[Name, str] = {}
        self._handed_over: list[str] = []
        self._bare: list[str] = []
        self._accounts_traits: dict[str, JsonObject] = {}
        self.appending = Appending(at)

    def take(self, item: Accepted) -> None:
        customer = self._whose(item)
        if customer is None:
            self._strange.setdefault(item.anonymous_id or "", []).append(item)
            return
        if item.anonymous_id is not None and item.kind == "contact":
            self.claim(customer, item.anonymous_id)
        self._take(customer, item)

    def claim(self, customer: LockedCustomer, device: str) -> None:
        """From here on the device is this contact's; so is what it did while nobody knew whose it was."""
        if self._owners.get(device) == customer.id:
            return
        self._owners[device] = self._links[Name(ANONYMOUS, device)] = customer.id
        if device in self._cast.claimed:
            self._handed_over.append(device)
        for item in (*self._cast.claimed.get(device, ()), *self._strange.pop(device, ())):
            self._take(customer, item)

    def join(self, contact: LockedCustomer, account: LockedCustomer, at: datetime, message_id: str | None) -> bool:
        """Makes the contact the account's and tells it what is known of it. False: nothing new."""
        if contact.account == account.id:
            return False
        contact.account = account.id
        told = AccountTraitsChanged(at=at, account=account.external_id, traits=self._traits_of(account))
        self.appending.append(contact, told, message_id)
        contact.ring()
        return True

    def customer(self, internal: str) -> LockedCustomer:
        return self._cast.by_id[internal]

    def write(self) -> tuple[str, ...]:
        """Returns whose bells were rung."""
        connection, at = self._connection, self._at
        strangers.hand_over(connection, self._handed_over)
        strangers.keep(connection, [item for device in self._strange.values() for item in device], at)
        point(connection, list(self._links.items()))
        remember_bare(connection, self._bare, at)
        return self.appending.write(connection)

    # --- one item of one customer ---

    def _whose(self, item: Accepted) -> LockedCustomer | None:
        if item.external_id is not None:
            return self._cast.by_name[Name(item.kind, item.external_id)]
        return self._cast.by_id.get(self._owners.get(item.anonymous_id or "", ""))

    def _take(self, customer: LockedCustomer, item: Accepted) -> None:
        """The message id goes to the first input that the item leaves; to the bare messages where it leaves none."""
        joined = item.account is not None and self.join(
            customer,
            self._cast.by_name[Name("account", item.account)],
            self._at if item.input is None else item.input.at,
            item.message_id,
        )
        message_id = None if joined else item.message_id
        match item.input:
            case CustomerEvent() as event:
                self._append(customer, event, message_id)
                self._tell_account(customer, event)
            case TraitsChanged() as changed:
                self._append(customer, changed, message_id)
                if (email := email_in(changed.traits)) is not None:
                    customer.address = normal_address(email)
            case None if not joined:
                self._bare.append(item.message_id)
            case None:
                pass

    def _append(self, customer: LockedCustomer, each: CustomerEvent | TraitsChanged, message_id: str | None) -> None:
        self.appending.append(customer, each, message_id)
        if self._bells.concerns(customer, each):
            customer.ring()

    # --- contacts and their accounts ---

    def _tell_account(self, contact: LockedCustomer, event: CustomerEvent) -> None:
        """A contact's event is its account's too. The copy has no message id: it exists as often as the original."""
        if contact.account is None:
            return
        properties = {**event.properties, "contact": contact.external_id}
        copy = msgspec.structs.replace(event, properties=properties)
        self._append(self._cast.by_id[contact.account], copy, None)

    def _traits_of(self, account: LockedCustomer) -> JsonObject:
        """What the account's last turn knew. What it has not read yet, its next turn tells all its contacts."""
        if account.is_new:
            return {}
        if account.id not in self._accounts_traits:
            state = self._connection.scalar(select(customers.c.state).where(customers.c.id == account.id))
            self._accounts_traits[account.id] = {} if state is None else dict(state_of(state).facts.traits)
        return self._accounts_traits[account.id]
