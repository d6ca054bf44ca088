"""What some worker must do for all.

``chores`` runs it, ``promoter`` makes due jobs ready, ``rescuer`` takes back the
jobs of the dead, ``pruner`` forgets old results, ``sweeper`` releases what a crash has left
blocked; ``homes`` knows whether a process of this host still lives.
"""
