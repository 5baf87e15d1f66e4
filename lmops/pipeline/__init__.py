"""Run a pipeline on this machine, for real: scripts with bash, each job in a folder of its own.

Which stage, job and step comes next, `lmcourse.pipelines.azure.schedule` says; here are its hands.
From the top down; each imports from the lines below its own alone:

    worker                 the engine's hands: a step -> an Outcome
    tasks                  the few tasks of Azure's that are known: caches, artifacts, reports
    workspace, approvals   folders of a run and of a job; what the ledger says of an environment
    process, checkout      a script until it ends, or is ended; the repository as it stands
    graph                  a Run -> lines for a terminal, and JSON
"""
