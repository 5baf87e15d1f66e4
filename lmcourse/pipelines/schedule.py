"""The engine: which stage, job, hook and step runs next, and why, or why not."""

from lmcourse.pipelines.model import Pipeline
from lmcourse.pipelines.runs import Run, Start, Worker


def run(pipeline: Pipeline, start: Start, worker: Worker) -> Run:
    """Run `pipeline` with `worker` and say what came of it. Raises `Refused`."""
    raise NotImplementedError
