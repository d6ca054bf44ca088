"""The only room with SQL in it.

``operation`` says what a verb is, ``ops`` lists the verbs, ``postgres`` and ``sqlite`` hold the statements that
differ, ``drivers`` runs a verb on anybody's connection, and ``store.Store`` on our own.
"""
