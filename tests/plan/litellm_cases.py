"""Configurations of LiteLLM: what it knows, what it does not, and what has another shape than it reads."""

from typing import Any

GENERATED: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "a model",
        {
            "model_list": [
                {"model_name": "a", "litellm_params": {"model": "openai/a", "api_key": "os.environ/K"}}
            ]
        },
    ),
    (
        "a tool server",
        {
            "mcp_servers": {
                "team__search": {
                    "url": "http://search.team.svc.cluster.local/mcp",
                    "transport": "http",
                    "allowed_tools": ["find"],
                    "disallowed_tools": ["drop"],
                    "allow_all_keys": True,
                }
            }
        },
    ),
    ("the settings", {"litellm_settings": {"request_timeout": 600, "callbacks": ["otel", "prometheus"]}}),
    (
        "a presidio guardrail",
        {
            "guardrails": [
                {
                    "guardrail_name": "pii",
                    "litellm_params": {
                        "guardrail": "presidio",
                        "mode": ["pre_call"],
                        "default_on": True,
                        "output_parse_pii": True,
                        "presidio_analyzer_api_base": "http://presidio",
                        "presidio_anonymizer_api_base": "http://presidio",
                        "presidio_language": "en",
                        "presidio_score_thresholds": {"PERSON": 0.5},
                        "pii_entities_config": {"PERSON": "MASK"},
                    },
                }
            ]
        },
    ),
    (
        "a bedrock guardrail",
        {
            "guardrails": [
                {
                    "guardrail_name": "aws",
                    "litellm_params": {
                        "guardrail": "bedrock",
                        "mode": "pre_call",
                        "guardrailIdentifier": "i",
                        "guardrailVersion": "1",
                        "aws_region_name": "eu-central-1",
                        "aws_access_key_id": "os.environ/A",
                        "aws_secret_access_key": "os.environ/B",
                    },
                }
            ]
        },
    ),
)

DOCUMENTED = {
    "general_settings": (
        "master_key database_url database_connection_pool_limit database_connection_timeout store_model_in_db "
        "proxy_budget_rescheduler_min_time proxy_budget_rescheduler_max_time proxy_batch_write_at custom_auth "
        "disable_spend_logs alerting alerting_threshold alerting_args alert_types alert_to_webhook_url "
        "background_health_checks health_check_interval key_management_system key_management_settings "
        "enable_jwt_auth litellm_jwtauth pass_through_endpoints allowed_routes public_routes max_parallel_requests "
        "global_max_parallel_requests store_prompts_in_spend_logs maximum_spend_logs_retention_period "
        "maximum_spend_logs_retention_interval enable_oauth2_auth enforced_params use_x_forwarded_for "
        "allow_requests_on_db_unavailable user_api_key_cache_ttl embedding_model oauth2_config_mappings "
        "forward_client_headers_to_llm_api disable_responses_id_security user_mcp_management_mode "
        "use_client_credentials_pass_through_routes custom_key_generate spend_report_frequency"
    ),
    "litellm_settings": (
        "success_callback failure_callback callbacks service_callback turn_off_message_logging cache cache_params "
        "redact_user_api_key_info langfuse_default_tags request_timeout force_ipv4 json_logs default_fallbacks "
        "content_policy_fallbacks context_window_fallbacks fallbacks num_retries allowed_fails mcp_aliases "
        "drop_params modify_params set_verbose enable_preview_features key_generation_settings ssl_verify "
        "disable_end_user_cost_tracking enable_json_schema_validation disable_hf_tokenizer_download "
        "default_team_settings default_internal_user_params upperbound_key_generate_params custom_provider_map "
        "max_budget budget_duration max_internal_user_budget priority_reservation s3_callback_params "
        "custom_prometheus_metadata_labels guardrails post_call_rules store_audit_logs tag_budget_config "
        "prompt_injection_params websearch_interception_params responses model_group_settings"
    ),
    "router_settings": (
        "routing_strategy routing_strategy_args redis_host redis_password redis_port redis_url redis_db fallbacks "
        "enable_pre_call_checks allowed_fails allowed_fails_policy cooldown_time disable_cooldowns retry_policy "
        "enable_tag_filtering tag_filtering_match_any num_retries timeout stream_timeout model_group_alias "
        "model_group_retry_policy content_policy_fallbacks context_window_fallbacks default_fallbacks retry_after "
        "cache_responses cache_kwargs caching_groups client_ttl provider_budget_config optional_pre_call_checks "
        "default_litellm_params max_fallbacks default_max_parallel_requests polling_interval debug_level"
    ),
}
"""Keys of the reference tables in LiteLLM's documentation."""

BELOW: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "redis as a cache",
        {"type": "redis", "host": "h", "port": 1, "password": "p", "namespace": "n", "ttl": 1},
    ),
    ("redis that redis-py itself knows", {"max_connections": 1, "ssl": True, "ssl_check_hostname": False}),
    ("sentinels", {"service_name": "m", "sentinel_nodes": [["h", 1]], "sentinel_password": "p"}),
    ("a semantic cache", {"qdrant_collection_name": "c", "similarity_threshold": 0.8}),
    ("objects", {"s3_bucket_name": "b", "s3_endpoint_url": "u", "gcs_bucket_name": "b", "gcs_path": "p"}),
)

BLOCKS = (
    "model_list litellm_settings general_settings router_settings environment_variables callback_settings include "
    "credential_list search_tools assistant_settings finetune_settings files_settings default_vertex_config "
    "guardrails prompts mcp_tools mcp_servers agent_list vector_store_registry worker_registry policies "
    "policy_attachments"
)

UNKNOWN: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    ({"router_setting": {}}, "router_setting", "Did you mean router_settings?", "a block"),
    (
        {"general_settings": {"masterkey": "x"}},
        "general_settings.masterkey",
        "Did you mean master_key?",
        "a setting without its underscore",
    ),
    (
        {"litellm_settings": {"service_callbacks": []}},
        "litellm_settings.service_callbacks",
        "Did you mean service_callback?",
        "documented so, but the package reads it without the s",
    ),
    (
        {"litellm_settings": {"cache_params": {"redis_host": "h"}}},
        "litellm_settings.cache_params.redis_host",
        "Did you mean host?",
        "a map of a setting is looked into",
    ),
    ({"callbacks": []}, "callbacks", "Move it to litellm_settings.", "a setting that stands too far left"),
    (
        {"litellm_settings": {"routing_strategy": "x"}},
        "litellm_settings.routing_strategy",
        "Move it to router_settings.",
        "a setting of another block",
    ),
    (
        {"general_settings": {"mcp_servers": {}}},
        "general_settings.mcp_servers",
        "Move it to the top level.",
        "a block inside another",
    ),
    (
        {"model_list": [{}, {"api_key": "os.environ/K"}]},
        "model_list[1].api_key",
        "Move it to litellm_params.",
        "a parameter that is not indented enough; the path has the position",
    ),
    (
        {"model_list": [{"litellm_params": {"api_kye": "x"}}]},
        "model_list[0].litellm_params.api_kye",
        "Did you mean api_key?",
        "a slip where LiteLLM passes on what it does not know",
    ),
    (
        {"guardrails": [{"litellm_params": {"presidio_analyser_api_base": "x"}}]},
        "guardrails[0].litellm_params.presidio_analyser_api_base",
        "Did you mean presidio_analyzer_api_base?",
        "a slip in a guardrail, which may be of the user's own class",
    ),
    (
        {"mcp_servers": {"any_name": {"auth-type": "none"}}},
        "mcp_servers.any_name.auth-type",
        "Did you mean auth_type?",
        "below a name that the user chooses",
    ),
    (
        {"router_settings": {"retry_policy": {"TimeoutRetries": 1}}},
        "router_settings.retry_policy.TimeoutRetries",
        "Did you mean TimeoutErrorRetries?",
        "a policy",
    ),
    (
        {"worker_registry": [{"qqq": 1}]},
        "worker_registry[0].qqq",
        "Remove it; the keys here are name, url, worker_id.",
        "nothing is near, and there are few keys",
    ),
    (
        {"general_settings": {"qqq": 1}},
        "general_settings.qqq",
        "Remove it.",
        "nothing is near among many keys",
    ),
)

FREE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"environment_variables": {"MASTERKEY": "x"}}, "variables have any name"),
    ({"callback_settings": {"otel": {"message_loging": False}}}, "each callback has its own settings"),
    ({"model_list": [{"model_info": {"base_modle": "x", "owner": {"team": 1}}}]}, "metadata of the user's"),
    ({"mcp_servers": {"general_setting": {"url": "u"}}}, "servers have any name"),
    ({"mcp_servers": {"a": {"env": {"K": "v"}, "static_headers": {"X-A": "b"}}}}, "variables and headers"),
    ({"router_settings": {"model_group_alias": {"a": "b"}}}, "aliases have any name"),
    ({"policies": {"any": {"guardrails": {"add": ["a"]}}}}, "policies have any name"),
    ({"model_list": [{"litellm_params": {"own_option": 1}}]}, "a parameter that a provider may know"),
    ({"model_list": [{"litellm_params": {"maxToken": 1, "apiKey": 1}}]}, "camelCase may be a provider's own"),
    (
        {"model_list": [{"litellm_params": {"top_a": 1, "max_token": 1, "stop_sequence": 1}}]},
        "short, or a plural",
    ),
    (
        {"guardrails": [{"litellm_params": {"guardrail": "own.Guard", "strictness": 1}}]},
        "a class of the user's",
    ),
)

MISSHAPEN: tuple[dict[str, Any], ...] = (
    {"general_settings": None},
    {"model_list": [{"model_name": 3, "litellm_params": "text"}]},
    {"mcp_servers": {"a": {"allowed_tools": "one"}}},
    {"guardrails": [None]},
)

SHAPES = [
    (
        "block of text",
        {"mcp_servers": "hello"},
        ("mcp_servers",),
        "Write a map",
        "LiteLLM reads servers by their names",
    ),
    (
        "block of a number",
        {"model_list": 3},
        ("model_list",),
        "Write a list",
        "LiteLLM goes through the models",
    ),
    ("list for a map", {"litellm_settings": []}, ("litellm_settings",), "Write a map", "settings have names"),
    ("entry", {"model_list": [3]}, ("model_list", 0), "Write a map", "a model has parts"),
    ("server", {"mcp_servers": {"a": "url"}}, ("mcp_servers", "a"), "Write a map", "a server has parts"),
    (
        "settings in settings",
        {"litellm_settings": {"cache_params": 3}},
        ("litellm_settings", "cache_params"),
        "Write a map",
        "they have names as well",
    ),
]
