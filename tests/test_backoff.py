"""Pauses grow with the tries; of corrections of drift the first few wait for nothing."""

from gateway_components.backoff import Backoff, Streak
from gateway_components.daemon.reconcile.ledger import CORRECTIONS, RIVAL_CORRECTIONS


def corrected(*times: float) -> Streak:
    corrections = CORRECTIONS
    for now in times:
        corrections = corrections.after(now)
    return corrections


def test_a_few_corrections_are_made_at_once() -> None:
    assert corrected().until is None
    assert corrected(0, 1, 2, 3).until is None


def test_from_the_fifth_correction_on_each_waits_longer() -> None:
    assert corrected(0, 1, 2, 3, 4).until == 6
    assert corrected(0, 1, 2, 3, 4, 6).until == 10
    assert corrected(*range(100)).until == 99 + 60, "but not for ever"


def test_a_rival_operator_is_left_alone_at_once() -> None:
    corrections = CORRECTIONS.after(0, least=RIVAL_CORRECTIONS)
    assert corrections.until == 8
    assert corrections.after(8, least=RIVAL_CORRECTIONS).until == 24


def test_corrections_after_a_quiet_time_start_over() -> None:
    assert corrected(0, 1, 2, 3, 4, 67).until is None


def test_a_pause_is_no_quiet_time() -> None:
    assert corrected(*range(20)).after(19 + 60 + 30).until == 19 + 60 + 30 + 60


def test_pauses_double_up_to_the_longest_and_start_over() -> None:
    backoff = Backoff(first=1.0, longest=5.0)

    pauses = [backoff.next() for _ in range(50)]

    for pause, full in zip(pauses, [1.0, 2.0, 4.0, *[5.0] * 47], strict=True):
        assert 0.8 * full <= pause <= full
    backoff.reset()
    assert backoff.next() <= 1.0
