"""Pauses grow, are bounded and begin anew."""

from gateway_components.kube.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(first=1.0, longest=5.0)

    pauses = [backoff.next() for _ in range(50)]

    for pause, full in zip(pauses, [1.0, 2.0, 4.0, *[5.0] * 47], strict=True):
        assert 0.8 * full <= pause <= full
    backoff.reset()
    assert backoff.next() <= 1.0
