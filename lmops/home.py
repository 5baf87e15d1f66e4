"""Where a model's life is kept: one folder, beside the work."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folder in which the commands keep what they know; made when something is first kept."""

    folder: Path

    @property
    def ledger(self) -> Path:
        """Who did what to which version, when: JSON lines."""
        return self.folder / "ledger.jsonl"

    @property
    def registry(self) -> Path:
        """The registry's database, derived from the ledger."""
        return self.folder / "registry.db"

    @property
    def models(self) -> Path:
        """A folder for each version, which is its bundle."""
        return self.folder / "models"

    @property
    def trainings(self) -> Path:
        """From where trainings that were stopped go on."""
        return self.folder / "trainings"

    @property
    def keys(self) -> Path:
        """The database of the keys that may ask the service."""
        return self.folder / "keys.db"

    @property
    def logs(self) -> Path:
        """What the service wrote down about its requests."""
        return self.folder / "logs"

    @property
    def drift(self) -> Path:
        """What each version was asked when it came: losses, and no text."""
        return self.folder / "drift"

    @property
    def data(self) -> Path:
        """Stories for the next training, beside the corpus: answers that somebody liked."""
        return self.folder / "data"

    @property
    def archive(self) -> Path:
        """What is left of versions that were retired."""
        return self.folder / "archive"
