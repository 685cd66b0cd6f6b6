"""The settings that a program with flows reads, and the command line; the server's are in `server_table`."""

from __future__ import annotations

from typing import Final

from prefect._base.settings.kinds import (
    BOOL,
    COUNT,
    DELAY,
    HEADERS,
    LOG_LEVEL,
    NAMES,
    NUMBER,
    PATH,
    POSITIVE,
    SECONDS,
    TEXT,
    Spec,
    choice,
    integer,
    optional,
    seconds,
    set_of,
)

CLIENT_TABLE: Final = (
    Spec("home", PATH, "~/.prefect", "Folder of the store, results, profiles and logs."),
    Spec("profiles_path", PATH, "$PREFECT_HOME/profiles.toml", "The file of profiles."),
    Spec("debug_mode", BOOL, False, "Verbose: forces the log levels of the package to DEBUG."),
    Spec(
        "ui_url", optional(TEXT), None, "Base of links to runs; unset: `PREFECT_API_URL` without its `/api`."
    ),
    Spec(
        "silence_api_url_misconfiguration",
        BOOL,
        False,
        "No warning when `PREFECT_API_URL` looks like a UI's.",
    ),
    # api
    Spec(
        "api.url", optional(TEXT), None, "URL of the server's API; unset: the embedded store, with no server."
    ),
    Spec("api.key", optional(TEXT), None, "Token that is sent to the server.", secret=True),
    Spec("api.auth_string", optional(TEXT), None, "`user:password` that is sent to the server.", secret=True),
    Spec("api.request_timeout", SECONDS, 60.0, "Seconds until a request to the server is given up."),
    Spec("api.tls_insecure_skip_verify", BOOL, False, "Do not check the server's TLS certificate."),
    Spec("api.ssl_cert_file", optional(TEXT), None, "CA bundle; unset: `$SSL_CERT_FILE`, else the system's."),
    # cli
    Spec("cli.colors", BOOL, True, "Colours in the output of commands."),
    Spec(
        "cli.prompt",
        optional(BOOL),
        None,
        "Commands may ask questions; unset: if a person is at the terminal.",
    ),
    # client
    Spec("client.max_retries", COUNT, 5, "How often a refused request is repeated."),
    Spec(
        "client.retry_jitter_factor", NUMBER, 0.2, "Share of the delay between such repeats that is random."
    ),
    Spec(
        "client.retry_extra_codes",
        set_of(integer(100, 599), "HTTP status codes"),
        set[int](),
        "More HTTP status codes that are worth a repeat.",
    ),
    Spec("client.csrf_support_enabled", BOOL, True, "Send CSRF tokens to a server that asks for them."),
    Spec("client.custom_headers", HEADERS, dict[str, str](), "Headers of every request, as a JSON object."),
    # terminal
    Spec(
        "terminal.live", optional(BOOL), None, "Live view of runs; unset: if stderr is a terminal, not in CI."
    ),
    # logging
    Spec("logging.level", LOG_LEVEL, "INFO", "Level of the loggers of flows, tasks and this package."),
    Spec(
        "logging.config_path",
        PATH,
        "$PREFECT_HOME/logging.yml",
        "A file that replaces the built-in logging configuration, if it exists.",
        "PREFECT_LOGGING_SETTINGS_PATH",
    ),
    Spec("logging.extra_loggers", NAMES, list[str](), "Other loggers whose records belong to the run."),
    Spec("logging.log_prints", BOOL, False, "`print()` in a run becomes a log record."),
    Spec("logging.colors", BOOL, True, "Colours in logs on the terminal."),
    Spec("logging.markup", BOOL, False, "Read `[bold]` and the like in log messages as markup."),
    Spec("logging.to_api.enabled", BOOL, True, "Record logs with the run."),
    Spec("logging.to_api.batch_interval", SECONDS, 2.0, "Longest time in seconds until logs reach a server."),
    Spec("logging.to_api.batch_size", POSITIVE, 4_000_000, "Largest batch of logs for a server, in bytes."),
    Spec(
        "logging.to_api.max_log_size", POSITIVE, 1_000_000, "Longest log message, in bytes; the rest is cut."
    ),
    Spec(
        "logging.to_api.when_missing_flow",
        choice("warn", "error", "ignore"),
        "warn",
        "What a run logger does outside of a run.",
    ),
    Spec(
        "internal.logging_level",
        LOG_LEVEL,
        "ERROR",
        "Level of the package's own inner workings.",
        "PREFECT_LOGGING_INTERNAL_LEVEL",
    ),
    # results
    Spec("results.persist_by_default", BOOL, False, "Persist the results of all flows and tasks."),
    Spec(
        "results.default_serializer",
        TEXT,
        "pickle",
        "`pickle`, `json`, `compressed/pickle`, `compressed/json`.",
    ),
    Spec(
        "results.default_storage_block",
        optional(TEXT),
        None,
        "Storage of results, as `block-type/name`.",
        "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK",
    ),
    Spec(
        "results.local_storage_path",
        PATH,
        "$PREFECT_HOME/storage",
        "Folder of results that have no other storage.",
        "PREFECT_LOCAL_STORAGE_PATH",
    ),
    Spec(
        "results.record_max_bytes",
        COUNT,
        65_536,
        "Task results up to this size, serialized, are recorded so "
        "that a retried run need not repeat the task; 0: none.",
    ),
    # tasks
    Spec(
        "tasks.default_retries", COUNT, 0, "Retries of a task that sets none.", "PREFECT_TASK_DEFAULT_RETRIES"
    ),
    Spec(
        "tasks.default_retry_delay_seconds",
        DELAY,
        0,
        "Seconds before a retry of a task that sets none; a list gives one delay for each retry.",
        "PREFECT_TASK_DEFAULT_RETRY_DELAY_SECONDS",
    ),
    Spec(
        "tasks.default_persist_result",
        optional(BOOL),
        None,
        "Persist results of tasks, whatever the flow says.",
    ),
    Spec("tasks.default_no_cache", BOOL, False, "`NO_CACHE` is the policy of tasks that set none."),
    Spec("tasks.disable_caching", BOOL, False, "No task reads or writes the cache."),
    Spec("tasks.refresh_cache", BOOL, False, "Ignore what is in the cache, and write it anew."),
    Spec(
        "tasks.runner.thread_pool_max_workers",
        optional(POSITIVE),
        None,
        "Threads of `ThreadPoolTaskRunner`; unset: as many as tasks run at once.",
        "PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS",
    ),
    Spec(
        "tasks.runner.process_pool_max_workers",
        optional(POSITIVE),
        None,
        "Processes of `ProcessPoolTaskRunner`; unset: one for each CPU.",
    ),
    # flows
    Spec(
        "flows.default_retries", COUNT, 0, "Retries of a flow that sets none.", "PREFECT_FLOW_DEFAULT_RETRIES"
    ),
    Spec(
        "flows.default_retry_delay_seconds",
        SECONDS,
        0,
        "Seconds before a retry of a flow that sets none.",
        "PREFECT_FLOW_DEFAULT_RETRY_DELAY_SECONDS",
    ),
    Spec(
        "flows.heartbeat_frequency",
        optional(integer(30)),
        180,
        "Seconds between heartbeat events of a running flow; unset: none.",
        "PREFECT_RUNNER_HEARTBEAT_FREQUENCY",
    ),
    # runs and their record
    Spec(
        "runs.lease_seconds",
        seconds(1),
        30.0,
        "A process that has not renewed its runs for so long is taken as dead.",
    ),
    Spec(
        "runs.cancel_poll_seconds",
        seconds(0.01),
        0.5,
        "How often a running flow looks whether it was cancelled.",
    ),
    Spec(
        "runs.cancel_grace_seconds", SECONDS, 10.0, "Time to stop by itself before a cancelled run is killed."
    ),
    Spec(
        "runs.server_patience_seconds",
        SECONDS,
        900.0,
        "How long a run waits for a server that has stopped answering, before it goes on or ends without it.",
    ),
    Spec(
        "journal.max_rows",
        POSITIVE,
        50_000,
        "Rows that may wait to be written; a full queue slows the run down.",
    ),
    # runner, worker, deployments
    Spec("runner.process_limit", POSITIVE, 5, "Runs that `serve` and `Runner` execute at once."),
    Spec("runner.poll_frequency", SECONDS, 10, "Seconds between looks for runs by `serve` and `Runner`."),
    Spec(
        "runner.fork_server",
        BOOL,
        True,
        "Runs start as forks of a process that has their flow imported (Linux); if not, each imports it anew.",
    ),
    Spec(
        "runner.drain_seconds",
        SECONDS,
        25.0,
        "How long runs may go on after SIGTERM to `serve`; then another process is to go on with them.",
    ),
    Spec(
        "runner.cancel_grace_seconds",
        SECONDS,
        30.0,
        "Time to stop by itself before a cancelled run of `serve` is killed.",
    ),
    Spec("runner.server.host", TEXT, "localhost", "Where the web server of `serve` listens."),
    Spec("runner.server.port", integer(0, 65535), 8080, "Its port; 0 for any that is free."),
    Spec("runner.server.log_level", LOG_LEVEL, "ERROR", "Its own level."),
    Spec(
        "runner.server.missed_polls_tolerance",
        POSITIVE,
        2,
        "Looks for runs that may be missed before it says that the runner is not well.",
    ),
    Spec("worker.heartbeat_seconds", SECONDS, 30.0, "Seconds between a worker's signs of life."),
    Spec("worker.query_seconds", SECONDS, 10.0, "Seconds between a worker's looks for runs."),
    Spec("worker.prefetch_seconds", SECONDS, 10.0, "How long before its time a worker takes up a run."),
    Spec("worker.enable_cancellation", BOOL, False, "The worker stops the infrastructure of cancelled runs."),
    Spec("worker.cancellation_poll_seconds", SECONDS, 120.0, "Seconds between its looks for cancelled runs."),
    Spec(
        "deployments.default_work_pool_name",
        optional(TEXT),
        None,
        "Work pool of deployments that name none.",
        "PREFECT_DEFAULT_WORK_POOL_NAME",
    ),
    Spec(
        "deployments.default_docker_build_namespace",
        optional(TEXT),
        None,
        "Registry and namespace of images that are built for deployments.",
        "PREFECT_DEFAULT_DOCKER_BUILD_NAMESPACE",
    ),
)
