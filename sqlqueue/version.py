"""The release's number, alone in its room so that reading it imports nothing."""

__version__ = "0.1.0"
