"""Where tasks run: ``solo``, ``threads``, ``coroutines`` and ``prefork`` behind one protocol, ``pool.Pool``."""
