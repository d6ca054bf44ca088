"""Waking others without burdening the user's transaction: a hint that saves a wait, never what correctness rests on.

``channels`` names what is said where, ``waker`` speaks after commits, ``listener`` hears.
"""
