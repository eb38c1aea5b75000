"""Manifests that the reference CRDs admit."""

from tests.api.case import MODEL, Case, divisor, env, gateway, gateway_class, without

GOOD = (
    Case("one model", "a list of one model is all that is required", gateway()),
    Case("no spec", "nothing at the top of the schema is required", without(gateway(), "spec")),
    Case("null spec", "a null is pruned, and the spec may be absent", gateway(top={"spec": None})),
    Case("same model twice", "the list is no set", gateway(aiModels=[MODEL, MODEL])),
    Case(
        "model in any script",
        "a length is counted in characters",
        gateway(aiModels=[{"name": "é", "provider": "🙂"}]),
    ),
    Case(
        "model of spaces",
        "only the length of the name is checked",
        gateway(aiModels=[{"name": " ", "provider": " "}]),
    ),
    Case("no port", "the port defaults to 80", gateway()),
    Case("null port", "a null is pruned before defaults are filled in", gateway(port=None)),
    Case("smallest port", "1 is the minimum", gateway(port=1)),
    Case("largest port", "65535 is the maximum", gateway(port=65535)),
    Case("port as a whole float", "JSON knows one kind of number, and 8080.0 is whole", gateway(port=8080.0)),
    Case("class", "any text names a class", gateway(aiGatewayClassName="litellm")),
    Case("empty class", "the class has no minimum length", gateway(aiGatewayClassName="")),
    Case("null class", "a null is pruned", gateway(aiGatewayClassName=None)),
    Case("empty lists", "only aiModels has a minimum", gateway(env=[], envFrom=[], guardrails=[])),
    Case("null lists", "nulls are pruned", gateway(env=None, envFrom=None, guardrails=None)),
    Case(
        "empty overlays", "both maps of an overlay may be absent", gateway(commonMetadata={}, podMetadata={})
    ),
    Case("null overlays", "nulls are pruned", gateway(commonMetadata=None, podMetadata={"labels": None})),
    Case(
        "labels", "a map of text", gateway(commonMetadata={"labels": {"a": "b"}, "annotations": {"c": "d e"}})
    ),
    Case("broken label", "the schema has no label syntax", gateway(podMetadata={"labels": {"a b": "c d"}})),
    Case(
        "null label",
        "a null value of a map is pruned",
        gateway(podMetadata={"labels": {"a": None, "b": "c"}}),
    ),
    Case("variable", "a name and a value", gateway(env=[{"name": "A", "value": "b"}])),
    Case("bare variable", "a value is not required", gateway(env=[{"name": "A"}])),
    Case("null value", "a null is pruned", gateway(env=[{"name": "A", "value": None, "valueFrom": None}])),
    Case("empty variable name", "the name has no minimum length", gateway(env=[{"name": ""}])),
    Case("same variable twice", "the list is no map", gateway(env=[{"name": "A"}, {"name": "A"}])),
    Case("value from nowhere", "no source is required by the schema", env()),
    Case("secret key", "optional has no default here", env(secretKeyRef={"name": "s", "key": "k"})),
    Case("secret key without a name", "the name defaults to empty", env(secretKeyRef={"key": "k"})),
    Case(
        "secret key with a null name",
        "the default replaces the null",
        env(secretKeyRef={"name": None, "key": "k"}),
    ),
    Case(
        "config map key",
        "optional is a boolean",
        env(configMapKeyRef={"name": "c", "key": "k", "optional": True}),
    ),
    Case("config map key without a name", "the name defaults to empty", env(configMapKeyRef={"key": ""})),
    Case(
        "file key",
        "optional defaults to false here",
        env(fileKeyRef={"key": "k", "path": "p", "volumeName": "v"}),
    ),
    Case("field", "apiVersion is optional", env(fieldRef={"fieldPath": "status.podIP"})),
    Case("field of a version", "any text is a version", env(fieldRef={"apiVersion": "v9", "fieldPath": ""})),
    Case(
        "two sources",
        "the schema does not choose",
        env(fieldRef={"fieldPath": "a"}, secretKeyRef={"key": "k"}),
    ),
    Case("resource", "the divisor is optional", env(resourceFieldRef={"resource": "limits.cpu"})),
    Case("whole divisor", "a divisor is an integer or text", divisor(1)),
    Case("divisor as a whole float", "2.0 is an integer in JSON", divisor(2.0)),
    Case("divisor with a unit", "the text matches the pattern of quantities", divisor("1Mi")),
    Case("signed divisor", "the pattern takes a sign and an exponent", divisor("-1.5e+3")),
    Case("null divisor", "a null is pruned", divisor(None)),
    Case(
        "environment of a secret",
        "the name is there",
        gateway(envFrom=[{"secretRef": {"name": "s"}, "prefix": "P_"}]),
    ),
    Case("environment of nothing", "no source is required by the schema", gateway(envFrom=[{}])),
    Case(
        "environment without a name",
        "both names default to empty",
        gateway(envFrom=[{"secretRef": {}}, {"configMapRef": {}}]),
    ),
    Case(
        "guardrail",
        "a reference with all its parts",
        gateway(
            guardrails=[
                {
                    "apiVersion": "a",
                    "fieldPath": "b",
                    "kind": "c",
                    "name": "d",
                    "namespace": "e",
                    "resourceVersion": "f",
                    "uid": "g",
                }
            ]
        ),
    ),
    Case("empty guardrail", "no part of a reference is required", gateway(guardrails=[{}])),
    Case(
        "bad status",
        "the status of a new object is dropped unread",
        gateway(top={"status": {"conditions": [{"type": ""}]}}),
    ),
    Case("status of text", "the status of a new object is dropped unread", gateway(top={"status": "fine"})),
    Case("generated name", "the API server makes up a name", gateway(metadata={"generateName": "example-"})),
    Case("name with a dot", "a subdomain is a name", gateway(metadata={"name": "a.b"})),
    Case("long name", "253 characters are allowed", gateway(metadata={"name": "a" * 253})),
    Case(
        "null metadata",
        "nulls in metadata are absent",
        gateway(metadata={"name": "a", "labels": None, "creationTimestamp": None}),
    ),
    Case(
        "own labels",
        "syntax of labels and annotations is right",
        gateway(metadata={"name": "a", "labels": {"a.b/C": ""}, "annotations": {"A.b/c": "ü"}}),
    ),
    Case("class of a controller", "a controller is text", gateway_class({"controller": "a/b"})),
    Case(
        "class of an empty controller",
        "the controller has no minimum length",
        gateway_class({"controller": ""}),
    ),
    Case("class without a spec", "nothing at the top is required", without(gateway_class({}), "spec")),
    Case("class with a null spec", "a null is pruned", gateway_class(None)),
)
