"""Who changes a gateway's objects again and again waits longer each time; a single correction waits for nothing."""

from gateway_components.daemon.fights import Fights
from gateway_components.plan.keys import GatewayKey

KEY, OTHER = GatewayKey("AiGateway", "ns", "fought"), GatewayKey("AiGateway", "ns", "other")


def corrected(*times: float) -> Fights:
    fights = Fights()
    for now in times:
        fights.corrected(KEY, now)
    return fights


def test_a_few_corrections_are_made_at_once() -> None:
    assert corrected().until(KEY) is None
    assert corrected(0, 1, 2, 3).until(KEY) is None


def test_from_the_fifth_on_each_waits_longer() -> None:
    assert corrected(0, 1, 2, 3, 4).until(KEY) == 6
    assert corrected(0, 1, 2, 3, 4, 6).until(KEY) == 10
    assert corrected(*range(100)).until(KEY) == 99 + 60, "but not for ever"


def test_another_gateway_does_not_wait() -> None:
    assert corrected(*range(10)).until(OTHER) is None


def test_a_fight_that_is_over_is_forgotten() -> None:
    assert corrected(0, 1, 2, 3, 4, 67).until(KEY) is None
    fights = corrected(*range(10))
    fights.forget(KEY)
    assert fights.until(KEY) is None


def test_a_pause_is_no_end_of_a_fight() -> None:
    long = corrected(*range(20))
    long.corrected(KEY, 19 + 60 + 30)
    assert long.until(KEY) == 19 + 60 + 30 + 60
