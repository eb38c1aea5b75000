"""Bedrock's parameters and credentials."""

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.guardrail_params import (
    GuardrailParams,
)
from tests.plan.guardrail_requests import BEDROCK, bedrock, params_of, refused


def test_bedrock_defaults_to_the_pods_identity_and_the_draft() -> None:
    assert bedrock() == GuardrailParams(
        "bedrock",
        {"guardrailIdentifier": "abc", "guardrailVersion": "DRAFT", "aws_region_name": "eu-central-1"},
    )


def test_bedrock_with_everything() -> None:
    params = bedrock({"name": "aws"}, guardrailVersion="2")
    names = [variable["name"] for variable in params.credentials]
    assert list(params.values.items()) == [
        ("guardrailIdentifier", "abc"),
        ("guardrailVersion", "2"),
        ("aws_region_name", "eu-central-1"),
        ("aws_access_key_id", f"os.environ/{names[0]}"),
        ("aws_secret_access_key", f"os.environ/{names[1]}"),
    ]
    assert [variable["valueFrom"]["secretKeyRef"] for variable in params.credentials] == [
        {"name": "aws", "key": "aws-access-key-id"},
        {"name": "aws", "key": "aws-secret-access-key"},
    ]
    assert params.secret == Identity("Secret", "team", "aws")


def test_a_secret_is_taken_from_the_namespace_of_the_gateway() -> None:
    params = bedrock({"name": "aws", "namespace": "team"}, namespace="services")
    assert params.secret == Identity("Secret", "team", "aws")


NO_REGIONS = [
    "x.evil.example/",
    "us-east-1.evil.example",
    "us-east-1/",
    "us-east",
    "US-EAST-1",
    "r",
    "us-east-1\n",
]


@pytest.mark.parametrize("region", [*NO_REGIONS, "os.environ/AWS_SECRET_ACCESS_KEY", "eu-central-1#"])
def test_what_is_no_region_of_aws_is_refused(region: str) -> None:
    failure = refused(params_of, {"bedrock": {"region": region}}, type_="bedrock-api", bedrock=BEDROCK)
    assert (
        f'the provider\'s spec.bedrock.region is "{region}", which is not a valid AWS region'
        in failure.message
    )
    assert failure.cure == "write one such as eu-central-1"


REGIONS = [
    "us-east-1",
    "ap-southeast-7",
    "us-gov-west-1",
    "cn-northwest-1",
    "us-isob-east-1",
    "eusc-de-east-1",
]


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_all_partitions_of_aws_pass(region: str) -> None:
    params = params_of({"bedrock": {"region": region}}, type_="bedrock-api", bedrock=BEDROCK)
    assert params.values["aws_region_name"] == region


ARN = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123"


@pytest.mark.parametrize("id_", ["abc123", "gr-1", ARN])
def test_an_identifier_of_a_guardrail_passes(id_: str) -> None:
    assert bedrock(guardrailId=id_).values["guardrailIdentifier"] == id_


@pytest.mark.parametrize(
    "id_", ["../x", "a/b", "a?b", "a b", "os.environ/X", f"{ARN}/x", "a" * 65, "-a", "abc\n"]
)
def test_what_is_no_identifier_of_a_guardrail_is_refused(id_: str) -> None:
    message = refused(bedrock, guardrailId=id_).message
    assert (
        f'the Guard\'s spec.bedrock.guardrailId is "{id_}", which is not a valid guardrail identifier'
        in message
    )


@pytest.mark.parametrize("version", ["1/../..", "draft", "0", "v1", "os.environ/X", "1 "])
def test_what_is_no_version_of_a_guardrail_is_refused(version: str) -> None:
    message = refused(bedrock, guardrailVersion=version).message
    assert (
        f'the Guard\'s spec.bedrock.guardrailVersion is "{version}", which is not a valid guardrail version'
        in message
    )


def test_a_guard_that_names_no_guardrail_of_bedrock() -> None:
    failure = refused(params_of, {"bedrock": {"region": "r"}}, type_="bedrock-api")
    assert "the Guard has no spec.bedrock" in failure.message
    assert "guardrailId is empty" in refused(bedrock, guardrailId="").message


def test_bedrock_without_a_region() -> None:
    empty = {"bedrock": {"region": ""}}
    failure = refused(params_of, empty, type_="bedrock-api", bedrock=BEDROCK)
    assert "spec.bedrock.region is empty" in failure.message
