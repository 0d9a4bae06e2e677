"""Hypothesis strategies for the steps of playbooks, their conditions and expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import strategies as st

EVENTS = ["A", "B", "C", "D", "Stage Behind"]
SPANS = ["10m", "45m", "3h", "12h", "1d", "1d6h", "2bd", "1w"]
WINDOWS = ["30m", "6h", "1d", "3d"]
UNTIL = [
    {"until": "09:00"},
    {"until": "17:30", "on": ["tue", "fri"], "zone": "workspace"},
    {"until": "02:15", "spread": "10m"},
    {"until": "traits.d", "offset": "-1d6h"},
    {"until": "traits.d", "missing": "exit"},
    {"until": "traits.d", "offset": "2bd", "spread": "3h"},
]
WHERES = [None, "event.k == 1", "event.missing > 3"]
HOLD_OR_SKIP = st.sampled_from(["hold", "hold", "skip"])
BOOKS = st.sampled_from(["p1", "p2", "p3"])
ATOMS = st.one_of(
    st.builds("traits.x == {}".format, st.integers(0, 2)),
    st.builds('happened("{}")'.format, st.sampled_from(EVENTS)),
    st.builds('happened("{}", "{}")'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS)),
    st.builds('count("{}", "{}") >= {}'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS), st.integers(1, 3)),
    st.builds('idle("{}", "{}")'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS)),
    st.builds('total("{}", "n", "{}") > 3'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS)),
    st.builds('count("{}", "{}", "event.k == 1") >= 2'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS)),
    st.builds('idle(["A", "B"], "{}")'.format, st.sampled_from([*WINDOWS, "2bd"])),
    st.builds('{}(traits.d, "{}")'.format, st.sampled_from(["older", "within"]), st.sampled_from([*WINDOWS, "1bd"])),
    st.builds('in_stage("t", "{}", "{}")'.format, st.sampled_from(["s1", "s2"]), st.sampled_from(WINDOWS)),
    st.just("traits.missing > 3"),
    st.just('account.plan == "pro"'),
    st.just('in_segment("s")'),
    st.builds("health >= {}".format, st.sampled_from([30, 50, 100])),
    st.builds("answers.q.score {} 4".format, st.sampled_from(["==", "<", ">="])),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=3,
)

Step: TypeAlias = Mapping[str, object]


# What an expression may say that knows an enrollment.
INSIDE = st.one_of(EXPRESSIONS, st.just('!steps["email-1"].opened'))
TOLD = [
    {"opened": "email-1"},
    {"clicked": "email-1"},
    {"replied": "email-2"},
    {"task": "task-1"},
    {"answered": "q"},
]


def _event_condition(steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries(
        {"event": st.sampled_from(EVENTS), "where": st.sampled_from(WHERES), "then": steps},
        optional={"match": st.just("event.j")},
    )


def rule(more: Mapping[str, st.SearchStrategy[object]]) -> st.SearchStrategy[Step]:
    """A goal or an exit."""
    return st.one_of(
        st.fixed_dictionaries({"when": INSIDE, **more}),
        st.fixed_dictionaries({"event": st.sampled_from(EVENTS), "where": st.sampled_from(WHERES), **more}),
    )


def _when_condition(steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({"when": INSIDE, "then": steps})


def _all_condition(steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    parts = st.lists(
        st.one_of(
            st.fixed_dictionaries({"event": st.sampled_from(EVENTS)}),
            st.fixed_dictionaries({"when": EXPRESSIONS}),
            st.sampled_from(TOLD),
        ),
        min_size=1,
        max_size=3,
    )
    return st.fixed_dictionaries({"all": parts, "then": steps})


def _variant(share: float, steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({"share": st.just(share), "then": steps})


def _nested(steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    told: st.SearchStrategy[Step] = st.sampled_from(TOLD)
    conditions = st.one_of(_event_condition(steps), _when_condition(steps), _all_condition(steps), told)
    race = st.fixed_dictionaries(
        {
            "wait_for": st.lists(conditions, min_size=1, max_size=3),
            "up_to": st.sampled_from(SPANS),
            "since": st.sampled_from(["entry", "step"]),
            "else": steps,
        }
    )
    arm = st.fixed_dictionaries({"if": EXPRESSIONS, "then": steps})
    branch = st.fixed_dictionaries({"branch": st.lists(arm, min_size=1, max_size=2), "else": steps})
    split: st.SearchStrategy[Step] = st.one_of(
        [
            st.fixed_dictionaries(
                {"split": st.fixed_dictionaries({"a": _variant(a, steps), "b": _variant(100 - a, steps)})}
            )
            for a in (50, 100, 0.5)
        ]
    )
    ask = st.fixed_dictionaries(
        {
            "approve": st.just("May we?"),
            "within": st.sampled_from(SPANS),
            "on_timeout": st.sampled_from(["deny", "allow"]),
            "then": steps,
            "else": steps,
        }
    )
    return st.one_of(race, branch, split, _repeat(steps), ask)


def _after_an_emit(steps: list[Step]) -> list[Step]:
    return [{"emit": "R"}, *steps]


def _repeat(steps: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[Step]:
    rounds = st.fixed_dictionaries(
        {
            "every": st.sampled_from(["1h", "12h", "1d"]),
            "times": st.integers(1, 3),
            "until": EXPRESSIONS,
            "steps": steps.map(_after_an_emit),
        }
    )
    return st.fixed_dictionaries({"repeat": rounds})


SIMPLE: st.SearchStrategy[Step] = st.one_of(
    st.fixed_dictionaries({"email": st.sampled_from(["m1", "m2", "m3"])}),
    st.fixed_dictionaries(
        {
            "email": st.just("careful"),
            "hold": st.sampled_from(["0m", "5h", "2d", "5d"]),
            "on_quiet": HOLD_OR_SKIP,
            "on_cap": HOLD_OR_SKIP,
            "priority": st.sampled_from([20, 50, 95]),
        }
    ),
    st.fixed_dictionaries({"email": st.just("maybe"), "if": EXPRESSIONS}),
    st.fixed_dictionaries({"email": st.just("news"), "topic": st.just("news"), "on_failure": st.just("exit")}),
    st.fixed_dictionaries(
        {"email": st.just("receipt"), "transactional": st.just(True), "with": st.just({"x": "1 / traits.x"})}
    ),
    st.just({"email": "internal", "to": "owner"}),
    st.fixed_dictionaries({"wait": st.sampled_from(SPANS)}),
    st.fixed_dictionaries({"wait": st.sampled_from(UNTIL)}),
    st.fixed_dictionaries({"update": st.fixed_dictionaries({"x": st.sampled_from(["0", "1", "enter.k", None])})}),
    st.fixed_dictionaries(
        {"update": st.fixed_dictionaries({"d": st.sampled_from(['"2026-03-10"', '"2026-03-05T08:00:00Z"'])})}
    ),
    st.fixed_dictionaries(
        {"survey": st.just("q"), "wait": st.sampled_from([0, *SPANS]), "remind": st.sampled_from([[], ["3h", "2d"]])}
    ),
    st.fixed_dictionaries(
        {"task": st.just("Call"), "wait": st.booleans(), "due": st.sampled_from(SPANS)},
        optional={"escalate": st.fixed_dictionaries({"after": st.sampled_from(SPANS), "to": st.just("owner")})},
    ),
    st.fixed_dictionaries(
        {
            "crm": st.sampled_from([{"set": {"x": "1 / traits.x"}}, {"note": "n"}]),
            "on": st.sampled_from(["contact", "account"]),
        }
    ),
    st.fixed_dictionaries(
        {"webhook": st.just({"url": "https://example.com"}), "on_failure": st.sampled_from(["continue", "exit"])}
    ),
    st.just({"notify": "team", "text": "Look"}),
    st.fixed_dictionaries({"stage": st.fixed_dictionaries({"t": st.sampled_from(["s1", "s2", "s3"])})}),
    st.fixed_dictionaries({"emit": st.sampled_from([*EVENTS, "E"]), "with": st.just({"x": "traits.x"})}),
    st.just({"milestone": "met"}),
    st.fixed_dictionaries({"enroll": BOOKS, "wait": st.booleans()}),
    st.fixed_dictionaries({"unenroll": BOOKS}),
    st.just({"exit": "enough"}),
)
LEAF_STEPS = st.lists(SIMPLE, max_size=2)
INNER_STEPS = st.lists(st.one_of(SIMPLE, _nested(LEAF_STEPS)), max_size=2)
STEPS = st.lists(st.one_of(SIMPLE, SIMPLE, _nested(INNER_STEPS)), min_size=1, max_size=4)

# Conditions that are seldom true at the first event and often later.
FLIPPING = st.one_of(
    st.sampled_from(["traits.x == 1", "traits.x == 2", 'idle("A", "6h")', 'idle(["A", "B"], "1d")']),
    st.builds('count("{}", "3d") >= 2'.format, st.sampled_from(EVENTS)),
    st.builds('happened("{}")'.format, st.sampled_from(EVENTS)),
)
ENDING_EVENT: st.SearchStrategy[Step] = st.fixed_dictionaries(
    {"event": st.sampled_from(["A", "B"]), "where": st.sampled_from([None, None, "event.k == 1"])}
)
# Steps at which people stay for days, the second with a question under way.
LONG: st.SearchStrategy[Step] = st.sampled_from([{"wait": "3d"}, {"approve": "May we?", "within": "1w"}])
# Messages at short intervals: they are in each other's way.
LETTERS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.fixed_dictionaries({"email": st.sampled_from(["m1", "m2"]), "priority": st.sampled_from([20, 50, 95])}),
        st.fixed_dictionaries({"email": st.just("careful"), "hold": st.sampled_from(["5h", "2d", "5d"])}),
        st.fixed_dictionaries({"wait": st.sampled_from(["10m", "45m", "3h"])}),
    ),
    min_size=2,
    max_size=4,
)
# Conditions that an event makes true for hours, or untrue.
SWINGING = st.builds(
    '{}("{}", "{}")'.format,
    st.sampled_from(["happened", "idle"]),
    st.sampled_from(EVENTS[:3]),
    st.sampled_from(["6h", "1d"]),
)
# Conditions that time alone makes true, hours after an event or whatever happens.
RIPENING = st.one_of(
    st.builds('idle("{}", "{}")'.format, st.sampled_from(EVENTS), st.sampled_from(["30m", "6h", "1d"])),
    st.builds('happened("{0}") && !happened("{0}", "{1}")'.format, st.sampled_from(EVENTS), st.sampled_from(WINDOWS)),
    st.builds('in_stage("t", "s1", "{}")'.format, st.sampled_from(WINDOWS)),
)
# Steps that come again.
CIRCLES: st.SearchStrategy[Step] = st.fixed_dictionaries(
    {
        "repeat": st.fixed_dictionaries(
            {
                "every": st.sampled_from(["1h", "12h", "1d"]),
                "times": st.integers(2, 3),
                "steps": st.lists(
                    st.sampled_from([{"email": "m1"}, {"notify": "team", "text": "Look"}, {"task": "Call"}]),
                    min_size=1,
                    max_size=2,
                ),
            }
        )
    }
)
# What was known at entry decides days later.
MEMORIES: st.SearchStrategy[Step] = st.fixed_dictionaries(
    {
        "branch": st.lists(
            st.fixed_dictionaries(
                {"if": st.sampled_from(["enter.k == 1", 'enter.k == "1"', "enter.n > 2"]), "then": LEAF_STEPS}
            ),
            min_size=1,
            max_size=2,
        )
    }
)
# Events are all that these wait for.
LISTENING: st.SearchStrategy[Step] = st.fixed_dictionaries(
    {
        "wait_for": st.lists(
            st.fixed_dictionaries({"event": st.sampled_from(["B", "C", "D"]), "then": LEAF_STEPS}),
            min_size=1,
            max_size=2,
        ),
        "up_to": st.sampled_from(["3d", "1w"]),
    }
)
