"""Where results are: always in the database of the jobs."""
