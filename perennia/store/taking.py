"""What becomes of the items of one post, decided in memory under the locks of everybody concerned."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, select

from perennia.core.account_news import account_as_told
from perennia.core.contacts import ROLES, roles_in
from perennia.core.decisions import AccountTraitsChanged, ContactChanged, CustomerEvent, Input, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.store import strangers
from perennia.store.appending import Appending
from perennia.store.arrivals import Bells, remember_bare
from perennia.store.bodies import email_in, input_of, normal_address, state_of
from perennia.store.cast import Cast
from perennia.store.identities import ANONYMOUS, Name, point
from perennia.store.locking import LockedCustomer
from perennia.store.records import Accepted
from perennia.store.tables import customers, inputs


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
        self._news: dict[str, AccountTraitsChanged] = {}
        self._roles: dict[str, tuple[str, ...]] = {}
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
        self.leave(contact, at)
        contact.account = account.id
        self.appending.append(contact, self._news_of(account, at), message_id)
        contact.ring()
        self._tell_of(account, contact, at, self._roles_of(contact))
        return True

    def leave(self, contact: LockedCustomer, at: datetime) -> None:
        """Tells the contact's account, if it has one, that it is one of its contacts no longer."""
        if contact.account is not None:
            self._tell_of(self._cast.by_id[contact.account], contact, at, None)

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
        """The message id goes to the first input that the item leaves; to the bare messages where it leaves none.

        Of somebody new the own traits come first: nobody is looked at before who they are is known.
        """
        message_id: str | None = item.message_id
        if customer.is_new and isinstance(item.input, TraitsChanged):
            self._change(customer, item.input, message_id)
            message_id = None
        if item.account is not None:
            account = self._cast.by_name[Name("account", item.account)]
            at = self._at if item.input is None else item.input.at
            message_id = None if self.join(customer, account, at, message_id) else message_id
        match item.input:
            case CustomerEvent() as event:
                self._append(customer, event, message_id)
                self._tell_account(customer, event)
            case TraitsChanged() as changed if not customer.is_new:
                self._change(customer, changed, message_id)
            case None if message_id is not None:
                self._bare.append(message_id)
            case _:
                pass

    def _change(self, customer: LockedCustomer, changed: TraitsChanged, message_id: str | None) -> None:
        self._append(customer, changed, message_id)
        self.tell_roles(customer, changed)
        if (email := email_in(changed.traits)) is not None:
            customer.address = normal_address(email)

    def _append(self, customer: LockedCustomer, each: Input, message_id: str | None) -> None:
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

    def tell_roles(self, contact: LockedCustomer, changed: TraitsChanged) -> None:
        """A contact's roles are its account's to know, too."""
        if contact.kind == "contact" and ROLES in changed.traits:
            self._roles[contact.id] = roles_in(changed.traits)
            if contact.account is not None:
                self._tell_of(self._cast.by_id[contact.account], contact, changed.at, self._roles[contact.id])

    def _tell_of(
        self, account: LockedCustomer, contact: LockedCustomer, at: datetime, roles: tuple[str, ...] | None
    ) -> None:
        told = ContactChanged(at=at, contact=contact.id, ref=contact.external_id, roles=roles)
        self._append(account, told, None)

    def _roles_of(self, contact: LockedCustomer) -> tuple[str, ...]:
        """As last accepted: by this post, by one that no turn has read yet, or as the last turn knew them."""
        if contact.id not in self._roles:
            self._roles[contact.id] = () if contact.is_new else roles_in(self._traits_of(contact))
        return self._roles[contact.id]

    def _traits_of(self, contact: LockedCustomer) -> JsonObject:
        rows = self._connection.execute(_TRAITS.where(customers.c.id == contact.id)).all()
        traits: JsonObject = {} if rows[0].state is None else dict(state_of(rows[0].state).facts.traits)
        for unread in (input_of(row.body) for row in rows if row.body is not None):
            if isinstance(unread, TraitsChanged):
                traits |= unread.traits
        return traits

    def _news_of(self, account: LockedCustomer, at: datetime) -> AccountTraitsChanged:
        """What the account's last turn knew. What it has not read yet, its next turn tells all its contacts."""
        if account.is_new:
            return AccountTraitsChanged(at=at, account=account.external_id, traits={})
        if account.id not in self._news:
            state = self._connection.scalar(select(customers.c.state).where(customers.c.id == account.id))
            known = AccountTraitsChanged(at=at, account=account.external_id, traits={})
            self._news[account.id] = known if state is None else account_as_told(state_of(state), at)
        return msgspec.structs.replace(self._news[account.id], at=at)


# A customer's state beside each input without a name that no turn has read, in their order.
_TRAITS = (
    select(customers.c.state, inputs.c.body)
    .outerjoin(
        inputs,
        and_(inputs.c.customer == customers.c.id, inputs.c.seq > customers.c.cursor, inputs.c.name.is_(None)),
    )
    .order_by(inputs.c.seq)
)
