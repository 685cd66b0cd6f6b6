"""What a server does by itself, every few seconds: each service is a module with a `run_once(backend, now_us)`.

A round does what is due at `now_us` (microseconds UTC) and answers how much that was. It asks the rules like anybody
else, and each change holds only while the run is in the state that it was seen in: two servers that do the same round
do it once.
"""
