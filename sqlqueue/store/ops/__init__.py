"""The verbs: everything the queue can do to the database, one module each.

enqueue · claim · settle · release · become · attach · cycle · promote · rescue · workers · lease · results ·
groups · schema · prune · unique · unknown · wake · watch · revoke · retry · redrive · forget · purge · jobs · queues
broadcast · post · notices · answer · replies · revoked · events · shift
"""
