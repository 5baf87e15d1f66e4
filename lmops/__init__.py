"""Take a finished model through its life: pack it, train it, gate it, register it, serve it.

From the top down; each imports from the lines below its own alone, which `make lint` holds:

    cli                          the `lmops` command
    commands                     a module for each of its commands
    watch                        alerts, what the logs tell, a page, Azure
    drift, retire, retrain       has what is sent to it changed; how it ends; when to train again
    erase, audit_page, slices    one person out; the ledger to look at; who is served worse
    pack, train, checkpoint      notebooks -> a bundle -> a trained one; weights of lesson 07
    evaluate, own_gate           a bundle -> metrics; a student's own gate in the platform's place
    registry, store              what MLflow shows of the ledger; the registered bundles
    service                      OpenAI's completions API, on an engine that writes for many at once
    own, liked                   a student's own function in our place; stories that users liked
    trial, notebooks, text       a part tried by its check; what a notebook defines; what is learnt
    gate, state                  metrics -> reasons; the ledger -> what holds
    privacy, traffic             what a log may keep; what it says of requests and feedback
    edge                         a bundle -> one with int8 weights, for machines without torch
    bundle, ledger, home         a model as it travels; who did what to it; where it is kept
    soundness, card              what a bundle must be; what it says of itself
    edge_run                     what an edge bundle runs with: NumPy alone
    files, roles, page           files, whole or not there; who may do what; HTML that stands alone
"""
