"""Read a pipeline, refuse what is not understood, and say what it would do: nothing is executed.

From the top down; each imports from the lines below its own alone:

    simulate          a scenario's outcomes in place of a machine: what would this pipeline do?
    schedule          which stage, job, hook and step runs next, and why, or why not
    reading, github   Azure's file -> a Pipeline; GitHub's file -> a Workflow
    picture           a Run -> a graph of its stages
    templates         parameters, each, if, includes: what is done before a run starts
    shell             which commands a script calls, and how it ends
    runs              what is known of a run before, during and after it
    model             a Pipeline: stages of jobs of steps
    expressions       Azure's conditions and expressions
    source            YAML -> nodes that know their line
    errors            Refused: file, line and a sentence
"""
