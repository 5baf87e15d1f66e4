"""Read a pipeline, refuse what is not understood, and say what it would do: nothing is executed.

From the top down; each imports from the lines below its own alone, which `make lint` holds. The
packages have maps of their own.

    github                          GitHub's workflows: file -> a Workflow -> what it would do
    azure, picture                  Azure's pipelines, likewise; a run -> a graph of its stages
    expressions, shell, scenarios   what stands in ${{ }}; scripts; what happens while one runs
    graph                           what waits for what
    fields                          what a reader asks of nodes
    source, runs                    YAML -> nodes with lines; what is known of a run
    errors, messages, model         Refused; ##vso[...]; a Pipeline as it was read
"""
