"""Manifests of guards and their providers, and what the reference CRDs say of them."""

from tests.api.case import Case, guard, manifest, presidio, provider, without

MODES = ["pre_call", "post_call", "during_call"]
KEY = {"key": "k"}

GOOD_GUARDS = (
    Case("guard", "a mode and a provider", guard()),
    Case("guard without a spec", "nothing at the top is required", without(guard(), "spec")),
    Case("guard with a null spec", "a null is pruned", manifest("Guard", None)),
    Case("guard with all modes", "the modes are a set", guard(mode=MODES)),
    Case("guard of nobody", "an empty reference is one", guard(providerRef={})),
    Case("guard of itself", "the kind of a reference is not looked at", guard(providerRef={"kind": "Guard"})),
    Case("guard with all blocks", "the blocks need not fit", guard(bedrock={"guardrailId": ""}, presidio={})),
    Case("guard with null blocks", "nulls are pruned", guard(bedrock=None, presidio=None, description=None)),
    Case(
        "guard with a version",
        "a version is text",
        guard(bedrock={"guardrailId": "a", "guardrailVersion": "1"}),
    ),
    Case("guard with a model", "a model is text", guard(openaiModeration={"model": ""})),
    Case(
        "guard with thresholds",
        "any text is a threshold; a null is pruned",
        guard(presidio={"scoreThresholds": {"ALL": "much", "B": None}, "entityActions": {"a b": ""}}),
    ),
    Case("guard with a language", "any text is a language", guard(presidio={"language": "klingon"})),
    Case("provider of a type", "the block of the type is not required", provider()),
    Case("provider without a spec", "nothing at the top is required", without(provider(), "spec")),
    Case("provider with a null spec", "a null is pruned", manifest("GuardrailProvider", None)),
    Case(
        "provider with another block",
        "the blocks need not fit",
        provider("bedrock-api", presidio={"baseUrl": "/"}),
    ),
    Case(
        "provider of presidio at a list", "beside a format, the API server lets lists pass", presidio(["a"])
    ),
    Case("provider of presidio", "a URL", presidio("http://presidio:3000")),
    Case(
        "provider of presidio with a key",
        "the name defaults to empty",
        provider(presidio={"baseUrl": "http://h", "apiKeySecretRef": KEY}),
    ),
    Case(
        "provider of moderation",
        "nothing in the block is required",
        provider("openai-moderation-api", openaiModeration={}),
    ),
    Case(
        "provider of moderation with a key",
        "the name defaults to empty, and optional has no default",
        provider("openai-moderation-api", openaiModeration={"apiKeySecretRef": KEY, "baseUrl": "ftp://h"}),
    ),
    Case("provider of bedrock", "any text is a region", provider("bedrock-api", bedrock={"region": ""})),
    Case(
        "provider of bedrock with credentials",
        "no part of the reference is required",
        provider("bedrock-api", bedrock={"region": "r", "credentialsSecretRef": {}}),
    ),
    Case(
        "provider of bedrock with credentials elsewhere",
        "the reference has a namespace",
        provider(
            "bedrock-api", bedrock={"region": "r", "credentialsSecretRef": {"name": "a", "namespace": "b"}}
        ),
    ),
)

BAD_GUARDS = (
    Case("guard with an empty spec", "mode and provider are required", manifest("Guard", {})),
    Case("guard without a provider", "the provider is required", manifest("Guard", {"mode": MODES})),
    Case("guard with a null mode", "a null is pruned, and the mode is required", guard(mode=None)),
    Case("guard with no modes", "the list has at least one entry", guard(mode=[])),
    Case("guard with equal modes", "the list is a set", guard(mode=["pre_call", "pre_call"])),
    Case("guard with equal modes apart", "every entry is compared", guard(mode=[*MODES, "pre_call"])),
    Case("guard with one text as modes", "the modes are a list", guard(mode="pre_call")),
    Case("guard with another mode", "three modes are known", guard(mode=["pre_mcp_call"])),
    Case("guard with a mode in capitals", "the case counts", guard(mode=["PRE_CALL"])),
    Case("guard with a null in the modes", "a null in a list is not pruned", guard(mode=[None])),
    Case("guard with text as a provider", "a reference is an object", guard(providerRef="p")),
    Case("guard with an empty bedrock", "the identifier is required", guard(bedrock={})),
    Case(
        "guard with a numbered version",
        "a version is text",
        guard(bedrock={"guardrailId": "a", "guardrailVersion": 1}),
    ),
    Case("guard with a numbered model", "a model is text", guard(openaiModeration={"model": 4})),
    Case("guard with a numbered threshold", "it is text", guard(presidio={"scoreThresholds": {"ALL": 0.5}})),
    Case("guard with a list of actions", "actions are a map", guard(presidio={"entityActions": ["MASK"]})),
    Case("guard with an unknown block", "strict validation refuses it", guard(lakera={})),
    Case("provider with an empty spec", "the type is required", manifest("GuardrailProvider", {})),
    Case("provider with a null type", "a null is pruned, and the type is required", provider(None)),
    Case("provider of another type", "three types are known", provider("presidio")),
    Case("provider of an empty type", "three types are known", provider("")),
    Case("provider of presidio without a URL", "the URL is required", provider(presidio={})),
    Case(
        "provider of presidio with a bare host", "a URL begins with a scheme or a slash", presidio("presidio")
    ),
    Case("provider of presidio with an empty URL", "the text is no URL", presidio("")),
    Case("provider of presidio with a number", "a URL is text", presidio(3000)),
    Case(
        "provider of presidio with a nameless key",
        "the key is required",
        provider(presidio={"baseUrl": "http://h", "apiKeySecretRef": {"name": "s"}}),
    ),
    Case(
        "provider of moderation with a broken URL",
        "an optional URL is checked too",
        provider("openai-moderation-api", openaiModeration={"baseUrl": "http://h:x"}),
    ),
    Case(
        "provider of bedrock without a region", "the region is required", provider("bedrock-api", bedrock={})
    ),
    Case(
        "provider of bedrock with a key",
        "a reference to credentials has no key, and strict validation refuses it",
        provider("bedrock-api", bedrock={"region": "r", "credentialsSecretRef": {"name": "a", "key": "b"}}),
    ),
)
