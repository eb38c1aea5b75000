"""What a cgroup allows is read from either version, in a container and outside of one."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from gateway_components.daemon.memory import memory_limit

GIB = 2**30
ALL = psutil.virtual_memory().total

CASES: Mapping[str, tuple[str, dict[str, str], int]] = {
    "version 2 in a container": ("0::/", {"memory.max": f"{GIB}\n"}, GIB),
    "version 2 by its path": ("0::/a/b.service", {"a/b.service/memory.max": f"{GIB}\n"}, GIB),
    "the parent allows less": ("0::/a/b", {"a/b/memory.max": f"{GIB}\n", "a/memory.max": "4096\n"}, 4096),
    "a parent without a limit": ("0::/a/b", {"a/b/memory.max": f"{GIB}\n", "a/memory.max": "max\n"}, GIB),
    "no limit": ("0::/", {"memory.max": "max\n"}, ALL),
    "version 1": (
        "7:cpu:/x\n4:memory:/pod/a\n1:name=systemd:/x",
        {"memory/pod/a/memory.limit_in_bytes": f"{GIB}\n"},
        GIB,
    ),
    "version 1 in a container": ("4:memory:/pod/a", {"memory/memory.limit_in_bytes": f"{GIB}\n"}, GIB),
    "version 1 without a limit": ("4:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, ALL),
    "with another controller": (
        "4:cpu,memory:/a",
        {"memory/a/memory.limit_in_bytes": f"{GIB}"},
        GIB,
    ),
    "nothing readable": ("0::/", {"memory.max": ""}, ALL),
    "no cgroup of memory": ("3:cpu:/", {"memory.max": "4096"}, ALL),
}


@pytest.mark.parametrize("case", CASES)
def test_the_least_limit_is_found(case: str, tmp_path: Path) -> None:
    own, files, limit = CASES[case]
    process = tmp_path / "proc" / "self"
    process.mkdir(parents=True)
    (process / "cgroup").write_text(own)
    for name, text in files.items():
        file = tmp_path / "sys" / "fs" / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    assert memory_limit(tmp_path) == limit


def test_without_cgroups_all_memory_counts(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) == ALL
    assert 0 < memory_limit() <= ALL
