"""Sending jobs and waiting for them.

``request`` builds a row, ``client`` sends it, ``bind`` joins the caller's transaction, ``result`` and ``waiting`` get
the answer back.

"""
