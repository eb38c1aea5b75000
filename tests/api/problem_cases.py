"""Faulty manifests with the field, the message and the cure that a user reads."""

from tests.api.case import (
    MODEL,
    Manifest,
    claims,
    divisor,
    env,
    gateway,
    guard,
    presidio,
    provider,
    route,
    route_to,
    server,
    tool_gateway,
)

ALL_KINDS = (
    "Use one of AiGateway, AiGatewayClass, Guard, GuardrailProvider, ToolGateway, ToolGatewayClass, ToolRoute, "
    "ToolServer."
)

TELLING: tuple[tuple[Manifest, str, str, str], ...] = (
    (
        gateway(port="80"),
        "spec.port",
        'is the text "80", but must be a whole number',
        "Remove the quotes: 80.",
    ),
    (
        gateway(port="http"),
        "spec.port",
        'is the text "http", but must be a whole number',
        "Write a whole number there.",
    ),
    (
        gateway(port=80.5),
        "spec.port",
        "is the number 80.5, but must be a whole number",
        "Write a whole number there.",
    ),
    (gateway(port=0), "spec.port", "is 0, which is too small", "Use 1 or more."),
    (gateway(port=70000), "spec.port", "is 70000, which is too large", "Use 65535 or less."),
    (gateway(aiModels=[]), "spec.aiModels", "is an empty list", "Give it an entry."),
    (gateway(aiModels=MODEL), "spec.aiModels", "is a map, but must be a list", "Begin each entry with '- '."),
    (
        gateway(aiModels=["a"]),
        "spec.aiModels[0]",
        'is the text "a", but must be a map of fields',
        "Write a map of fields there.",
    ),
    (
        gateway(aiModels=[None]),
        "spec.aiModels[0]",
        "is null, but must be a map of fields",
        "Write a map of fields there.",
    ),
    (
        gateway(aiModels=[{"name": "a"}]),
        "spec.aiModels[0].provider",
        "is required but missing",
        "Add provider there.",
    ),
    (gateway(aiModels=[{**MODEL, "name": ""}]), "spec.aiModels[0].name", "is empty", "Give it a text."),
    (
        gateway(env=[{"name": "A", "value": True}]),
        "spec.env[0].value",
        "is true, but must be text",
        'Put it in quotes: "true".',
    ),
    (
        gateway(env=[{"name": "A", "value": 8}]),
        "spec.env[0].value",
        "is the number 8, but must be text",
        'Put it in quotes: "8".',
    ),
    (
        env(secretKeyRef={"name": "s", "key": "k", "optional": "true"}),
        "spec.env[0].valueFrom.secretKeyRef.optional",
        'is the text "true", but must be true or false',
        "Remove the quotes: true.",
    ),
    (
        divisor("abc"),
        "spec.env[0].valueFrom.resourceFieldRef.divisor",
        'is the text "abc", but must be a quantity such as 1, 100m or 1Gi',
        "Write a quantity such as 1, 100m or 1Gi there.",
    ),
    (
        gateway(commonMetadata={"labels": {"a": 1}}),
        "spec.commonMetadata.labels.a",
        "is the number 1, but must be text",
        'Put it in quotes: "1".',
    ),
    (gateway(aiModel=[]), "spec.aiModel", "is not a field of this kind", "Did you mean aiModels?"),
    (gateway(env_from=[]), "spec.env_from", "is not a field of this kind", "Did you mean envFrom?"),
    (
        gateway(zzz=1),
        "spec.zzz",
        "is not a field of this kind",
        (
            "Remove it; the fields here are aiGatewayClassName, aiModels, commonMetadata, env, envFrom, "
            "guardrails, podMetadata, port."
        ),
    ),
    (gateway(metadata={"name": "a", "zzz": 1}), "metadata.zzz", "is not a field of this kind", "Remove it."),
    (gateway(metadata={}), "metadata.name", "is missing or empty", "Give it a name."),
    (
        gateway(metadata={"name": "A"}),
        "metadata.name",
        'is "A", which is not a valid object name',
        (
            "Use lower-case letters, digits and '-', with a letter or digit at both ends. "
            "Dots may join such parts."
        ),
    ),
    (
        gateway(metadata={"name": "a.b"}),
        "metadata.name",
        'is "a.b", which is not a valid name of its Service',
        "Use lower-case letters, digits and '-', with a letter or digit at both ends. No dots.",
    ),
    (
        gateway(top={"kind": "AiGatewy"}),
        "kind",
        'is "AiGatewy", which is not one of ours',
        "Did you mean AiGateway?",
    ),
    (
        gateway(top={"kind": "Pod"}),
        "kind",
        'is "Pod", which is not one of ours',
        ALL_KINDS,
    ),
    (gateway(top={"kind": None}), "kind", "is required but missing", ALL_KINDS),
    (
        gateway(top={"apiVersion": "runtime.agentic-layer.ai/v1"}),
        "apiVersion",
        'is "runtime.agentic-layer.ai/v1", which AiGateway does not have',
        "Use runtime.agentic-layer.ai/v1alpha1.",
    ),
    (
        route({"external": None}),
        "spec.upstream",
        "has neither toolServerRef nor external",
        "Add toolServerRef or external.",
    ),
    (
        route({"toolServerRef": {}, "external": {"url": "http://h"}}),
        "spec.upstream",
        "has both toolServerRef and external",
        "Remove toolServerRef or external; exactly one of them may be there.",
    ),
    (
        route_to("ftp://user:s3cret@h"),
        "spec.upstream.external.url",
        "is not an http or https URL",
        "Begin it with http:// or https://, in lower case.",
    ),
    (
        route_to("http://a b/mcp"),
        "spec.upstream.external.url",
        "has invalid characters in its host",
        "Write the host's name or address.",
    ),
    (
        route_to(None),
        "spec.upstream.external.url",
        "is required but missing",
        "Add url there.",
    ),
    (
        presidio("presidio"),
        "spec.presidio.baseUrl",
        "is no URL",
        "Begin it with http:// or https://.",
    ),
    (
        presidio(3000),
        "spec.presidio.baseUrl",
        "is the number 3000, but must be text",
        'Put it in quotes: "3000".',
    ),
    (
        provider("presidio"),
        "spec.type",
        'is "presidio"',
        "Use 'openai-moderation-api', 'bedrock-api' or 'presidio-api'.",
    ),
    (
        guard(mode=["pre_call", "post_call", "pre_call"]),
        "spec.mode",
        'has "pre_call" twice',
        "Remove one of the two.",
    ),
    (
        guard(mode=["before"]),
        "spec.mode[0]",
        'is "before"',
        "Use 'pre_call', 'post_call' or 'during_call'.",
    ),
    (guard(mode=[]), "spec.mode", "is an empty list", "Give it an entry."),
    (
        claims({"name": "a"}, {"name": "a"}),
        "spec.resources.claims",
        'has "a" twice',
        "Remove one of the two.",
    ),
    (
        server(resources={"limits": {"cpu": "much"}}),
        "spec.resources.limits.cpu",
        'is the text "much", but must be a quantity such as 1, 100m or 1Gi',
        "Write a quantity such as 1, 100m or 1Gi there.",
    ),
    (server(path="mcp"), "spec.path", "does not begin with '/'", "Put a '/' in front."),
    (server(protocol="acp"), "spec.protocol", 'is "acp"', "Use 'mcp'."),
    (server(replicas=2**31), "spec.replicas", "is 2147483648, which is too large", "Use 2147483647 or less."),
    (
        tool_gateway(models=[]),
        "spec.models",
        "is not a field of this kind",
        (
            "Remove it; the fields here are commonMetadata, env, envFrom, guardrails, podMetadata, "
            "toolGatewayClassName."
        ),
    ),
)
