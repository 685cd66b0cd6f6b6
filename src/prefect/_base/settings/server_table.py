"""The settings of the store and the server; those of its services are in `services_table`.

"Accepted, without effect" marks what Prefect has and this package has no use for: a configuration that names
it goes on working.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from prefect._base.settings.kinds import (
    BOOL,
    COUNT,
    DURATION,
    LOG_LEVEL,
    PATH,
    PORT,
    POSITIVE,
    SECONDS,
    TEXT,
    Spec,
    choice,
    optional,
)

SERVER_TABLE: Final = (
    Spec(
        "server.logging_level",
        LOG_LEVEL,
        "WARNING",
        "Level of the server's logs.",
        "PREFECT_LOGGING_SERVER_LEVEL",
    ),
    Spec("server.analytics_enabled", BOOL, True, "Accepted, without effect: nothing is ever sent anywhere."),
    Spec(
        "server.metrics_enabled",
        BOOL,
        False,
        "Prometheus metrics at `/api/metrics`.",
        "PREFECT_API_ENABLE_METRICS",
    ),
    Spec(
        "server.register_blocks_on_start",
        BOOL,
        True,
        "Register the built-in block types when the server starts.",
        "PREFECT_API_BLOCKS_REGISTER_ON_START",
    ),
    Spec(
        "server.deployment_schedule_max_scheduled_runs",
        POSITIVE,
        50,
        "Most runs that one schedule may have waiting.",
        "PREFECT_DEPLOYMENT_SCHEDULE_MAX_SCHEDULED_RUNS",
    ),
    # server.api
    Spec("server.api.host", TEXT, "127.0.0.1", "Address that the server listens on."),
    Spec("server.api.port", PORT, 4200, "Port that the server listens on; 0: any free one."),
    Spec("server.api.auth_string", optional(TEXT), None, "`user:password` the server asks for.", secret=True),
    Spec(
        "server.api.default_limit", POSITIVE, 200, "Page size, and its maximum.", "PREFECT_API_DEFAULT_LIMIT"
    ),
    Spec("server.api.base_path", optional(TEXT), None, "Path of the API, such as `/prefect/api`."),
    Spec("server.api.keepalive_timeout", SECONDS, 5, "Seconds until an idle connection is closed."),
    Spec(
        "server.api.csrf_protection_enabled",
        BOOL,
        False,
        "Ask browsers for CSRF tokens.",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED",
    ),
    Spec(
        "server.api.cors_allowed_origins",
        TEXT,
        "*",
        "Origins that browsers may call from, comma-separated.",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS",
    ),
    Spec(
        "server.api.cors_allowed_methods",
        TEXT,
        "*",
        "HTTP methods that they may use, comma-separated.",
        "PREFECT_SERVER_CORS_ALLOWED_METHODS",
    ),
    Spec(
        "server.api.cors_allowed_headers",
        TEXT,
        "*",
        "HTTP headers that they may send, comma-separated.",
        "PREFECT_SERVER_CORS_ALLOWED_HEADERS",
    ),
    Spec("server.api.max_parameter_size", COUNT, 524_288, "Most bytes of a run's parameters; 0: no limit."),
    Spec("server.api.max_request_size", POSITIVE, 32 * 1024**2, "Most bytes of one request."),
    Spec(
        "server.api.allow_unauthenticated",
        BOOL,
        False,
        "Listen on other addresses than this machine's own without asking anybody who they are.",
    ),
    Spec(
        "server.api.access_log",
        optional(choice("text", "json")),
        None,
        "A line for each request: `text` or `json`; unset: none.",
    ),
    Spec("server.api.drain_seconds", SECONDS, 10, "Seconds that a server that stops gives to open requests."),
    # server.database
    Spec(
        "server.database.connection_url",
        TEXT,
        "sqlite:///$PREFECT_HOME/pluperfect.db",
        "The store: `sqlite:///file` or `postgresql://user:password@host:port/name`.",
        "PREFECT_API_DATABASE_CONNECTION_URL",
        secret=True,
    ),
    Spec(
        "server.database.driver",
        optional(TEXT),
        None,
        "With the next five, instead of the URL: `postgresql` or `sqlite`.",
        "PREFECT_API_DATABASE_DRIVER",
    ),
    Spec("server.database.host", optional(TEXT), None, "Host of the database.", "PREFECT_API_DATABASE_HOST"),
    Spec("server.database.port", optional(PORT), None, "Port of the database.", "PREFECT_API_DATABASE_PORT"),
    Spec("server.database.user", optional(TEXT), None, "User of the database.", "PREFECT_API_DATABASE_USER"),
    Spec(
        "server.database.name",
        optional(TEXT),
        None,
        "Name of the database, or path of the SQLite file.",
        "PREFECT_API_DATABASE_NAME",
    ),
    Spec(
        "server.database.password",
        optional(TEXT),
        None,
        "Password of the database.",
        "PREFECT_API_DATABASE_PASSWORD",
        secret=True,
    ),
    Spec(
        "server.database.timeout",
        optional(SECONDS),
        10.0,
        "Seconds until a statement is given up.",
        "PREFECT_API_DATABASE_TIMEOUT",
    ),
    Spec(
        "server.database.connection_timeout",
        optional(SECONDS),
        5.0,
        "Seconds until connecting is given up.",
        "PREFECT_API_DATABASE_CONNECTION_TIMEOUT",
    ),
    Spec(
        "server.database.migrate_on_start",
        BOOL,
        True,
        "Bring an older store up to date when it is opened.",
        "PREFECT_API_DATABASE_MIGRATE_ON_START",
    ),
    Spec(
        "server.database.retention_days",
        COUNT,
        90,
        "Ended runs older than this are deleted; 0: kept for ever.",
    ),
    Spec(
        "server.database.max_bytes",
        COUNT,
        10 * 1024**3,
        "The oldest ended runs are deleted when the store is larger than this; 0: no limit.",
    ),
    Spec(
        "server.database.sqlalchemy.pool_size",
        optional(COUNT),
        5,
        "Connections to Postgres that are kept open.",
        "PREFECT_SQLALCHEMY_POOL_SIZE",
    ),
    Spec(
        "server.database.sqlalchemy.max_overflow",
        COUNT,
        10,
        "Connections to Postgres beyond those, at need.",
        "PREFECT_SQLALCHEMY_MAX_OVERFLOW",
    ),
    # server.ephemeral
    Spec(
        "server.ephemeral.enabled",
        BOOL,
        True,
        "Accepted, without effect: a local run needs no temporary server.",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE",
    ),
    Spec(
        "server.ephemeral.startup_timeout_seconds",
        SECONDS,
        20,
        "Accepted, without effect: a local run needs no temporary server.",
    ),
    # server.ui
    Spec("server.ui.enabled", BOOL, True, "Serve the UI.", "PREFECT_UI_ENABLED"),
    Spec(
        "server.ui.api_url",
        TEXT,
        "http://127.0.0.1:4200/api",
        "The API's URL for browsers; unset: `PREFECT_API_URL`, else the server's host, port and base path.",
        "PREFECT_UI_API_URL",
    ),
    Spec("server.ui.serve_base", TEXT, "/", "Path of the UI.", "PREFECT_UI_SERVE_BASE"),
    Spec(
        "server.ui.static_directory",
        optional(PATH),
        None,
        "Accepted, without effect: the UI needs no folder to write to.",
        "PREFECT_UI_STATIC_DIRECTORY",
    ),
    Spec("server.ui.v2_enabled", BOOL, True, "Accepted, without effect: there is one UI."),
    Spec("server.ui.show_promotional_content", BOOL, True, "Accepted, without effect: there is none."),
    # server: limits and leases
    Spec(
        "server.deployments.concurrency_slot_wait_seconds",
        SECONDS,
        30.0,
        "How long a run waits before it asks again for its deployment's slot.",
        "PREFECT_DEPLOYMENT_CONCURRENCY_SLOT_WAIT_SECONDS",
    ),
    Spec(
        "server.tasks.tag_concurrency_slot_wait_seconds",
        SECONDS,
        10.0,
        "How long a task run waits before it asks again for its tag's slot.",
        "PREFECT_TASK_RUN_TAG_CONCURRENCY_SLOT_WAIT_SECONDS",
    ),
    Spec(
        "server.tasks.max_cache_key_length",
        POSITIVE,
        2000,
        "Longest cache key, in characters.",
        "PREFECT_API_TASK_CACHE_KEY_MAX_LENGTH",
    ),
    Spec(
        "server.concurrency.lease_storage",
        TEXT,
        "prefect.server.concurrency.lease_storage.memory",
        "Accepted, without effect: leases are rows of the store.",
    ),
    Spec(
        "server.concurrency.initial_deployment_lease_duration",
        SECONDS,
        300.0,
        "Seconds that a starting run may hold its deployment's slot before it renews it.",
    ),
    Spec(
        "server.concurrency.maximum_concurrency_slot_wait_seconds",
        SECONDS,
        30.0,
        "Longest time that a caller is told to wait for a slot.",
    ),
    # server.events, server.logs, server.docket
    Spec(
        "server.events.retention_period",
        DURATION,
        timedelta(days=7),
        "How long events are kept.",
        "PREFECT_EVENTS_RETENTION_PERIOD",
    ),
    Spec(
        "server.events.stream_out_enabled",
        BOOL,
        True,
        "Clients may follow events as they come.",
        "PREFECT_API_EVENTS_STREAM_OUT_ENABLED",
    ),
    Spec(
        "server.events.messaging_broker",
        TEXT,
        "prefect.server.utilities.messaging.memory",
        "Accepted, without effect: events go through the store.",
        "PREFECT_MESSAGING_BROKER",
    ),
    Spec(
        "server.events.messaging_cache",
        TEXT,
        "prefect.server.utilities.messaging.memory",
        "Accepted, without effect: events go through the store.",
        "PREFECT_MESSAGING_CACHE",
    ),
    Spec("server.logs.stream_out_enabled", BOOL, False, "Clients may follow logs as they come."),
    Spec("server.logs.stream_publishing_enabled", BOOL, False, "The server publishes logs as they come."),
    Spec("server.docket.url", TEXT, "memory://", "Accepted, without effect: services need no task queue."),
)
