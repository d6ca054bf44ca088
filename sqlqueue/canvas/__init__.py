"""Plans workflows: from a signature to the rows and edges that it will be. Pure; ``tasks`` makes the signatures.

``shapes`` reads a signature's JSON form, ``plan`` lays it out; the next room is ``client.workflow``, which sends it.
"""
