"""Restricts the writes of the daemon's account by names and owners.

RBAC cannot restrict rights to a prefix of names or to certain owners. A ValidatingAdmissionPolicy refuses every write
of the account that the daemon never makes, and ignores other accounts.
"""

import json
from collections.abc import Iterable, Mapping
from textwrap import dedent

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.meta import GROUP
from gateway_components.errors import BOUND
from gateway_components.install.options import NAME, Installation, Manifest, manifest
from gateway_components.install.rbac import PERMISSIONS, Place
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET, record_name
from gateway_components.kube.lease import LEASE
from gateway_components.kube.state_format import PART_LABEL, PART_NAMES, STATE_SECRET, STATE_TYPE
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.workload import config_map_name

_API = "admissionregistration.k8s.io/v1"
_OPERATIONS: Mapping[str, str] = {
    "create": "CREATE",
    # Of what exists; an apply that makes the object takes the right to create as well.
    "patch": "UPDATE",
    "delete": "DELETE",
}
_HARMLESS_VOLUMES = (
    *("configMap", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
    "secret",
    # This one is recognized by its path.
    "hostPath",
)
"""Volumes of the cluster's own; others are mounted from wherever the pod says."""


def admission_policy(installation: Installation) -> list[Manifest]:
    """Return the policy on the daemon's account, and its binding."""
    account = f"system:serviceaccount:{installation.namespace}:{NAME}"
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": ["*/*"],
        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    }
    policy = {
        "failurePolicy": "Fail",
        "matchConditions": [
            {"name": "account", "expression": f"request.userInfo.username == {_text(account)}"}
        ],
        # Also writes that other roles grant to the account.
        "matchConstraints": {"resourceRules": [everything]},
        "variables": _variables(),
        "validations": [_validation(*case) for case in _cases()],
    }
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return [
        manifest("ValidatingAdmissionPolicy", api=_API, spec=policy),
        manifest("ValidatingAdmissionPolicyBinding", api=_API, spec=binding),
    ]


def allowed_writes() -> list[str]:
    """Return the writes that the roles grant, as ``OPERATION RESOURCE.GROUP/SUBRESOURCE``."""
    return sorted(
        {
            f"{_OPERATIONS[verb]} {resource.plural}.{resource.group}/{permission.subresource}"
            for permission in PERMISSIONS
            # About reviews the API server asks no policy.
            if permission.place is not Place.METRICS
            for resource in permission.resources
            for verb in permission.verbs
            if verb in _OPERATIONS
        }
    )


def _variables() -> list[Manifest]:
    suffix = _text(config_map_name(""))
    variables: dict[str, str] = {
        # What a request lacks is missing there, not empty.
        "name": 'has(request.name) ? request.name : ""',
        "part": 'has(request.subResource) ? request.subResource : ""',
        "kind": 'request.resource.resource + "." + request.resource.group + "/" + variables.part',
        "write": 'request.operation + " " + variables.kind',
        # Taken from the account, so that an overlay has to replace the namespace in one place only.
        "home": 'has(request.namespace) && request.namespace == request.userInfo.username.split(":")[2]',
        "versions": "[object, oldObject].filter(version, version != null)",
        # Whose object this would be, by its name.
        "gateway": f"""\
            variables.kind != "configmaps./" ? variables.name :
            !variables.name.endsWith({suffix}) ? "" :
            variables.name.substring(0, variables.name.size() - {suffix}.size())""",
        # What the pods of a Deployment get beyond their own container; first as it would be, then as it was.
        "pods": """\
            variables.kind != "deployments.apps/" ? [] : variables.versions.map(version, version.spec.template.spec)""",
        "reach": f"""\
            variables.pods.map(pod,
              (pod.?serviceAccountName.orValue("") in ["", "default"] ? [] : ["account " + pod.serviceAccountName]) +
              (pod.?hostNetwork.orValue(false) ? ["hostNetwork"] : []) +
              (pod.?hostPID.orValue(false) ? ["hostPID"] : []) +
              (pod.?hostIPC.orValue(false) ? ["hostIPC"] : []) +
              (pod.?hostNetwork.orValue(false) ? [] : (pod.containers + pod.?initContainers.orValue([])).filter(one,
                one.?ports.orValue([]).exists(port, port.?hostPort.orValue(0) > 0)).map(one, "ports " + one.name +
                one.ports.map(port, " " + string(port.?hostPort.orValue(0))).join())) +
              pod.?volumes.orValue([]).filter(volume, has(volume.hostPath)).map(volume,
                "hostPath " + volume.hostPath.path) +
              pod.?volumes.orValue([]).filter(volume, {_none_of("volume", _HARMLESS_VOLUMES)}).map(volume,
                "volume " + volume.name))""",
        "containers": "variables.pods.map(pod, pod.containers + pod.?initContainers.orValue([]))",
        # One text for each kind of power, so that one more of the kind is another text.
        "powers": """\
            variables.containers.map(all,
              all.filter(one, one.?securityContext.?privileged.orValue(false)).map(one, "privileged " + one.name) +
              all.filter(one, one.?securityContext.?capabilities.?add.orValue([]).size() > 0).map(one,
                "capabilities " + one.name + " " + one.securityContext.capabilities.add.join(" ")) +
              all.filter(one, one.?securityContext.?procMount.orValue("Default") != "Default").map(one,
                "procMount " + one.name))""",
        # How clients outside reach a Service, and whose addresses it takes.
        "outside": """\
            variables.kind != "services./" ? [] : variables.versions.map(version,
              (version.?spec.?type.orValue("ClusterIP") == "ClusterIP" ? [] : ["type " + version.spec.type]) +
              version.?spec.?externalIPs.orValue([]).map(address, "address " + address))""",
    }
    return [{"name": name, "expression": dedent(expression)} for name, expression in variables.items()]


def _cases() -> Iterable[tuple[str, str]]:
    yield f"variables.write in {_texts(allowed_writes())}", "it never writes this"
    yield (
        f"""\
        variables.kind != "secrets./" || variables.name == {_text(STATE_SECRET)} ||
        variables.name.matches({_text(f"^{PART_NAMES}$")}) || (variables.home &&
        (variables.name.startsWith({_text(record_name(""))}) ||
         (variables.name == {_text(PASSPHRASE_SECRET)} && request.operation != "DELETE")))""",
        f"of Secrets it writes states, {STATE_SECRET}*, and in its own namespace what belongs to them",
    )
    yield (
        # One of another type may be a token of somebody else's account.
        f"""\
        variables.write != "CREATE secrets./" || object.type in {_texts((STATE_TYPE, "Opaque"))}""",
        "it creates no Secret that the cluster fills or uses",
    )
    yield (
        f"""\
        variables.write != "DELETE secrets./" || variables.home || variables.name == {_text(STATE_SECRET)} ||
        (has(oldObject.metadata.labels) && {_text(PART_LABEL)} in oldObject.metadata.labels)""",
        f"of Secrets it deletes states, and their parts by the label {PART_LABEL}",
    )
    yield (
        f"""\
        !(variables.kind in ["configmaps./", "deployments.apps/", "services./"]) || variables.versions.all(version,
          has(version.metadata.ownerReferences) &&
          version.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller)
          ? version.metadata.ownerReferences.all(owner, !has(owner.controller) || !owner.controller ||
              (owner.apiVersion.startsWith({_text(f"{GROUP}/")}) && owner.kind in {_texts(GATEWAY_KINDS)} &&
               owner.name == variables.gateway))
          : request.operation == "UPDATE" && has(version.metadata.managedFields) &&
            version.metadata.managedFields.exists(entry,
              entry.manager == {_text(FIELD_MANAGER)} && entry.operation == "Apply"))""",
        "of ConfigMaps, Deployments and Services it writes those that a gateway of their name controls",
    )
    yield (
        """\
        variables.kind != "deployments.apps/" || (
          variables.reach[0].all(one, request.operation == "UPDATE" && one in variables.reach[1]) &&
          variables.powers[0].all(one, request.operation == "UPDATE" && one in variables.powers[1]))""",
        "it gives no pod an account, a volume, a port or a privilege of the node that it had not before",
    )
    yield (
        """\
        variables.kind != "services./" || variables.outside[0].all(one,
          request.operation == "UPDATE" && one in variables.outside[1])""",
        "it gives no Service a way in from outside, or an address, that it had not before",
    )
    controllers = _texts(kind.controller for kind in GATEWAY_KINDS.values())
    yield (
        f"""\
        variables.kind != "events.events.k8s.io/" || variables.versions.all(version,
          has(version.reportingController) && version.reportingController in {controllers})""",
        "of events it writes those of its own controllers",
    )
    yield (
        f"""\
        variables.kind != "leases.coordination.k8s.io/" || (variables.home && variables.name == {_text(LEASE)})""",
        f"of Leases it writes {LEASE} in its own namespace",
    )


def _validation(expression: str, why: str) -> Manifest:
    return {
        "expression": dedent(expression),
        "reason": "Forbidden",
        "message": f"the account of {NAME} {BOUND}: {why}",
    }


def _none_of(what: str, fields: Iterable[str]) -> str:
    return " && ".join(f"!has({what}.{field})" for field in fields)


def _text(text: str) -> str:
    # A string of JSON is one of CEL.
    return json.dumps(text)


def _texts(texts: Iterable[str]) -> str:
    return json.dumps(list(texts))
