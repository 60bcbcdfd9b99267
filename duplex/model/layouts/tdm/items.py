"""What is said of a written word: items, which are words and marks, the first of them with the written word itself."""

from dataclasses import dataclass

from duplex.model.text.reading.reader import MARKS, SaidWord


@dataclass(frozen=True)
class Item:
    """A word or mark that is said, "" where nothing is; `written`: the written word that begins with it, or None."""

    said: str
    written: str | None = None

    @property
    def is_mark(self) -> bool:
        """It belongs to the word before it."""
        return self.said in MARKS

    @property
    def sounds(self) -> bool:
        """It is a word."""
        return bool(self.said) and not self.is_mark


def list_items(said: SaidWord) -> list[Item]:
    """The items of a written word; one that is not said has a single item without sound."""
    first, *others = said.items or ("",)
    return [Item(first, said.written), *map(Item, others)]
