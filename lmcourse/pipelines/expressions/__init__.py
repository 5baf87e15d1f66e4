"""What stands between `${{` and `}}`: in Azure's pipelines, and in GitHub's workflows.

From the top down; each imports from the lines below its own alone, which `make lint` holds.

    github          GitHub's expressions
    azure           Azure's expressions
    syntax          the text of an expression -> its parts
    github_values   GitHub's values, and the functions that take them
    functions       of Azure's expressions
    values          Azure's values
"""
