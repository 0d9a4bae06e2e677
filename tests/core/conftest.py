"""How thoroughly properties are tried: a sample in `make test`, many more in `make test-full`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sample",
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", settings.get_profile("sample"), max_examples=600)
settings.load_profile(os.environ.get("PERENNIA_TEST_PROFILE", "sample"))
