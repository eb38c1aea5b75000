"""The parts: what each is built from, which versions on PATH also serve, and how to check it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_components.engine.programs import PROVIDER_VERSION
from tools.versions import VersionRange

PULUMI_VERSION = "3.250.0"
KUBERNETES_VERSION = "1.36.3"
ETCD_VERSION = "3.6.14"
KWOK_VERSION = "0.7.0"

_COMPONENT_BASE = "k8s.io/component-base/version"
_KUBERNETES_STAMPS = {
    f"{_COMPONENT_BASE}.gitVersion": f"v{KUBERNETES_VERSION}",
    f"{_COMPONENT_BASE}.gitMajor": "1",
    f"{_COMPONENT_BASE}.gitMinor": "36",
}
_KUBERNETES = VersionRange((1, 36, 0), (1, 37, 0))


@dataclass(frozen=True)
class Copied:
    """A file at a path in the folder of a module, as in go.mod; a `version` is set as that field of a JSON file."""

    module: str
    path: str
    version: str | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """One binary, and the scripts that belong beside it.

    Parameters
    ----------
    name
        Name of the binary.
    folder
        Folder in `tools/` with the go.mod and go.sum to build with.
    package
        Go package to build; `.` is a main.go in that folder.
    minutes
        About how long the build takes on 2 cores.
    stamps
        Go variables to set in the binary, such as its version.
    embedded
        Files that the folder's main.go embeds, by name.
    scripts
        Executable scripts to put beside the binary, by name.
    version, version_arguments
        Version that the built binary must print, and the arguments to have it printed. Without arguments, the
        check starts it as a plugin instead: it must print the port that it listens on.
    on_path
        Versions that also serve when found on PATH; without, it is never taken from there.
    beside
        Names that must lie in the same folder when it is taken from PATH.
    """

    name: str
    folder: str
    package: str
    minutes: float
    version: str
    version_arguments: tuple[str, ...] = ()
    stamps: Mapping[str, str] = field(default_factory=dict)
    embedded: Mapping[str, Copied] = field(default_factory=dict)
    scripts: Mapping[str, Copied] = field(default_factory=dict)
    on_path: VersionRange | None = None
    beside: tuple[str, ...] = ()

    @property
    def recipe(self) -> str:
        """All that decides what the build makes of the folder, as text."""
        return repr((self.package, self.version, self.stamps, self.embedded, self.scripts))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all that the part consists of."""
        return (self.name, *self.scripts)


_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PROVIDER_FILES = "cmd/pulumi-resource-kubernetes"
_ENGINE_FILES = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")


def _kubernetes(name: str, minutes: float) -> Part:
    return Part(
        name=name,
        folder="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        minutes=minutes,
        version=KUBERNETES_VERSION,
        version_arguments=("--version",),
        stamps=_KUBERNETES_STAMPS,
        on_path=_KUBERNETES,
    )


KUBECTL = Part(
    name="kubectl",
    folder="kubernetes",
    package="k8s.io/kubernetes/cmd/kubectl",
    minutes=0.5,
    version=KUBERNETES_VERSION,
    version_arguments=("version", "--client"),
    stamps=_KUBERNETES_STAMPS,
    on_path=VersionRange((1, 35, 0), (1, 38, 0)),  # one minor version of skew is supported
)

PROVIDER = Part(
    name="pulumi-resource-kubernetes",
    folder="provider",
    package=".",
    minutes=8,
    version=PROVIDER_VERSION,
    stamps={f"{_PROVIDER}/pkg/version.Version": PROVIDER_VERSION},
    embedded={
        "schema-embed.json": Copied(_PROVIDER, f"{_PROVIDER_FILES}/schema.json", version=PROVIDER_VERSION),
        "terraform-mapping-embed.json": Copied(_PROVIDER, f"{_PROVIDER_FILES}/terraform-mapping.json"),
    },
)

PARTS = (
    Part(
        name="etcd",
        folder="etcd",
        package="go.etcd.io/etcd/server/v3",
        minutes=0.5,
        version=ETCD_VERSION,
        version_arguments=("--version",),
        on_path=VersionRange((3, 5, 0), (3, 7, 0)),
    ),
    _kubernetes("kube-apiserver", 4),
    _kubernetes("kube-controller-manager", 1),
    _kubernetes("kube-scheduler", 0.5),
    KUBECTL,
    Part(
        name="kwok",
        folder="kwok",
        package="sigs.k8s.io/kwok/cmd/kwok",
        minutes=1.2,
        version=KWOK_VERSION,
        version_arguments=("--version",),
        on_path=VersionRange((0, 7, 0), (0, 8, 0)),
    ),
    Part(
        name="pulumi",
        folder="engine",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        minutes=3.5,
        version=PULUMI_VERSION,
        version_arguments=("version",),
        stamps={f"{_SDK}/go/common/version.Version": f"v{PULUMI_VERSION}"},
        on_path=VersionRange((3, 250, 0), (4, 0, 0)),
        beside=_ENGINE_FILES,
    ),
    Part(
        name="pulumi-language-python",
        folder="language-python",
        package=f"{_SDK}/python/cmd/pulumi-language-python",
        minutes=0.5,
        version="3.79.0",
        scripts={"pulumi-language-python-exec": Copied(_SDK, "python/cmd/pulumi-language-python-exec")},
        on_path=None,  # it is taken from where pulumi is, see `tools.search`
        beside=_ENGINE_FILES,
    ),
    PROVIDER,
)
