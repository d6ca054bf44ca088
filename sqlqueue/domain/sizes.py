"""How large a job's arguments and its result may be, in bytes as they are stored."""

USUAL = 1 << 20
"""Unless the settings say otherwise: a job is a message, not a file."""

LEAST = 1 << 10
"""The smallest limit that can be set: below it ordinary calls would be refused."""

MOST = 64 << 20
"""The largest limit that can be set, and the most that a compressed value may be before and after.

A statement carries several values, each up to three times as large where it stands as text in JSON, and PostgreSQL
takes no more than 1 GiB of one, SQLite no more than 1,000,000,000 bytes.
"""
