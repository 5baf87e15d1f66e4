"""How a version comes to its users: replicas behind HAProxy, and whether it may stay.

From the top down:

    scaling       how many replicas, by how many requests wait
    controller    a rollout step by step, each in the ledger before it is taken
    site          makes what runs what it should be: replicas and HAProxy
    readings      what both arms did: HAProxy's counts, and the service's log
    decision      go on, promote or roll back; a student's own can take its place
    sequential    the test behind it, which may be asked after every request
    journal       the ledger -> what an environment should be
    proxy         HAProxy: its process, and its runtime API
    fleet         processes of `lmops serve`
"""
