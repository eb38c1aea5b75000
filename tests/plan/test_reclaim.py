"""An item whose key somebody edited is made ours again, so that applying removes it; what others added stays theirs."""

from typing import Any

import pytest

from gateway_components.plan import reclaim
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


def test_a_field_is_taken_from_all_who_wrote_it() -> None:
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


UID = "f00"
OWNED = {"uid": UID, "ownerReferences": [{"uid": UID}]}
REFERENCE: dict[str, Any] = {"f:ownerReferences": {".": {}, f'k:{{"uid":"{UID}"}}': {}}}
GO_HASH = "f:gateway.agentic-layer.ai/config-hash"
MADE = {
    "f:metadata": {"f:labels": {"f:app": {}}, **REFERENCE},
    "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:spec": {"f:containers": {}}}},
}


def written(fields: dict[str, Any], manager: str = "manager", **more: Any) -> dict[str, Any]:
    kept = {"apiVersion": "apps/v1", "fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z"}
    return {"manager": manager, "operation": "Update", **kept, "fieldsV1": fields, **more}


def inherited(*fields: dict[str, Any]) -> list[dict[str, Any]] | None:
    wanted = {"metadata": {"ownerReferences": [{"uid": UID}]}, "spec": {}}
    return reclaimed(wanted, {"metadata": {"managedFields": list(fields)}, "spec": {}})


def test_another_operators_fields_become_ours_except_replicas() -> None:
    status = written({"f:status": {}}, subresource="status")
    others = written({"f:metadata": {"f:labels": {"f:team": {}}}}, "kubectl-label")
    found = inherited(written(MADE), status, others)
    assert found is not None
    by_manager = {(one["manager"], one["operation"], one.get("subresource")): one for one in found}
    own = by_manager[FIELD_MANAGER, "Apply", None]
    assert "f:replicas" not in own["fieldsV1"]["f:spec"]
    assert own["fieldsV1"]["f:metadata"] == MADE["f:metadata"]
    assert (own["apiVersion"], own["fieldsType"]) == ("apps/v1", "FieldsV1")
    assert by_manager["manager", "Update", None]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert by_manager["manager", "Update", "status"] == status
    assert by_manager["kubectl-label", "Update", None] == others


def test_what_it_writes_beside_us_is_added_to_ours() -> None:
    template = {"f:metadata": {"f:annotations": {GO_HASH: {}}}, "f:spec": {"f:containers": {}}}
    ours = {**written({"f:data": {}}, FIELD_MANAGER), "operation": "Apply"}
    found = inherited(ours, written({"f:spec": {"f:template": template}}))
    assert found == [{**ours, "fieldsV1": {"f:data": {}, "f:spec": {"f:template": template}}}]


NOT_INHERITED: tuple[tuple[dict[str, Any], str], ...] = (
    (written({"f:metadata": REFERENCE}), "somebody gave the object back to its owner, and made nothing"),
    (written({"f:spec": {"f:selector": {}}}), "somebody made it who knows no gateway"),
    (
        written({"f:metadata": {"f:ownerReferences": {'k:{"uid":"old"}': {}}}, "f:data": {}}, "velero"),
        "it was made for an earlier gateway, by a backup",
    ),
    (written(MADE, subresource="status"), "it is about a status"),
    ({**written(MADE), "operation": "Apply"}, "whoever applies takes back what it wrote by itself"),
)


@pytest.mark.parametrize(("fields", "why"), NOT_INHERITED, ids=[case[1] for case in NOT_INHERITED])
def test_what_others_wrote_stays_theirs(fields: dict[str, Any], why: str) -> None:
    assert inherited(fields) is None, why


def _renamed(number: int, keys: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a plan of many variables, and the object in which somebody gave each another name."""
    fields: dict[str, Any] = {"f:spec": {"f:env": {key: {} for key in keys}}}
    theirs = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}
    ours = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    wanted = {"metadata": {}, "spec": {"env": [{"name": f"V{one}", "value": "x"} for one in range(number)]}}
    live = [{"name": f"Z{one}", "value": "x"} for one in range(number)]
    return wanted, {"metadata": {"managedFields": [ours, theirs]}, "spec": {"env": live}}


def test_only_so_many_renamed_items_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    resembles = reclaim._resembles

    def counting(live: Any, wanted: Any, key: Any) -> bool:
        nonlocal compared
        compared += 1
        return resembles(live, {**wanted, "value": "y"}, key)

    monkeypatch.setattr(reclaim, "_resembles", counting)

    reclaimed(*_renamed(3_000, [f'k:{{"name":"Z{one}"}}' for one in range(3_000)]))

    assert compared <= 20_000


@pytest.mark.parametrize(
    "key", ["k:{", "k:[1]", "k:null", f"k:{'1' * 5_000}", f"k:{'[' * 5_000}", 'k:{"name":{"a":1}}']
)
def test_a_key_that_no_api_server_writes_is_passed_over(key: str) -> None:
    assert reclaimed(*_renamed(2, [key])) is None
