"""GitHub's workflows, from the text of a file to what they would do.

From the top down; each imports from the lines below its own alone, which `make lint` holds.

    simulate                what a workflow would do in a scenario
    job, matrix, contexts   one leg of a job; the legs; what expressions may ask for
    reading, rights         a file -> a Workflow; what it may do
    events                  what starts a workflow
    workflow                a Workflow as it was read
"""
