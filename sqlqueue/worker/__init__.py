"""The worker, in the order in which a job walks through it.

1. ``tasks/task.py``: ``add.delay(2, 2)`` checks the call and hands it to the client;
2. ``client/request.py`` makes a row of it;
3. ``client/client.py`` inserts it, in the caller's transaction or its own;
4. ``store/ops/enqueue.py``: the INSERT; after its commit whoever waits for the queue is woken. Then, in the worker:
5. ``worker/consumer.py`` counts free slots and claims as many jobs;
6. ``worker/execute.py`` finds the task, decodes the arguments, calls it: an outcome;
7. ``domain/settlement.py`` decides what the outcome means: a settlement;
8. ``worker/settler.py`` gathers settlements for the next cycle (``store/ops/settle.py``). Back in the caller,
9. ``client/result.py`` wakes up and returns the value.

``worker.py`` lists the services of one process.
"""
