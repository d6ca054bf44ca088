"""Where tasks run: ``solo``, ``threads`` and ``prefork`` behind one protocol, ``pool.Pool``."""
