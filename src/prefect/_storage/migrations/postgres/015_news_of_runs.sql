-- Who waits for news of runs is told by the database, whoever has written them.

CREATE FUNCTION pluperfect_tell_of_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pluperfect_runs', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER flow_run_is_asked_for AFTER INSERT ON flow_run FOR EACH ROW
    WHEN (NEW.state_type = 'SCHEDULED') EXECUTE FUNCTION pluperfect_tell_of_runs();
CREATE TRIGGER flow_run_is_to_move AFTER UPDATE OF state_id ON flow_run FOR EACH ROW
    WHEN (NEW.state_type IN ('SCHEDULED', 'CANCELLING') OR OLD.state_type = 'PAUSED')
    EXECUTE FUNCTION pluperfect_tell_of_runs();
CREATE TRIGGER flow_run_is_told AFTER INSERT ON flow_run_input FOR EACH ROW
    EXECUTE FUNCTION pluperfect_tell_of_runs();
