"""The nouns and rules of the house: pure Python, no I/O, no clock but the one passed in.

Start with ``states`` (the life of a job as a table), then ``outcome`` and ``settlement``.
"""
