"""How thoroughly properties are tried: the same sample every time in `make test`, others and many more in `make test-full`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sample",
    max_examples=40,
    deadline=None,
    # What lands must not depend on luck: new examples are looked for by the thorough profile.
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", settings.get_profile("sample"), max_examples=600, derandomize=False)
settings.load_profile(os.environ.get("PERENNIA_TEST_PROFILE", "sample"))
