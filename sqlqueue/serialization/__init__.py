"""Values and exceptions to and from text that both databases can store: ``json`` and ``failures``."""
