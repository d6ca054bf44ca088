"""A clock that goes when it is told to."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until `advance`."""

    def __init__(self):
        self.passed = 1000.0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self):
        return self.passed

    def advance(self, seconds):
        self.passed += seconds
