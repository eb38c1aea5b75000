"""Settings of the daemon: options and environment win over the file, the file over defaults.

pydantic-settings validates only the merged values. Here each source is checked by itself: the file strictly, with line
numbers, and a fault names its line, option or variable even where another source wins.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway_components import strict_yaml
from gateway_components.api.parse import field_problem
from gateway_components.api.spelling import nearest
from gateway_components.api.syntax import Fault, namespace_fault
from gateway_components.errors import Finding, InputError, YamlError, dotted
from gateway_components.plan.claims import image_fault
from gateway_components.plan.snapshot import IMAGE, Policy
from gateway_components.plan.urls import allowed_upstream_fault
from gateway_components.strict_yaml import Document

IN_CLUSTER = "cluster"
"""The backend that keeps states in Secrets."""

_LARGEST = 1_000_000
"""Bytes of a settings file; anything larger is not one."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://.")


def _backend_fault(text: str) -> Fault | None:
    # The text stays out: a URL may hold a password.
    if text == IN_CLUSTER or _URL.match(text):
        return None
    return Fault("is neither cluster nor a URL", "Use cluster, or a URL such as s3://BUCKET.")


def _without(fault_of: Callable[[str], Fault | None]) -> AfterValidator:
    def check(text: str) -> str:
        fault = fault_of(text)
        if fault:
            context = {"message": fault.message, "cure": fault.cure}
            raise PydanticCustomError("fault", "{message} ({cure})", context)
        return text

    return AfterValidator(check)


NamespaceName = Annotated[str, _without(namespace_fault)]
Upstream = Annotated[str, _without(allowed_upstream_fault)]
ImageName = Annotated[str, _without(image_fault)]


class Settings(BaseModel):
    """How a daemon runs; all times in seconds. The descriptions are the help of its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kubeconfig: Path | None = Field(description="Credentials of the cluster; none for those of the pod.")
    scratch_folder: Path = Field(
        description="Where the engine works; used by one daemon at a time.  [default: ~/.cache/gatewayctl]"
    )
    backend: Annotated[str, _without(_backend_fault)] = Field(
        IN_CLUSTER,
        repr=False,
        description="Where the state is kept: cluster for Secrets beside the gateways, or the URL of a Pulumi "
        "backend.",
    )
    install_namespace: NamespaceName = Field(
        "default",
        description="Namespace of the daemon's Lease and of the passphrase of the state; tenants must not read or "
        "write there.  [default: the pod's; required outside of a cluster]",
    )
    namespaces: tuple[NamespaceName, ...] = Field(
        (), description="Namespace to watch; may be given several times.  [default: all]"
    )
    cross_namespace: bool = Field(
        default=True, description="Whether objects may refer to those of other namespaces."
    )
    allowed_upstreams: tuple[Upstream, ...] = Field(
        (),
        description="Host, address or network that may be called although it is a loopback, link-local or metadata "
        "address; may be given several times.  [default: none]",
    )
    gateway_image: ImageName = Field(IMAGE, description="Image of the gateways whose class names none.")
    leader_election: bool = Field(default=True, description="Whether a Lease lets one daemon of several act.")
    http_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of health checks and metrics, on all addresses.  [default: none]",
    )
    metrics_auth: bool = Field(
        default=False, description="Whether metrics require a bearer token that may get /metrics."
    )
    # More than cores: a run may wait for the API server.
    workers: int = Field(
        default_factory=lambda: (os.cpu_count() or 1) + 2,
        ge=1,
        le=64,
        description="Engine runs at the same time, as far as memory allows.  [default: cores + 2]",
    )
    batch_seconds: float = Field(
        0.2, ge=0, le=10, description="How long changes gather at most; a tenth of it where no more come."
    )
    engine_seconds: float = Field(300.0, ge=1, description="Limit of one engine run.")
    stop_seconds: float = Field(
        25.0,
        ge=0,
        description="How long a reconcile may go on after SIGTERM before its engine run is interrupted.",
    )
    log_level: Literal["debug", "info", "warning"] = Field(
        "info", description="The least severe level to log."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Form of the log on standard error; auto is text on a terminal, else json."
    )

    @property
    def policy(self) -> Policy:
        """What holds for the objects of all namespaces."""
        return Policy(self.cross_namespace, self.allowed_upstreams, self.gateway_image)


@dataclass(frozen=True)
class Sources:
    """Where the settings of a daemon come from: a file, if any, and values that were given beside it.

    Those, from the command line and the environment, and the defaults known only at start are in JSON types; the others
    are in `Settings`. `places` has the option or variable of each value that was given.
    """

    file: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> Settings:
        """Return the settings.

        Raises InputError: the file cannot be read, or it or what was given is at fault; each problem names its place.
        """
        return self.settings(read_text(self.file) if self.file else "")

    def settings(self, text: str) -> Settings:
        """Return the settings where the file holds `text`; InputError as for `read`."""
        document = _document(text, str(self.file))
        said = document.value if document else {}
        problems = [
            Finding(
                (f"{self.file}:{_line(document, found)}: {dotted(found.path)}",), found.message, found.cure
            )
            for found in self._problems(said)
        ]
        problems += [
            Finding((self.places.get(name, name),), found.message, found.cure)
            for found in self._problems(self.given)
            for name in map(str, found.path[:1])
        ]
        if problems:
            raise InputError(*problems)
        return _validated({**self.defaults, **said, **self.given})

    def _problems(self, said: Mapping[str, Any]) -> Iterator[Finding]:
        known = Settings.model_fields
        for name in said.keys() - known:
            meant = nearest(name, known)
            cure = f"Did you mean {meant}?" if meant else f"Remove it; the settings are {', '.join(known)}."
            yield Finding((name,), "is not a setting", cure)
        try:
            _validated({**self.defaults, **{name: said[name] for name in said.keys() & known}})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                yield _problem(fault)


def read_text(file: Path) -> str:
    """Return the text of a settings file; an InputError where it is missing or cannot be read."""
    message, cure = "is not a file", "Name a file with settings in YAML."
    try:
        # A pipe or a device may never end.
        if not file.exists() or file.is_file():
            with file.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
            if len(content) <= _LARGEST:
                return content.decode("utf-8")
            message = "is too large"
    except FileNotFoundError:
        message, cure = "is missing", "Create it, or run without --settings."
    except OSError as error:
        message, cure = f"cannot be read: {error.strerror}", "Check its permissions."
    except UnicodeDecodeError:
        message, cure = "is not UTF-8 text", "Save it as UTF-8."
    raise InputError(Finding((str(file),), message, cure))


def _document(text: str, file: str) -> Document | None:
    """Return the only document of a settings file; None where it is empty."""
    try:
        found = strict_yaml.parse_all(text)
    except YamlError as error:
        raise InputError(Finding((f"{file}:{error.line}",), error.message, "Correct the YAML.")) from None
    if len(found) > 1:
        raise InputError(
            Finding((f"{file}:{found[1].line}",), "a second document begins here", "Keep one of them.")
        )
    if found and not isinstance(found[0].value, Mapping):
        raise InputError(
            Finding((f"{file}:{found[0].line}",), "is not a map of settings", "Write NAME: VALUE lines.")
        )
    return found[0] if found else None


def _line(document: Document | None, problem: Finding) -> int:
    return document.line_of(problem.path) if document else 1


def _validated(values: Mapping[str, Any]) -> Settings:
    # From JSON, where strict mode still takes text for a path and a list for a tuple.
    return Settings.model_validate_json(json.dumps(values), strict=True)


def _problem(fault: ErrorDetails) -> Finding:
    if fault["type"] == "fault":
        context = fault.get("ctx", {})
        return Finding(tuple(fault["loc"]), context["message"], context["cure"])
    if fault["type"] == "finite_number":
        return Finding(tuple(fault["loc"]), "is not a finite number", "Write a number there.")
    return field_problem(fault)
