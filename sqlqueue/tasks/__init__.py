"""What users decorate and call.

``decorator`` makes a `Task`, ``registry`` holds them, ``context`` is what a running
task may ask about its job, ``discovery`` finds the app.
"""
