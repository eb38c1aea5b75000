"""An item whose key somebody edited is made ours again, so that applying removes it; what others added stays theirs."""

from typing import Any

import pytest

from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.reclaim import reclaimed

PORT, OTHER_PORT, EXTRA = (f'k:{{"port":{number},"protocol":"TCP"}}' for number in (80, 81, 90))
ALL: dict[str, Any] = {".": {}, "f:name": {}, "f:port": {}}


def entry(manager: str, *ports: str, operation: str = "Update", **more: Any) -> dict[str, Any]:
    fields = {"f:spec": {"f:ports": dict.fromkeys(ports, ALL)}} if ports else {"f:spec": {"f:selector": {}}}
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def service(*ports: dict[str, Any], fields: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"managedFields": list(fields)},
        "spec": {"ports": list(ports), "selector": {"app": "a"}},
    }


def port(number: int, name: str = "http") -> dict[str, Any]:
    return {"name": name, "port": number, "protocol": "TCP"}


WANTED = service({"name": "http", "port": 80})
OURS = entry(FIELD_MANAGER, operation="Apply")
OURS_WITH_PORT = entry(FIELD_MANAGER, PORT, operation="Apply")


def owned(entries: list[dict[str, Any]] | None) -> dict[str, list[str]]:
    assert entries is not None
    return {one["manager"]: list(one["fieldsV1"]["f:spec"].get("f:ports", {})) for one in entries}


def test_an_item_with_another_key_becomes_ours() -> None:
    live = service(port(81), fields=(OURS, entry("kubectl-edit", OTHER_PORT)))

    assert owned(reclaimed(WANTED, live)) == {FIELD_MANAGER: [OTHER_PORT]}


def test_it_is_taken_from_everybody_who_wrote_it_and_nothing_else_is() -> None:
    live = service(
        port(81),
        port(90, "metrics"),
        fields=(OURS, entry("kubectl-edit", OTHER_PORT), entry("mesh", OTHER_PORT, EXTRA)),
    )

    assert owned(reclaimed(WANTED, live)) == {FIELD_MANAGER: [OTHER_PORT], "mesh": [EXTRA]}


CASES: tuple[tuple[dict[str, Any], str], ...] = (
    (service(port(80), fields=(OURS_WITH_PORT,)), "nothing was changed"),
    (
        service(port(80), port(90, "metrics"), fields=(OURS_WITH_PORT, entry("mesh", EXTRA))),
        "it stands beside ours",
    ),
    (
        service(port(90, "metrics"), fields=(OURS, entry("mesh", EXTRA))),
        "ours was removed, and this is another",
    ),
    (service(port(81), fields=(entry("kubectl-edit", OTHER_PORT),)), "we own nothing of it"),
    (service(port(81), fields=(OURS, entry("x", OTHER_PORT, subresource="status"))), "a controller says it"),
    ({"metadata": {}}, "nobody owns anything"),
)


@pytest.mark.parametrize(("live", "why"), CASES, ids=[why for _, why in CASES])
def test_what_is_not_ours_is_left_alone(live: dict[str, Any], why: str) -> None:
    assert reclaimed(WANTED, live) is None, why


def test_a_container_with_another_name_is_known_by_what_it_runs() -> None:
    container = {"image": "litellm:1", "command": ["litellm"], "env": [{"name": "A"}]}
    wanted = {"metadata": {}, "spec": {"containers": [{"name": "litellm", **container}]}}
    other = {"name": "other", **container, "imagePullPolicy": "Always", "env": [{"name": "B"}]}
    sidecar = {"name": "proxy", "image": "proxy:1"}
    names: dict[str, Any] = {'k:{"name":"other"}': {"f:image": {}}, 'k:{"name":"proxy"}': {"f:image": {}}}
    edited = {"manager": "edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:containers": names}}}
    live = {"metadata": {"managedFields": [OURS, edited]}, "spec": {"containers": [other, sidecar]}}

    found = reclaimed(wanted, live)

    assert found is not None
    assert list(found[0]["fieldsV1"]["f:spec"]["f:containers"]) == ['k:{"name":"other"}']
    assert list(found[1]["fieldsV1"]["f:spec"]["f:containers"]) == ['k:{"name":"proxy"}']
