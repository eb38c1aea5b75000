"""Config patches in manifest files: where what is wrong in them stands."""

import pytest

from tests.manifests.conftest import Read
from tests.manifests.texts import ANNOTATION, EXTERNAL, PATCH, PATCHED, TOOLS, joined

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
      max_parallel_requests: 9
"""


def test_unknown_keys_of_litellm_are_warned_at_their_lines(read: Read) -> None:
    stack = read(PATCHED, BLOCK)
    found = [(finding.severity, str(finding.subject), finding.line) for finding in stack.findings]
    assert found == [("warning", "ConfigMap extra", 11), ("warning", "ConfigMap extra", 12)]
    slip, _ = stack.findings
    assert slip.field == "data[patch.yaml]"
    assert slip.message.startswith("router_settings.routing_strateg is not a key that LiteLLM ")
    assert slip.message.endswith("(patch of AiGateway default/example)")
    assert slip.cure == "did you mean routing_strategy?"
    assert not stack.errors


@pytest.mark.parametrize("value", ['"{general_setings: {}}"', ">\n    general_setings: {}"])
def test_in_a_text_without_lines_of_its_own_the_key_has_the_line(read: Read, value: str) -> None:
    text = PATCH[: PATCH.index("|")] + f"{value}\n"
    (finding,) = read(PATCHED, text).findings
    assert (str(finding.subject), finding.line) == ("ConfigMap extra", 6)


def test_a_patch_that_does_not_parse_names_the_line_at_fault(read: Read) -> None:
    (finding,) = read(PATCHED, BLOCK.replace("num_retries: 3", "num_retries: [")).errors
    assert (str(finding.subject), finding.line) == ("AiGateway example", 6)
    assert "1.yaml:12)" in finding.message, "the patch has a line 5, which the file has as line 12"


def test_two_gateways_with_one_patch_are_both_named(read: Read) -> None:
    other = PATCHED.replace("name: example", "name: other")
    stack = read(joined(PATCHED, other), BLOCK.replace("general_setings", "general_settings"))
    assert [finding.message.rpartition("(")[2] for finding in stack.findings] == [
        "patch of AiGateway default/example)",
        "patch of AiGateway default/other)",
    ]


def test_servers_and_models_of_a_patch_have_lines_of_their_own(read: Read) -> None:
    odd = (
        BLOCK[: BLOCK.index("    router_settings")]
        + """\
    mcp_servers:
      issue-tracker:
        url: https://a.example/mcp
      team__fils:
        auth_type: none
      billing:
        url: https://b.example/mcp
        static_headers: {X-Key: os.environ/HOME}
    model_list:
      - model_name: small
        litellm_params:
          model: antropic/claude
"""
    )
    found = [(finding.line, finding.message.split(" (")[0]) for finding in read(PATCHED, odd).findings]
    assert found == [
        (10, 'LiteLLM does not start with "-" in the name of a server, but mcp_servers.issue-tracker has it'),
        (12, "mcp_servers.team__fils has no url, so it leads to no server"),
        (
            16,
            (
                "LiteLLM 1.83.14 shows mcp_servers.billing.static_headers to anyone who calls a tool that it does "
                "not have"
            ),
        ),
        (20, 'model_list[0]: LiteLLM 1.83.14 knows no provider "antropic", so "claude" is not served'),
    ]


def test_an_entry_named_as_documented_has_its_own_line(read: Read) -> None:
    odd = (
        BLOCK[: BLOCK.index("    router_settings")]
        + """\
    mcp_servers:
      other: {url: "https://a.example/mcp"}
      default__wea-ther:
        auth_type: bearer
        extra_headers: [X-Key]
"""
    )
    tools = TOOLS.replace("  name: tools\n", f"  name: tools\n  annotations: {{{ANNOTATION}: extra}}\n")
    found = read(tools, EXTERNAL.replace("name: weather", "name: wea-ther"), odd).findings
    assert [(one.line, one.message.split(" (")[0]) for one in found] == [
        (12, "mcp_servers.default__wea_ther.auth_type has a value that LiteLLM 1.83.14 does not take"),
    ]


def test_a_warning_about_a_patch_has_its_line_in_the_patch(read: Read) -> None:
    harmful = (
        BLOCK[: BLOCK.index("    router_settings")]
        + """\
    litellm_settings:
      cache_params: {password: hunter2}
    general_settings:
      alerting: [slack]
      master_key: os.environ/KEY
"""
    )
    found = [(finding.line, finding.message) for finding in read(PATCHED, harmful).findings]
    (credential_line, credential), (key_line, key) = found
    assert (credential_line, key_line) == (10, 13)
    assert key.startswith("the master key would be missing (general_settings.master_key by the variable KEY)")
    assert credential.startswith("litellm_settings.cache_params.password holds a credential")
    assert "hunter2" not in str(found)
