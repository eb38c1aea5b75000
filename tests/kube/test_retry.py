"""What is tried again, and what is not."""

import pytest

from gateway_components.kube.errors import ApiError, retry_on_conflict

CONFLICT = ApiError(409, "Conflict", "the object has been modified")


class Attempts:
    def __init__(self, *errors: ApiError) -> None:
        self.errors = list(errors)
        self.made = 0

    async def __call__(self) -> int:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.made


async def test_who_was_too_late_tries_again() -> None:
    assert await retry_on_conflict(Attempts(CONFLICT, CONFLICT)) == 3


async def test_a_conflict_that_lasts_is_reported() -> None:
    attempts = Attempts(*[CONFLICT] * 9)

    with pytest.raises(ApiError, match="modified"):
        await retry_on_conflict(attempts)
    assert attempts.made == 5


async def test_another_refusal_is_reported_at_once() -> None:
    attempts = Attempts(ApiError(403, "Forbidden", "no"))

    with pytest.raises(ApiError, match="no"):
        await retry_on_conflict(attempts)
    assert attempts.made == 1
