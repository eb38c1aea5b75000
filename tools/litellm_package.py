"""Where the pinned LiteLLM package says which keys its ``config.yaml`` has: types, signatures and source."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools import litellm_reads
from tools.errors import ToolsError

Schema = dict[str, Any]

_PROXY = "litellm.proxy._types"
_ROUTER = "litellm.types.router"
_POLICIES = "litellm.types.proxy.policy_engine.policy_types"
_MODELS = {
    "general_settings": f"{_PROXY}:ConfigGeneralSettings",
    "config": f"{_PROXY}:ConfigYAML",
    "jwt": f"{_PROXY}:LiteLLM_JWTAuth",
    "pass_through": f"{_PROXY}:PassThroughGenericEndpoint",
    "alerting_args": "litellm.types.integrations.slack_alerting:SlackAlertingArgs",
    "key_management": "litellm.types.secret_managers.main:KeyManagementSettings",
    "deployment": f"{_ROUTER}:Deployment",
    "model_params": f"{_ROUTER}:LiteLLM_Params",
    "model_params_dict": f"{_ROUTER}:LiteLLMParamsTypedDict",
    "retry_policy": f"{_ROUTER}:RetryPolicy",
    "allowed_fails_policy": f"{_ROUTER}:AllowedFailsPolicy",
    "assistants": f"{_ROUTER}:AssistantsTypedDict",
    "search_tool": f"{_ROUTER}:SearchToolTypedDict",
    "guardrail": "litellm.types.guardrails:Guardrail",
    "guardrail_params": "litellm.types.guardrails:LitellmParams",
    "upperbound": "litellm.types.proxy.management_endpoints.ui_sso:LiteLLM_UpperboundKeyGenerateParams",
    "key_generation": "litellm.types.utils:StandardKeyGenerationConfig",
    "credential": "litellm.types.utils:CredentialItem",
    "prompt": "litellm.types.prompts.init_prompts:PromptSpec",
    "agent": "litellm.types.agents:AgentConfig",
    "vector_store": "litellm.types.vector_stores:LiteLLM_VectorStoreConfig",
    "worker": "litellm.types.proxy.control_plane_endpoints:WorkerRegistryEntry",
    "mcp_server": "litellm.types.mcp_server.mcp_server_manager:MCPServer",
    "policy": f"{_POLICIES}:Policy",
    "policy_attachment": f"{_POLICIES}:PolicyAttachment",
}
_ARGUMENTS = {"router": "litellm.router:Router.__init__"}
_NAMES = {
    "model_params": "litellm.types.utils:all_litellm_params",
    "openai": "litellm.constants:DEFAULT_CHAT_COMPLETION_PARAM_VALUES",
    "embedding": "litellm.constants:DEFAULT_EMBEDDING_PARAM_VALUES",
}
_PROVIDERS = (
    "litellm.types.utils:LlmProviders",
    "litellm.llms.openai_like.json_loader:JSONProviderRegistry._providers",
)
_MODEL_NAMES = "litellm:model_cost"
_VALUES = {
    "guardrail": "litellm.proxy.guardrails.guardrail_registry:guardrail_initializer_registry",
    "guardrail_mode": "litellm.types.guardrails:GuardrailEventHooks",
    "routing_strategy": f"{_ROUTER}:RoutingStrategy",
    "cache_type": "litellm.types.caching:LiteLLMCacheType",
    "key_management_system": "litellm.types.secret_managers.main:KeyManagementSystem",
}
_OTHER_VALUES = {"routing_strategy": {"simple-shuffle"}}
"""Values that LiteLLM takes beside those (`Router.routing_strategy_init`)."""
_OWN_CLASS = r"\."
"""What the name of a class of the user's has."""
_CALLS = ("completion", "text_completion", "embedding", "image_generation", "image_edit", "transcription")
_OTHER_CALLS = ("speech", "moderation", "rerank", "responses", "ocr", "video_generation")
_CALL_FILES = ("main.py", "images/main.py", "responses/main.py", "rerank_api/main.py", "ocr/main.py")
_PARAM_MAPS = ("litellm_params", "optional_params", "non_default_params", "inference_params", "kwargs")
# The functions that read the file; elsewhere `config` means other things.
_LOADERS = (
    "load_config",
    "load_credential_list",
    "parse_search_tools",
    "_load_environment_variables",
    "_init_non_llm_configs",
    "_init_policy_engine",
)
# Documented by LiteLLM as settings, though the package of this version reads them nowhere.
_DOCUMENTED = {
    "general_settings": {"embedding_model", "use_client_credentials_pass_through_routes"},
    "litellm_settings": {"LITELLM_DISABLE_STOP_SEQUENCE_LIMIT"},
    "cache_params": {"redis_semantic_cache_use_async"},
}
_REDIS = "redis:Redis.__init__"  # what else `cache_params` may hold is handed on to it
QUESTION = {
    "models": list(_MODELS.values()),
    "arguments": [*_ARGUMENTS.values(), _REDIS],
    "names": [*_NAMES.values(), *_PROVIDERS, _MODEL_NAMES, *_VALUES.values()],
}
"""What `Package` wants to know from ``litellm/describe.py``."""


class Package:
    """The installed package, as ``litellm/describe.py`` answered to `QUESTION`."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self._described = described
        self._version = described["version"]
        self._root = root = Path(described["folder"])
        settings = litellm_reads.sources(root, root.parent / "litellm_enterprise", holding="_settings")
        self._settings = litellm_reads.reads(settings)
        self._server = litellm_reads.sources(root / "proxy" / "proxy_server.py")

    def config(self) -> Schema:
        """Return the schema of the whole file.

        Raises ToolsError: liteLLM has changed in a way that a source of its keys is not found.
        """
        loaders = [body for name in _LOADERS for body in litellm_reads.functions(self._server, name)]
        read = litellm_reads.reads(loaders)["config"]
        blocks: Schema = {
            **_open({*read, *self._model("config")["properties"], "include"}),
            "model_list": {"items": self._deployment()},
            "litellm_settings": self._litellm_settings(),
            "general_settings": self._general_settings(),
            "router_settings": self._router_settings(),
            "guardrails": {"items": self._guardrail()},
            "mcp_servers": {"additionalProperties": self._mcp_server()},
            "mcp_tools": {"items": _closed(("name", "description", "input_schema", "handler"))},
            "credential_list": {"items": self._keys("credential")},
            "assistant_settings": self._keys("assistants"),
            "search_tools": {"items": self._keys("search_tool")},
            "prompts": {"items": self._keys("prompt")},
            "agent_list": {"items": self._keys("agent")},
            "vector_store_registry": {"items": self._keys("vector_store")},
            "worker_registry": {"items": self._keys("worker")},
            "policies": {"additionalProperties": self._model("policy")},
            "policy_attachments": {"items": self._model("policy_attachment")},
        }
        title = f"LiteLLM {self._version}"
        comment = "Made from the package by `make schema`; tools/litellm_schema.py says what it means."
        return {
            "$comment": comment,
            "$defs": self._definitions(),
            "title": title,
            "properties": blocks,
            "additionalProperties": False,
        }

    def _definitions(self) -> Schema:
        """Return what stands in the values of models: the providers, and the models that repeat theirs."""
        names = self._described["names"]
        providers = {provider for source in _PROVIDERS for provider in names[source]}
        twice = [model for model in names[_MODEL_NAMES] if _repeats(model)]
        return {"provider": {"enum": sorted(providers)}, "modelNamedTwice": {"enum": sorted(twice)}}

    def _deployment(self) -> Schema:
        strategies = litellm_reads.reads(
            litellm_reads.sources(*(self._root / name for name in ("router.py", "router_strategy")))
        )
        read = strategies["deployment"] | strategies["_deployment"]
        schema = _closed({*read, *self._model("deployment")["properties"]})
        return _with(schema, litellm_params=self._model_params(), model_info={})

    def _model_params(self) -> Schema:
        root = self._root
        places = ("llms", "main.py", "utils.py", "litellm_core_utils", "router.py", "router_strategy")
        trees = litellm_reads.sources(*(root / place for place in places), holding="_params")
        read = litellm_reads.reads(trees)
        calls = litellm_reads.sources(*(root / file for file in _CALL_FILES))
        names = {
            *(key for name in _PARAM_MAPS for key in read.get(name, ())),
            *litellm_reads.class_fields(litellm_reads.sources(root / "llms"), "Config"),
            *(one for call in (*_CALLS, *_OTHER_CALLS) for one in litellm_reads.parameters(calls, call)),
            *self._model("model_params")["properties"],
            *self._model("model_params_dict")["properties"],
            *(name for source in _NAMES.values() for name in self._described["names"][source]),
        }
        return {**_closed(names), "additionalProperties": True}

    def _litellm_settings(self) -> Schema:
        [module] = litellm_reads.sources(self._root / "__init__.py")
        schema = _closed(
            {
                *litellm_reads.assigned_names(module),
                *litellm_reads.compared_keys(self._server, "load_config"),
                *self._read_from("litellm_settings"),
                *self._settings["litellm"],
                *_DOCUMENTED["litellm_settings"],
            }
        )
        return _with(
            schema,
            cache_params=self._cache_params(),
            upperbound_key_generate_params=self._keys("upperbound"),
            key_generation_settings=self._keys("key_generation"),
        )

    def _cache_params(self) -> Schema:
        files = (file for file in (self._root / "caching").glob("*_cache.py") if file.name != "dual_cache.py")
        places = (*files, self._root / "caching" / "caching.py", self._root / "_redis.py")
        trees = litellm_reads.sources(*places)
        schema = _closed(
            {
                *litellm_reads.parameters(trees, "__init__"),
                *litellm_reads.reads(trees)["redis_kwargs"],
                *self._described["arguments"][_REDIS],
                *_DOCUMENTED["cache_params"],
            }
        )
        return _with(schema, type=self._values("cache_type"))

    def _general_settings(self) -> Schema:
        schema = _closed(
            {
                *self._model("general_settings")["properties"],
                *self._read_from("general_settings"),
                *_DOCUMENTED["general_settings"],
            }
        )
        return _with(
            schema,
            alerting_args=self._keys("alerting_args"),
            key_management_settings=self._keys("key_management"),
            key_management_system=self._values("key_management_system"),
            litellm_jwtauth=self._keys("jwt"),
            pass_through_endpoints={"items": self._keys("pass_through")},
            search_tools={"items": self._keys("search_tool")},
        )

    def _router_settings(self) -> Schema:
        # LiteLLM takes these two from the top level and ignores them here.
        elsewhere = {"model_list", "search_tools"}
        schema = _closed(set(self._described["arguments"][_ARGUMENTS["router"]]) - elsewhere)
        retry = self._keys("retry_policy")
        return _with(
            schema,
            retry_policy=retry,
            routing_strategy=self._values("routing_strategy"),
            model_group_retry_policy={"additionalProperties": retry},
            allowed_fails_policy=self._keys("allowed_fails_policy"),
        )

    def _guardrail(self) -> Schema:
        trees = litellm_reads.sources(self._root / "proxy" / "guardrails")
        models = self._root / "types" / "proxy" / "guardrails"
        names = {
            *self._model("guardrail_params")["properties"],
            *litellm_reads.reads(trees)["litellm_params"],
            *litellm_reads.parameters(trees, "__init__"),
            *litellm_reads.class_fields(litellm_reads.sources(models), "Config"),
        }
        params = _with(
            {**_closed(names), "additionalProperties": True},
            guardrail={**self._values("guardrail"), "pattern": _OWN_CLASS},
            mode=self._values("guardrail_mode"),
        )
        return _with(self._keys("guardrail"), litellm_params=params)

    def _mcp_server(self) -> Schema:
        manager = self._root / "proxy" / "_experimental" / "mcp_server" / "mcp_server_manager.py"
        schema = _closed(litellm_reads.reads(litellm_reads.sources(manager))["server_config"])
        fields = self._model("mcp_server")["properties"]
        return _with(
            schema,
            **{
                name: below
                for name, below in fields.items()
                if name in schema["properties"] and "enum" in below
            },
        )

    def _model(self, name: str) -> Schema:
        schema: Schema = self._described["models"][_MODELS[name]]
        return schema

    def _keys(self, name: str) -> Schema:
        """Return the schema of a type without what is below its keys."""
        schema = self._model(name)
        return {**_closed(schema["properties"]), "additionalProperties": schema["additionalProperties"]}

    def _values(self, name: str) -> Schema:
        """Return the schema of a text that is one of a few."""
        known = {*self._described["names"][_VALUES[name]], *_OTHER_VALUES.get(name, ())}
        if not known:
            raise ToolsError(f"LiteLLM has no values of {name} there; adapt tools/litellm_package.py")
        return {"enum": sorted(known)}

    def _read_from(self, ending: str) -> set[str]:
        return {key for name, keys in self._settings.items() if name.endswith(ending) for key in keys}


def _open(names: Iterable[str]) -> Schema:
    return {name: {} for name in names}


def _repeats(model: str) -> bool:
    provider, _, name = model.partition("/")
    return name.startswith(f"{provider}/")


def _closed(names: Iterable[str]) -> Schema:
    known = {name for name in names if name and not name.startswith("_")}
    if not known:
        raise ToolsError("a source of LiteLLM's keys was not found; tools/litellm_package.py must be adapted")
    return {"properties": _open(known), "additionalProperties": False}


def _with(schema: Schema, **below: Schema) -> Schema:
    missing = below.keys() - schema["properties"].keys()
    if missing:
        raise ToolsError(
            f"LiteLLM no longer has {', '.join(sorted(missing))}; adapt tools/litellm_package.py"
        )
    return {**schema, "properties": {**schema["properties"], **below}}
