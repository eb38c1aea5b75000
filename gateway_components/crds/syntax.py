"""The rules of Kubernetes for names, labels, keys and variables: what is wrong with a text, and the cure.

Each function returns ``None`` for a text that is right. The rules are those that kube-apiserver 1.36 applies
(k8s.io/apimachinery/pkg/api/validation and util/validation), measured there.
"""

import re
from dataclasses import dataclass

from gateway_components.crds.problem import FieldProblem

__all__ = [
    "Fault",
    "annotation_key_fault",
    "env_name_fault",
    "key_fault",
    "label_key_fault",
    "label_value_fault",
    "namespace_fault",
    "object_name_fault",
    "shown",
    "workload_name_problem",
]

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253
SHOWN_LENGTH = 60

NAME_CURE = "Use lower-case letters, digits and '-', with a letter or digit at both ends."
QUALIFIED_CURE = "Use letters, digits, '-', '_' and '.', with a letter or digit at both ends, at most 63."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text (``message``) and what to do about it (``cure``)."""

    message: str
    cure: str


def shown(value: object) -> str:
    """Return `value` as a message shows it: text in quotes, and shortened where it is long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"


def object_name_fault(name: str) -> Fault | None:
    """Check the name of an object against RFC 1123 for subdomains, as nearly every kind has to keep it."""
    if not name:
        return Fault("is missing or empty", "Give it a name.")
    if len(name) > SUBDOMAIN_LENGTH:
        return Fault(f"has {len(name)} characters", f"Use at most {SUBDOMAIN_LENGTH}.")
    if not re.fullmatch(SUBDOMAIN, name):
        return Fault(
            f"is {shown(name)}, which is no name for an object", f"{NAME_CURE} Dots may join such parts."
        )
    return None


def namespace_fault(name: str) -> Fault | None:
    """Check the name of a namespace against RFC 1123 for labels."""
    if len(name) > LABEL_LENGTH:
        return Fault(f"has {len(name)} characters", f"Use at most {LABEL_LENGTH}.")
    if not re.fullmatch(LABEL, name):
        return Fault(f"is {shown(name)}, which is no name for a namespace", NAME_CURE)
    return None


def workload_name_problem(name: str) -> FieldProblem | None:
    """Check whether the Service and the label ``app`` of a gateway can carry the gateway's name.

    Kubernetes 1.36 takes RFC 1123 labels for Services (measured: ``1abc`` is accepted, ``a.b`` and 64
    characters are refused). Before its gate RelaxedServiceNameValidation, a digit in front was refused too.

    Parameters
    ----------
    name : str
        Name of a gateway; one that `object_name_fault` has no complaint about.

    Returns
    -------
    FieldProblem or None
        An error where no cluster makes such a Service, a warning where older clusters refuse it.
    """
    path = ("metadata", "name")
    if len(name) > LABEL_LENGTH:
        message = f"has {len(name)} characters, too many for the Service that gets the same name"
        return FieldProblem(path, message, f"Use at most {LABEL_LENGTH}.")
    if not re.fullmatch(LABEL, name):
        message = f"is {shown(name)}, which is no name for the Service that gets it"
        return FieldProblem(path, message, f"{NAME_CURE} No dots.")
    if name[0].isdigit():
        message = f"is {shown(name)}; older clusters refuse a Service whose name begins with a digit"
        return FieldProblem(path, message, "Begin with a letter.", "warning")
    return None


def label_key_fault(key: str) -> Fault | None:
    """Check the key of a label: a name of 63 characters, perhaps with a domain and ``/`` in front."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not re.fullmatch(SUBDOMAIN, prefix) or len(prefix) > SUBDOMAIN_LENGTH):
        return Fault(
            f"has {shown(prefix)} in front of the '/', which is no domain",
            "Put a lower-case domain such as example.com there, or leave it and the '/' out.",
        )
    if not re.fullmatch(QUALIFIED, name) or len(name) > LABEL_LENGTH:
        return Fault(f"has the name {shown(name)}, which no key may have", QUALIFIED_CURE)
    return None


def annotation_key_fault(key: str) -> Fault | None:
    """Check the key of an annotation: like that of a label, but its domain may have capitals."""
    return label_key_fault(key.lower())


def label_value_fault(value: str) -> Fault | None:
    """Check the value of a label: empty, or like the name of a key."""
    if value and (not re.fullmatch(QUALIFIED, value) or len(value) > LABEL_LENGTH):
        return Fault(
            f"is {shown(value)}, which no label may have as its value",
            f"{QUALIFIED_CURE} Or use an annotation.",
        )
    return None


def env_name_fault(name: str) -> Fault | None:
    """Check the name of an environment variable: printable ASCII without ``=``, at least one character."""
    if not name:
        return Fault("is empty", "Give the variable a name.")
    if not re.fullmatch(r"[ -<>-~]+", name):
        return Fault(
            f"is {shown(name)}, which no environment variable may be called",
            "Use printable ASCII characters other than '='.",
        )
    return None


def key_fault(key: str) -> Fault | None:
    """Check a key of a ConfigMap or Secret."""
    if not key:
        return Fault("is empty", "Name the key.")
    if (
        key == "."
        or key.startswith("..")
        or not re.fullmatch(r"[-._a-zA-Z0-9]+", key)
        or len(key) > SUBDOMAIN_LENGTH
    ):
        return Fault(
            f"is {shown(key)}, which no ConfigMap or Secret has as a key",
            "Use letters, digits, '-', '_' and '.', and not '.' or '..' in front.",
        )
    return None
