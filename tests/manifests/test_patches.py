"""Config patches in manifest files: where what is wrong in them stands."""

import pytest

from tests.manifests.conftest import Read
from tests.manifests.texts import PATCH, PATCHED, joined

BLOCK = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: extra
data:
  other: x
  patch.yaml: |
    # what LiteLLM knows
    router_settings:
      num_retries: 3
      routing_strateg: least-busy
    general_setings:
      master_key: os.environ/KEY
"""


def test_keys_that_litellm_does_not_know_are_warnings_with_their_own_lines(read: Read) -> None:
    stack = read(PATCHED, BLOCK)
    found = [(finding.severity, finding.subject, finding.line) for finding in stack.findings]
    assert found == [("warning", "ConfigMap extra", 11), ("warning", "ConfigMap extra", 12)]
    slip, _ = stack.findings
    assert slip.field == 'data["patch.yaml"]'
    assert slip.message.startswith("router_settings.routing_strateg is not a key that LiteLLM ")
    assert slip.message.endswith("(patch of AiGateway default/example)")
    assert slip.cure == "Did you mean routing_strategy?"
    assert not stack.errors


@pytest.mark.parametrize("value", ['"{general_setings: {}}"', ">\n    general_setings: {}"])
def test_in_a_text_without_lines_of_its_own_the_key_has_the_line(read: Read, value: str) -> None:
    text = PATCH[: PATCH.index("|")] + f"{value}\n"
    (finding,) = read(PATCHED, text).findings
    assert (finding.subject, finding.line) == ("ConfigMap extra", 6)


def test_a_patch_that_does_not_parse_is_told_with_the_line_of_the_fault(read: Read) -> None:
    (finding,) = read(PATCHED, BLOCK.replace("num_retries: 3", "num_retries: [")).errors
    assert (finding.subject, finding.line) == ("AiGateway example", 6)
    assert "1.yaml:12)" in finding.message, "the patch has a line 5, which the file has as line 12"


def test_two_gateways_with_one_patch_are_both_named(read: Read) -> None:
    other = PATCHED.replace("name: example", "name: other")
    stack = read(joined(PATCHED, other), BLOCK.replace("general_setings", "general_settings"))
    assert [finding.message.rpartition("(")[2] for finding in stack.findings] == [
        "patch of AiGateway default/example)",
        "patch of AiGateway default/other)",
    ]
