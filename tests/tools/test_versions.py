import pytest

from tools.versions import Version, VersionRange, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("etcd Version: 3.6.14\nGit SHA: x\nGo Version: go1.26.8", (3, 6, 14)),
        ("Kubernetes v1.36.3", (1, 36, 3)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("kwok version v0.7.0 go1.26.8 (linux/amd64)", (0, 7, 0)),
        ("go1.26", (1, 26, 0)),
        ("go1.27rc1", (1, 27, 0)),
        ("unknown", None),
    ],
)
def test_parse_version(text: str, version: Version | None) -> None:
    assert parse_version(text) == version


def test_range_includes_its_low_end_and_excludes_its_high_end() -> None:
    versions = VersionRange((1, 35, 0), (1, 38, 0))
    assert (1, 35, 0) in versions
    assert (1, 37, 9) in versions
    assert (1, 38, 0) not in versions
    assert (1, 34, 9) not in versions
