"""The verbs: everything the queue can do to the database, one module each.

enqueue · claim · settle · cycle · promote · rescue · workers · lease · results · schema · prune · unknown · wake
· watch
"""
