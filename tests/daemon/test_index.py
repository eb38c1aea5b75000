"""The index of references, both ways."""

from gateway_components.daemon.index import Index


def test_referrers_follow_what_a_key_refers_to() -> None:
    index: Index[str, str] = Index()
    index.set("a", ["x", "y"])
    index.set("b", ["y"])

    assert index.referrers("x") == {"a"}
    assert index.referrers("y") == {"a", "b"}

    index.set("a", ["z"])
    assert index.referrers("x") == frozenset()
    assert index.referrers("y") == {"b"}
    assert index.references("a") == {"z"}


def test_a_key_that_refers_to_nothing_leaves_nothing_behind() -> None:
    index: Index[str, str] = Index()
    index.set("a", ["x"])
    index.set("a", [])

    assert index.references("a") == frozenset()
    assert vars(index) == vars(Index())
