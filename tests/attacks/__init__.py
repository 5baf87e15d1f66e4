"""Submissions that try for points that they did not earn, or to do harm: one file per family.

Each is a notebook of lesson 02 whose author would gain from it if the grader had the hole that it
looks for. Zip files and the like are in `test_submissions`, what a report shows in `test_report`.
"""

from attacks import cheating, lies, notebook, process, protocol, resources, snooping, values
from attacks.attack import Attack

FAMILIES: dict[str, dict[str, Attack]] = {
    "lies": lies.ATTACKS,
    "values": values.ATTACKS,
    "protocol": protocol.ATTACKS,
    "process": process.ATTACKS,
    "resources": resources.ATTACKS,
    "snooping": snooping.ATTACKS,
    "notebook": notebook.ATTACKS,
    "cheating": cheating.ATTACKS,
}
