"""Azure's pipelines, from the text of a file to what they would do.

From the top down; each imports from the lines below its own alone, which `make lint` holds.

    simulate                outcomes are given, and nothing is executed
    schedule                which stage and which job runs next, and why, or why not
    reading, deployments    a file -> a Pipeline; a deployment's hooks in a run
    jobs, agent             nodes -> jobs and deployments; a job's steps in a run
    steps, templates        nodes -> steps; what is done before a run
    conditions, directives  when a part runs; if, each and insert of templates
    parameters, tasks       what is given to a pipeline; the tasks there are
    matrix, triggers        the legs of a job; what starts a pipeline
    variables               as they are written, and in a run
"""
