"""The settings of the server's background services."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from prefect._base.settings.kinds import BOOL, DURATION, POSITIVE, SECONDS, Spec, choice, either, set_of

SERVICES_TABLE: Final = (
    Spec(
        "server.services.scheduler.enabled",
        BOOL,
        True,
        "Create the runs of schedules.",
        "PREFECT_API_SERVICES_SCHEDULER_ENABLED",
    ),
    Spec(
        "server.services.scheduler.loop_seconds",
        SECONDS,
        60.0,
        "Seconds between its rounds over all schedules.",
        "PREFECT_API_SERVICES_SCHEDULER_LOOP_SECONDS",
    ),
    Spec(
        "server.services.scheduler.recent_deployments_loop_seconds",
        SECONDS,
        5.0,
        "Seconds between its rounds over changed schedules.",
    ),
    Spec(
        "server.services.scheduler.max_runs",
        POSITIVE,
        100,
        "Most runs it creates ahead for a schedule.",
        "PREFECT_API_SERVICES_SCHEDULER_MAX_RUNS",
    ),
    Spec(
        "server.services.scheduler.min_runs",
        POSITIVE,
        3,
        "Fewest runs it creates ahead for a schedule.",
        "PREFECT_API_SERVICES_SCHEDULER_MIN_RUNS",
    ),
    Spec(
        "server.services.scheduler.max_scheduled_time",
        DURATION,
        timedelta(days=100),
        "How far ahead it creates runs at most.",
        "PREFECT_API_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME",
    ),
    Spec(
        "server.services.scheduler.min_scheduled_time",
        DURATION,
        timedelta(hours=1),
        "How far ahead it creates runs at least.",
        "PREFECT_API_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME",
    ),
    Spec(
        "server.services.late_runs.enabled",
        BOOL,
        True,
        "Mark runs that did not start in time as Late.",
        "PREFECT_API_SERVICES_LATE_RUNS_ENABLED",
    ),
    Spec(
        "server.services.late_runs.loop_seconds",
        SECONDS,
        5.0,
        "Seconds between its rounds.",
        "PREFECT_API_SERVICES_LATE_RUNS_LOOP_SECONDS",
    ),
    Spec(
        "server.services.late_runs.after_seconds",
        DURATION,
        timedelta(seconds=15),
        "How long after its time a run is late.",
        "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS",
    ),
    Spec(
        "server.services.pause_expirations.enabled",
        BOOL,
        True,
        "Fail paused runs that nobody resumed in time.",
        "PREFECT_API_SERVICES_PAUSE_EXPIRATIONS_ENABLED",
    ),
    Spec(
        "server.services.pause_expirations.loop_seconds",
        SECONDS,
        5.0,
        "Seconds between its rounds.",
        "PREFECT_API_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS",
    ),
    Spec(
        "server.services.cancellation_cleanup.enabled",
        BOOL,
        True,
        "End what a cancelled run left behind.",
        "PREFECT_API_SERVICES_CANCELLATION_CLEANUP_ENABLED",
    ),
    Spec(
        "server.services.cancellation_cleanup.loop_seconds",
        SECONDS,
        20.0,
        "Seconds between its rounds.",
        "PREFECT_API_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS",
    ),
    Spec(
        "server.services.cancellation_cleanup.cancelling_timeout_seconds",
        SECONDS,
        300.0,
        "After this time in Cancelling a run is Cancelled by force.",
    ),
    Spec(
        "server.services.foreman.enabled",
        BOOL,
        True,
        "Keep the status of workers, pools and deployments true.",
        "PREFECT_API_SERVICES_FOREMAN_ENABLED",
    ),
    Spec(
        "server.services.foreman.loop_seconds",
        SECONDS,
        15.0,
        "Seconds between its rounds.",
        "PREFECT_API_SERVICES_FOREMAN_LOOP_SECONDS",
    ),
    Spec(
        "server.services.foreman.inactivity_heartbeat_multiple",
        POSITIVE,
        3,
        "Missed heartbeats after which a worker is offline.",
        "PREFECT_API_SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE",
    ),
    Spec(
        "server.services.foreman.fallback_heartbeat_interval_seconds",
        SECONDS,
        30,
        "Heartbeat interval of workers that told none.",
        "PREFECT_API_SERVICES_FOREMAN_FALLBACK_HEARTBEAT_INTERVAL_SECONDS",
    ),
    Spec(
        "server.services.foreman.deployment_last_polled_timeout_seconds",
        SECONDS,
        60,
        "A deployment that nobody polled for so long is not ready.",
        "PREFECT_API_SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS",
    ),
    Spec(
        "server.services.foreman.work_queue_last_polled_timeout_seconds",
        SECONDS,
        60,
        "A work queue that nobody polled for so long is not ready.",
        "PREFECT_API_SERVICES_FOREMAN_WORK_QUEUE_LAST_POLLED_TIMEOUT_SECONDS",
    ),
    Spec(
        "server.services.repossessor.loop_seconds", SECONDS, 15.0, "Seconds between looks for expired leases."
    ),
    Spec(
        "server.services.db_vacuum.enabled",
        either(BOOL, set_of(choice("events", "flow_runs"), "`events` and `flow_runs`")),
        {"events"},
        "What is deleted once it is old: `events`, `flow_runs`, or all (true) or nothing (false).",
    ),
    Spec(
        "server.services.db_vacuum.retention_period",
        DURATION,
        timedelta(days=90),
        "How long after its end a flow run is deleted, where that is on.",
    ),
    Spec(
        "server.services.event_persister.enabled",
        BOOL,
        True,
        "Record events.",
        "PREFECT_API_SERVICES_EVENT_PERSISTER_ENABLED",
    ),
    Spec(
        "server.services.event_persister.batch_size",
        POSITIVE,
        20,
        "Accepted, without effect: events are written as they come.",
        "PREFECT_API_SERVICES_EVENT_PERSISTER_BATCH_SIZE",
    ),
    Spec(
        "server.services.event_persister.flush_interval",
        SECONDS,
        5.0,
        "Accepted, without effect: events are written as they come.",
        "PREFECT_API_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL",
    ),
    Spec(
        "server.services.task_run_recorder.enabled",
        BOOL,
        True,
        "Accepted, without effect: a task run's state is written by the run itself.",
        "PREFECT_API_SERVICES_TASK_RUN_RECORDER_ENABLED",
    ),
    Spec(
        "server.services.triggers.enabled",
        BOOL,
        True,
        "Evaluate the triggers of automations.",
        "PREFECT_API_SERVICES_TRIGGERS_ENABLED",
    ),
)
