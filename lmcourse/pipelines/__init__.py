"""Read a pipeline, refuse what is not understood, and say what it would do: nothing is executed.

From the top down; each imports from the lines below its own alone, which `make lint` holds:

    github                    what a GitHub workflow would do in a scenario
    simulate, picture         a scenario in place of a machine; a Run -> a graph of its stages
    schedule                  which stage and which job runs next, and why, or why not
    reading                   Azure's file -> a Pipeline
    deployments, jobs         a deployment's hooks in a run; nodes -> jobs and deployments
    workflow_job              one leg of a GitHub job: its steps
    agent, shell              a job's steps in a run; which commands a script calls
    steps, templates          nodes -> steps; what is done before a run
    workflow_contexts, workflow_matrix    what a workflow may ask for; the legs of its jobs
    workflow_reading, workflow_rights     GitHub's file -> a Workflow; what that may do
    conditions, directives    when a part runs; if, each and insert of templates
    graph, matrix             what waits for what; the legs of a job
    parameters, scenarios     what is given to a pipeline; what happens while it runs
    shell_words, tasks        what a command gets; the tasks there are
    triggers, variables       what starts a pipeline; variables as written, and in a run
    github_expressions, workflow_events   GitHub's expressions; what starts a workflow
    expressions, fields       Azure's expressions; what a reader asks of nodes
    github_values, shell_syntax, workflow  GitHub's values; scripts -> commands; a Workflow
    shell_builtins            what bash does itself: tests, echo, printf
    expression_syntax         the text of one of Azure's expressions -> its parts
    functions, runs, source   of expressions; what is known of a run; YAML -> nodes with lines
    errors, messages, model, shell_tree, values  Refused; ##vso[...]; what was read; Azure's values
"""
