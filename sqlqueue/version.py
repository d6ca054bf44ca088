"""The release's number, alone in its room so that reading it imports nothing."""

VERSION = "0.1.0"
