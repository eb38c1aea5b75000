"""The kept schema is that of the installed package."""

import pytest

from tools.litellm_schema import SCHEMA, litellm_schema


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_schema_is_the_one_that_the_package_gives() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == litellm_schema(), "out of date: run `make schema`"
