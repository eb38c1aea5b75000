"""A ConfigMap as Kubernetes mounts it."""

from pathlib import Path

__all__ = ["mount"]


def mount(folder: Path, text: str) -> Path:
    """Bring the next version of a ConfigMap into a folder, and return the path of its file ``settings.yaml``.

    The file is a link through the link ``..data``, and that is swapped for one to the next version's folder.
    """
    folder.mkdir(exist_ok=True)
    version = f"..version-{len(list(folder.iterdir()))}"
    (folder / version).mkdir()
    (folder / version / "settings.yaml").write_text(text)
    link = folder / "..data_tmp"
    link.symlink_to(version)
    link.rename(folder / "..data")
    file = folder / "settings.yaml"
    if not file.is_symlink():
        file.symlink_to("..data/settings.yaml")
    return file
