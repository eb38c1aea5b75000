"""Reviews the models and servers of a configuration that LiteLLM 1.83.14 would not serve as intended."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from gateway_components.api.pod import EnvVar
from gateway_components.api.spelling import nearest
from gateway_components.api.syntax import shown
from gateway_components.errors import Finding, InText, Path, dotted
from gateway_components.plan.findings import WarningReason, plan_warning
from gateway_components.plan.litellm_schema import known_providers, models_named_twice, title
from gateway_components.plan.patch import merge, patch_title
from gateway_components.plan.references import PATCH_PATH
from gateway_components.plan.variables import block

_ALSO_CALLED = {
    "alibaba": "dashscope",
    "amazon": "bedrock",
    "aws": "bedrock",
    "azureopenai": "azure",
    "chatgpt4": "openai",
    "claude": "anthropic",
    "google": "gemini",
    "googleaistudio": "gemini",
    "gpt": "openai",
    "grok": "xai",
    "hf": "huggingface",
    "kimi": "moonshot",
    "llama": "meta_llama",
    "meta": "meta_llama",
    "microsoft": "azure",
    "nvidia": "nvidia_nim",
    "qwen": "dashscope",
    "tgi": "huggingface",
    "vertex": "vertex_ai",
    "xgrok": "xai",
    "zhipu": "zai",
}
"""What people call providers, by spelling far from the names that LiteLLM has for them."""
_LONGEST = 64
_CURED = 50
"""Looking for the nearest provider takes a millisecond or two; nobody reads more warnings than that."""

Config = Mapping[str, Any]


def model_warnings(generated: Config, patched: Config, variables: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each model that is not served as intended, before and after the config patch.

    `variables` are the names of those of the container.
    """
    models = patched.get("model_list")
    if not isinstance(models, Sequence) or isinstance(models, str):
        return
    typed = models == generated.get("model_list")
    known = known_providers() | _own_providers(patched)
    meant: dict[str, str | None] = {}
    for position, entry in enumerate(models):
        params = entry.get("litellm_params") if isinstance(entry, Mapping) else None
        if not isinstance(params, Mapping) or "custom_llm_provider" in params:
            continue
        model = params.get("model")
        if not isinstance(model, str) or "/" not in model:
            continue
        where = _Where(position, typed)
        provider, _, name = model.partition("/")
        if provider not in known:
            if provider not in meant:
                meant[provider] = _meant(provider, known) if len(meant) < _CURED else None
            yield from _unknown(provider, name, where, meant[provider])
        elif name.lower().startswith(f"{provider}/") and model not in models_named_twice():
            # A server of the user's own may call its models as it likes.
            own = "api_base" in params or any(f"{provider.upper()}_{part}" in variables for part in _BASES)
            if not own:
                yield _twice(provider, name, where, in_provider=entry.get("model_name") != name)
    yield from _mixed(models, typed=typed)


_BASES = ("API_BASE", "BASE_URL")


@dataclass(frozen=True, slots=True)
class _Where:
    """Where a model is written: in the spec, or in the config patch."""

    position: int
    typed: bool

    def path(self, part: str) -> Path:
        return ("spec", "aiModels", self.position, part) if self.typed else PATCH_PATH

    @property
    def inside(self) -> InText | None:
        path = ("model_list", self.position, "litellm_params", "model")
        return None if self.typed else InText(path=path)

    @property
    def subject(self) -> str:
        return "" if self.typed else f"model_list[{self.position}]: "


def _own_providers(config: Config) -> frozenset[str]:
    given = block(config, "litellm_settings").get("custom_provider_map")
    entries = given if isinstance(given, list) else []
    names = (entry.get("provider") for entry in entries if isinstance(entry, Mapping))
    return frozenset(name for name in names if isinstance(name, str))


def _unknown(provider: str, name: str, where: _Where, meant: str | None) -> Iterator[Finding]:
    if meant is None and not where.typed:
        # Of some models LiteLLM knows the provider without its name in front.
        return
    cure = f"did you mean {meant}?" if meant else "see the providers of LiteLLM"
    yield plan_warning(
        WarningReason.PROVIDER_UNKNOWN,
        f"{where.subject}{title()} knows no provider {shown(provider)}, so {shown(name)} is not served",
        where.path("provider"),
        cure,
        inside=where.inside,
    )


def _meant(provider: str, known: frozenset[str]) -> str | None:
    if len(provider) > _LONGEST:
        return None
    folded = {_folded(name): name for name in sorted(known)}
    written = _folded(provider)
    if written in folded:
        return folded[written]
    if written in _ALSO_CALLED:
        return _ALSO_CALLED[written]
    near = get_close_matches(written, folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _twice(provider: str, name: str, where: _Where, *, in_provider: bool) -> Finding:
    own = name.partition("/")[2]
    field, written = ("provider", provider) if in_provider else ("name", own)
    return plan_warning(
        WarningReason.PROVIDER_REPEATED,
        f"{where.subject}the provider {provider} is named twice, so LiteLLM asks it for a model {shown(name)}",
        where.path(field),
        f"write {shown(written if where.typed else f'{provider}/{own}')}",
        inside=where.inside,
    )


def _mixed(models: Sequence[Any], *, typed: bool) -> Iterator[Finding]:
    entries: dict[str, list[str]] = {}
    for entry in models:
        params = entry.get("litellm_params") if isinstance(entry, Mapping) else None
        if not isinstance(params, Mapping):
            continue
        name, model = entry.get("model_name"), params.get("model")
        if isinstance(name, str) and isinstance(model, str):
            entries.setdefault(name, []).append(model)
    for name, found in entries.items():
        providers = sorted({model.partition("/")[0] for model in found})
        if len(providers) > 1 and ("*" in name or any("*" in model for model in found)):
            yield plan_warning(
                WarningReason.PROVIDERS_MIXED,
                f"{len(found)} models are called {shown(name)}, of the providers {', '.join(providers)}: LiteLLM "
                "picks one of them at each call, whatever model is requested",
                ("spec", "aiModels") if typed else PATCH_PATH,
                f'give each provider a name of its own, such as "{providers[0]}/*"',
                inside=None if typed else InText(path=("model_list",)),
            )


SEPARATOR = "-"
"""What LiteLLM writes between the names of a server and a tool; no server name may contain it."""
_VARIABLE = "MCP_TOOL_PREFIX_SEPARATOR"
"""The variable by which LiteLLM takes another one."""
_CREDENTIALS = (
    "authentication_token",
    "auth_value",
    "client_secret",
    "static_headers",
    "aws_secret_access_key",
    "aws_session_token",
    "env",
)
"""Keys of an entry whose values LiteLLM 1.83.14 prints when it refuses the call of a tool."""
_REACHED_BY = frozenset(("url", "command", "spec_path"))
"""Keys of an entry, one of which makes a server of it."""


def separator_of(env: Iterable[EnvVar]) -> str:
    """Return what LiteLLM writes between the names of a server and a tool, as far as the user's variables say."""
    return {variable.name: variable.value or "" for variable in env}.get(_VARIABLE, SEPARATOR)


def with_server_keys(
    patch: Mapping[str, Any], names: Mapping[str, str | None], served: Container[str]
) -> Mapping[str, Any]:
    """Return `patch` with the keys that LiteLLM knows routes by, where it writes them as the operator reference does.

    `names` has the key in use for each documented key of a route; None for a route whose key belongs to another.
    Patches of routes that are not among the keys `served` wait until they are: without a URL, they would be unreachable
    servers.
    """
    servers = patch.get("mcp_servers")
    if not isinstance(servers, Mapping):
        return patch
    known = {key for key in names.values() if key}
    renamed: dict[str, Any] = {}
    for written, entry in servers.items():
        key = names.get(written, written)
        waits = key in known and key not in served
        if key is None or (waits and not (isinstance(entry, Mapping) and _REACHED_BY & entry.keys())):
            continue
        before = renamed.get(key)
        renamed[key] = (
            {**before, **entry} if isinstance(before, Mapping) and isinstance(entry, Mapping) else entry
        )
    return {**patch, "mcp_servers": renamed}


def patched(
    generated: Config, patch: Config, names: Mapping[str, str | None], namespace: str
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return a configuration with its patch, and the keys of guests that are left out of it.

    A patch may have a server of its own under the key of a guest, a route of another namespace than the gateway's.
    Merged with that, the guest would lead the server's credentials elsewhere, or open it to every key of the proxy.
    `names` has the key of each route of the gateway by the name that the operator reference has for it.
    """
    servers = generated.get("mcp_servers", {})
    renamed = with_server_keys(patch, names, servers)
    found = block(renamed, "mcp_servers").items()
    own = {key for key, one in found if isinstance(one, Mapping) and _REACHED_BY & one.keys()}
    guests = {key for name, key in names.items() if key and name.partition("__")[0] != namespace}
    hidden = frozenset(own & guests & servers.keys())
    if hidden:
        left = {key: entry for key, entry in servers.items() if key not in hidden}
        generated = {**generated, "mcp_servers": left}
    return merge(generated, renamed), hidden


def as_written(
    findings: Iterable[Finding], patch: Mapping[str, Any], names: Mapping[str, str | None]
) -> Iterator[Finding]:
    """Yield findings on the configuration after the patch with the place that the patch has for them.

    It may name a route as documented: `names` as for `with_server_keys`.
    """
    servers = block(patch, "mcp_servers")
    documented = {key: written for written, key in names.items() if written in servers and key not in servers}
    for finding in findings:
        match finding.inside and finding.inside.path:
            case ("mcp_servers", str(key), *below) if finding.inside and key in documented:
                path = ("mcp_servers", documented[key], *below)
                yield replace(finding, inside=replace(finding.inside, path=path))
            case _:
                yield finding


def server_warnings(
    name: str, config: Mapping[str, Any], served: Collection[str], separator: str = SEPARATOR
) -> Iterator[Finding]:
    """Yield all warnings about MCP servers.

    `name` is that of the ConfigMap with the patch, empty without one; `config` is the configuration after the patch,
    and `served` the keys of the routes in it. LiteLLM writes `separator` between the names of a server and a tool.
    """
    yield from server_name_warnings(name, config, served, separator)
    yield from unreachable_warnings(name, config, served, separator)
    yield from credential_warnings(config)


def server_name_warnings(
    name: str, config: Mapping[str, Any], served: Collection[str], separator: str = SEPARATOR
) -> Iterator[Finding]:
    """Yield a warning for each name of an MCP server that LiteLLM does not start with."""
    for key in block(config, "mcp_servers") if separator else ():
        if separator not in key:
            continue
        if key in served:
            message = (
                f'LiteLLM does not start with the key {key} of a route while {_VARIABLE} is "{separator}"'
            )
            yield plan_warning(
                WarningReason.SERVER_NAME_REFUSED, message, ("spec", "env"), "leave that variable out"
            )
            continue
        right = key.replace(separator, "_" if separator != "_" else "")
        meant = nearest(right, dict.fromkeys(served)) if served else None
        yield plan_warning(
            WarningReason.SERVER_NAME_REFUSED,
            f'LiteLLM does not start with "{separator}" in the name of a server, '
            f"but {dotted(('mcp_servers', key))} has it",
            PATCH_PATH,
            f"write {meant}, the key of a route" if meant else f"write {right}",
            inside=InText(patch_title(name), ("mcp_servers", key)),
        )


def unreachable_warnings(
    name: str, config: Mapping[str, Any], served: Collection[str], separator: str = SEPARATOR
) -> Iterator[Finding]:
    """Yield a warning for each entry without an address, which is without effect: mostly a route was meant."""
    for key, entry in block(config, "mcp_servers").items():
        refused = bool(separator) and separator in key
        if refused or not isinstance(entry, Mapping) or any(entry.get(way) for way in _REACHED_BY):
            continue
        path = ("mcp_servers", key)
        meant = None if key in served else nearest(key, dict.fromkeys(served))
        yield plan_warning(
            WarningReason.SERVER_UNREACHABLE,
            f"{dotted(path)} has no url, so it leads to no server",
            PATCH_PATH,
            f"write {meant}, the key of a route" if meant else "give it a url, or remove it",
            inside=InText(patch_title(name), path),
        )


def credential_warnings(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a warning for each credential of an MCP server, which LiteLLM shows to whoever can call the gateway."""
    for server, entry in block(config, "mcp_servers").items():
        for key in _CREDENTIALS if isinstance(entry, Mapping) else ():
            if entry.get(key):
                path = ("mcp_servers", server, key)
                yield plan_warning(
                    WarningReason.SERVER_CREDENTIAL_SHOWN,
                    f"LiteLLM 1.83.14 shows {dotted(path)} to anyone who calls a tool that it does not have",
                    PATCH_PATH,
                    "let clients send it by extra_headers, or let nobody reach the gateway who may not know it",
                    inside=InText(path=path),
                )
