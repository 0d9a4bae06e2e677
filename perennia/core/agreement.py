"""Two sides that each hold a customer's values, and are to hold the same: a merge of three, field by field.

What was last seen on both sides tells who has changed a value since. So what came from the other side is never sent back to
it, and a value that the other side keeps in a form of its own (in small letters, cut short) is no change twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from perennia.core.json_values import Json, JsonObject

Direction: TypeAlias = Literal["both", "in", "out"]
# Of each trait the marks of what we held, and of what they held, when both were last compared.
Seen: TypeAlias = dict[str, tuple[str, str]]

NOTHING = ""


class Rule(NamedTuple):
    """``trait`` of ours is ``field`` of theirs. ``in``: only theirs is taken; ``out``: only ours is given.

    ``theirs_wins``: where both have changed, or both hold something when they are first compared.
    """

    trait: str
    field: str
    direction: Direction = "both"
    theirs_wins: bool = True


class Agreed(NamedTuple):
    """``inward``: traits to be taken, None to remove one. ``outward``: fields to be given, None to empty one.

    ``seen``: what holds once both are done; ``before``: the same without what goes outward, should that be refused.
    """

    inward: JsonObject
    outward: JsonObject
    seen: Seen
    before: Seen


def agree(rules: Iterable[Rule], ours: Mapping[str, Json], theirs: Mapping[str, Json], seen: Seen) -> Agreed:
    """What has to go where, so that both sides hold the same. ``ours`` by trait, ``theirs`` by field."""
    inward: JsonObject = {}
    outward: JsonObject = {}
    after: Seen = dict(seen)
    before: Seen = dict(seen)
    for rule in rules:
        mine, other = ours.get(rule.trait), theirs.get(rule.field)
        my_mark, other_mark = mark(mine), mark(other)
        match _way(rule, my_mark, other_mark, seen.get(rule.trait)):
            case "in":
                inward[rule.trait] = other if other_mark else None
                after[rule.trait] = before[rule.trait] = (other_mark, other_mark)
            case "out":
                outward[rule.field] = mine if my_mark else None
                after[rule.trait] = (my_mark, my_mark)
            case "equal":
                after[rule.trait] = before[rule.trait] = (my_mark, other_mark)
            case _:
                after.setdefault(rule.trait, (my_mark, other_mark))
    return Agreed(inward, outward, after, before)


def owed(rules: Iterable[Rule], ours: Mapping[str, Json], seen: Seen) -> bool:
    """Whether we hold something that the other side was not given yet, as far as can be told without asking it."""
    return any(
        rule.direction != "in" and mark(ours.get(rule.trait)) != seen.get(rule.trait, (NOTHING, NOTHING))[0]
        for rule in rules
    )


def _way(rule: Rule, mine: str, other: str, seen: tuple[str, str] | None) -> Literal["in", "out", "equal", "stay"]:
    if mine == other:
        return "equal"
    if seen is None:
        i_have, they_have = mine != NOTHING, other != NOTHING
    else:
        i_have, they_have = mine != seen[0], other != seen[1]
    wins_in = rule.direction == "in" or (rule.direction == "both" and (rule.theirs_wins or not i_have))
    if they_have and wins_in:
        return "in"
    return "out" if i_have and rule.direction != "in" else "stay"


def mark(value: Json) -> str:
    """Short, and the same for what means the same: nothing for what is empty. It tells little of the value to who reads it."""
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
