"""Small tables of numbers, as text that reads the same everywhere."""

from collections.abc import Mapping

Row = Mapping[str, float | str]


def table(rows: Mapping[str, Row]) -> None:
    """Print `rows`: the name of each to its columns.

    A whole number is shown with all its digits, another with three significant ones or three
    decimals, and a column that a row does not have stays empty.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if not rows:
        raise ValueError('there is no row to show; pass at least one, such as {"MLP": {"loss": 1}}')
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = {name: [_text(row.get(column, "")) for column in columns] for name, row in rows.items()}
    widths = [
        max(len(column), *(len(row[place]) for row in cells.values()))
        for place, column in enumerate(columns)
    ]
    first = max(map(len, rows))
    for name, texts in {"": columns, **cells}.items():
        line = "".join(f"   {text:>{width}}" for text, width in zip(texts, widths, strict=True))
        print(f"{name:<{first}}{line}")


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3f}"
