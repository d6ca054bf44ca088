"""Ways to try the queue: helpers for tests, demos and benchmarks, never imported by a worker or a client.

Each helper is a module of its own, so that asking for one does not import what another needs:
`server` starts a throwaway PostgreSQL, `processes` starts workers, `trial` measures the queue on a database,
`drain` runs what is enqueued inside a test, `assertions` look at what waits, `clock` holds the time, `plugin` has
fixtures for pytest.
"""
