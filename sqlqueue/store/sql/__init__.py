"""The statements that differ between the databases: for each one the life of a job, and everything around it."""
