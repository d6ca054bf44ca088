"""Commands from afar: ``service`` hears and answers, ``looking`` answers questions, ``changing`` changes this worker.

``panel`` is what a command is given, ``table`` lists all that there are.
"""
