"""What settings may be called, and where they may be read from. Their values are in ``sqlqueue.config``."""
