"""Which words customers' data uses: names of events and of traits. What `check` holds definitions against."""

from __future__ import annotations

from sqlalchemy import Connection, String, func, literal_column, select, text

from perennia.store.records import Words
from perennia.store.tables import customers, inputs

_events = select(inputs.c.name).where(inputs.c.name.is_not(None)).distinct()


def words(connection: Connection) -> Words:
    """`Store.words`. Reads every customer and every input once."""
    traits: dict[str, set[str]] = {"contact": set(), "account": set()}
    if connection.dialect.name == "sqlite":
        each = func.json_each(customers.c.state, "$.facts.traits").table_valued("key", name="each")
    else:
        told = func.json_object_keys(literal_column("customers.state::json #> '{facts,traits}'"))
        each = told.table_valued("key", name="each").render_derived()
    statement = (
        select(customers.c.kind, each.c.key.cast(String))
        .select_from(customers.join(each, text("true")))
        .where(customers.c.state.is_not(None))
        .distinct()
    )
    for kind, trait in connection.execute(statement):
        traits[kind].add(trait)
    return Words(
        events=frozenset(connection.scalars(_events)),
        contact_traits=frozenset(traits["contact"]),
        account_traits=frozenset(traits["account"]),
    )
