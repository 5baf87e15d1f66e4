"""The scripts of a pipeline: the part of bash that they are written in, followed and not run.

From the top down; each imports from the lines below its own alone, which `make lint` holds.

    calls      which commands a script calls, in which order, and how it ends
    words      what a command gets
    syntax     the text of a script -> commands
    builtins   what bash does itself: tests, echo, printf
    tree       a script as it was read
"""
