"""Read a pipeline, refuse what is not understood, and say what it would do: nothing is executed.

From the top down; each imports from the lines below its own alone:

    scenarios         a scenario's file -> a Scenario
    simulate          a scenario's outcomes in place of a machine: what would this pipeline do?
    schedule          which stage and which job runs next, and why, or why not
    deployments       a deployment's hooks
    agent, matrix     one job's steps, and what they leave to the next; the legs of a job
    reading           Azure's file -> a Pipeline
    jobs, steps       nodes -> jobs, deployments, steps
    triggers          what starts a pipeline
    tasks, graph      the tasks there are; what waits for what
    variables         as they are written, and what they are in a run
    templates         parameters, each, if, includes: what is done before a run starts
    shell             which commands a script calls, and how it ends
    messages          what a script says to the agent: ##vso[...]
    runs              what is known of a run before, during and after it
    model             a Pipeline: stages of jobs of steps
    parameters        what is declared, what is given, and their types
    fields            what a reader asks of nodes
    expressions       Azure's conditions and expressions
    source            YAML -> nodes that know their line
    errors            Refused: file, line and a sentence
"""
