import pytest

pytest.register_assert_rewrite("tests.providers.email_conformance", "tests.providers.crm_conformance")
