"""The text of an `azure-pipelines.yml` -> a `Pipeline`; whatever is not known is refused."""

from collections.abc import Mapping

from lmcourse.pipelines.model import Pipeline


def read(
    text: str,
    file: str = "azure-pipelines.yml",
    files: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Pipeline:
    """Return the pipeline; `files` are the templates that it may include, by path.

    `parameters` are values given when it is queued. Raises `Refused`, and nothing else.
    """
    raise NotImplementedError
