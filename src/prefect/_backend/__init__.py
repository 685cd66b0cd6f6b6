"""What a run may ask: create it, move it on, record its tasks and logs, read it. Local, or over HTTP."""
