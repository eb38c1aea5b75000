"""Identities as people read them."""

from gateway_components.identity import Identity


def test_an_identity_says_kind_namespace_and_name() -> None:
    assert str(Identity("Guard", "team", "pii")) == "Guard team/pii"


def test_the_identity_of_a_cluster_scoped_object_has_no_slash() -> None:
    assert str(Identity("Namespace", "", "team")) == "Namespace team"
