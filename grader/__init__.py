"""Build a course's notebooks, run submissions in a sandbox, grade them and report.

From the top down; each imports from the lines below its own alone, which `make lint` holds:

    cli                     the `grader` command
    doctor, sample          what this machine lacks for grading; a class to try it with
    sample_project          the same for the project
    reports, author         gradebook -> pages and exports; a lesson's source -> notebooks
    grading                 answers -> results
    sandbox, gradebook      cells -> answers; what was decided
    submissions             what was handed in -> cells
    course                  what a course's folder says
    checks                  what checks are written with; light, since notebooks import it
    distribution            the grader as pip knows it
    formats, terminal       files of other programs; what commands say, and how
"""
