-- What becomes of the slots of a schedule that overlap, and of those that were missed; NULL: as Prefect has it.

ALTER TABLE deployment_schedule ADD COLUMN overlap TEXT;
ALTER TABLE deployment_schedule ADD COLUMN catch_up TEXT;

-- the runs of schedules that have not ended
CREATE INDEX flow_run_of_schedule ON flow_run (deployment_id, idempotency_key)
    WHERE auto_scheduled = 1 AND state_type NOT IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED');
