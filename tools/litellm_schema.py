"""The schema of LiteLLM's ``config.yaml``, made from the pinned package: `python -m tools schema`.

Each map says with `additionalProperties` what becomes of names that are not among its `properties`: ``false``, LiteLLM
reads no other; ``true``, it passes others on to a provider or a class of the user's; a schema, any name will do.
An empty schema is free-form. Values have no types: the known keys are the point. Where LiteLLM takes but a few texts,
`enum` lists them, and `pattern` says which others it takes besides.
"""

import json
import subprocess
from typing import Any

from tools.errors import ToolsError
from tools.litellm_package import QUESTION, Package
from tools.location import MODULES, PROJECT, locate
from tools.progress import say
from tools.proxy import LINK_NAME

SCHEMA = PROJECT / "gateway_components" / "plan" / "litellm_schema.json"
_SCRIPT = MODULES / "litellm" / "describe.py"
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the import fetches the price list
    "LITELLM_MODE": "PRODUCTION",  # else a `.env` of a parent folder is read
}


def write_schema() -> None:
    """Write the schema anew.

    Raises ToolsError: liteLLM is not installed, or has changed in a way that a source of its keys is not found.
    """
    SCHEMA.write_text(litellm_schema(), encoding="utf-8")
    say(f"written: {SCHEMA.relative_to(PROJECT)}")


def check_schema() -> None:
    """Check that the schema is the one that would be written.

    Raises ToolsError: it is another, or as for `write_schema`.
    """
    if SCHEMA.read_text(encoding="utf-8") != litellm_schema():
        raise ToolsError(f"{SCHEMA.relative_to(PROJECT)} is out of date; `make schema` writes it anew")


def litellm_schema() -> str:
    """Return the schema of the installed LiteLLM as JSON text; the same for every run."""
    return json.dumps(Package(_describe()).config(), indent=1, sort_keys=True) + "\n"


def _describe() -> dict[str, Any]:
    python = locate(LINK_NAME).resolve().parent / "python"
    result = subprocess.run(
        [str(python), "-I", str(_SCRIPT)],
        input=json.dumps(QUESTION),
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ToolsError(f"LiteLLM's package cannot be described:\n{result.stderr.strip()}")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
