"""Charts as SVG: bars for peers side by side, lines for what grows; for light and dark pages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.results import Spread
from benchmarks.units import number

WIDTH: Final = 760
PAD: Final = 24
HEAD: Final = 64
LABELS: Final = 210
VALUES: Final = 70
BAR: Final = 18
STEP: Final = 30
PLOT: Final = 240
GRID: Final = 4
BOTTOM: Final = HEAD + 8 + PLOT
LEFT: Final = PAD + 60
RIGHT: Final = WIDTH - PAD - 150
CEILINGS: Final = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10, 20)

# Hues that can be told apart in grey too, and by those who see no red.
STYLE: Final = """
  svg { --card: #ffffff; --ink: #1f2328; --soft: #656d76; --grid: #d8dee4; --ours: #d9480f;
        --a: #4c6ef5; --b: #099268; --c: #9c36b5; --d: #868e96; --e: #e8a200; --peer: #a5adb5; }
  @media (prefers-color-scheme: dark) {
    svg { --card: #161b22; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d; --ours: #ff922b;
          --a: #91a7ff; --b: #38d9a9; --c: #da77f2; --d: #adb5bd; --e: #ffd43b; --peer: #5c6570; } }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 16px; font-weight: 600; }
  .soft { fill: var(--soft); font-size: 12px; }
  .ours { font-weight: 600; }
  .card { fill: var(--card); stroke: var(--grid); }
  .grid { stroke: var(--grid); }
  .spread { stroke: var(--ink); stroke-width: 1.5; opacity: .7; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
"""
OURS_COLOUR: Final = "var(--ours)"
COLOURS: Final = tuple(f"var(--{name})" for name in "abcde")


@dataclass(frozen=True)
class Bar:
    """Hold one row of a bar chart."""

    label: str
    values: Spread
    ours: bool = False


@dataclass(frozen=True)
class Line:
    """Hold one line of a chart; a point is None where nothing was measured."""

    label: str
    points: tuple[Spread | None, ...]
    ours: bool = False


def bars(title: str, unit: str, rows: Iterable[Bar]) -> str:
    """Return horizontal bars from zero, with the least and the most of all turns as whiskers."""
    rows = list(rows)
    room = WIDTH - 2 * PAD - LABELS - VALUES
    scale = room / max((row.values.high for row in rows), default=1)
    parts = []
    for position, row in enumerate(rows):
        top = HEAD + position * STEP
        middle = top + BAR / 2
        left = PAD + LABELS
        low, high = (left + value * scale for value in (row.values.low, row.values.high))
        length = max(row.values.median * scale, 1)
        colour = OURS_COLOUR if row.ours else "var(--peer)"
        kind = ' class="ours"' if row.ours else ""
        parts += [
            f'<text x="{left - 10}" y="{middle + 4.5:.1f}" text-anchor="end"{kind}>'
            f"{escape(row.label)}</text>",
            f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" '
            f'fill="{colour}"/>',
            f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{max(high, left + length) + 8:.1f}" y="{middle + 4.5:.1f}"{kind}>'
            f"{number(row.values.median)}</text>",
        ]
    return _card(title, unit, HEAD + len(rows) * STEP + PAD - STEP + BAR, parts)


@dataclass(frozen=True)
class Curve:
    """Hold one line of many points, evenly spaced from the first mark to the last."""

    label: str
    points: tuple[float, ...]
    ours: bool = False


def lines(title: str, unit: str, across: str, marks: list[str], series: Iterable[Line]) -> str:
    """Return lines over evenly spaced marks, from zero, with whiskers.

    across: what the marks are.
    """
    series = list(series)
    most = max((point.high for line in series for point in line.points if point), default=1)
    plot = _Plot(_ceiling(most), across, marks)
    ends = [_last(line) for line in series]
    parts = plot.axes()
    for line, (colour, name) in zip(series, plot.names(series, ends), strict=True):
        parts += [*_line(line, colour, plot), name]
    return _card(title, unit, BOTTOM + 36 + PAD, parts)


def curves(title: str, unit: str, across: str, marks: list[str], series: Iterable[Curve]) -> str:
    """Return lines of many points, from zero.

    across: what the marks are.
    """
    series = list(series)
    most = max((point for curve in series for point in curve.points), default=1)
    plot = _Plot(_ceiling(most), across, marks)
    parts = plot.axes()
    # Where a curve ends tells little of it: names stand in the order of the highest points.
    heights = [max(curve.points) for curve in series]
    for curve, (colour, name) in zip(series, plot.names(series, heights), strict=True):
        step = (RIGHT - LEFT) / max(len(curve.points) - 1, 1)
        path = " ".join(
            f"{LEFT + at * step:.1f},{plot.height(point):.1f}"
            for at, point in enumerate(curve.points)
        )
        parts += [
            f'<polyline class="line" points="{path}" stroke="{colour}" style="stroke-width: 1.5"/>',
            name,
        ]
    return _card(title, unit, BOTTOM + 36 + PAD, parts)


@dataclass(frozen=True)
class _Plot:
    """Place what has a height from zero to a ceiling, over evenly spaced marks."""

    ceiling: float
    across: str
    marks: list[str]

    @property
    def step(self) -> float:
        return (RIGHT - LEFT) / max(len(self.marks) - 1, 1)

    def height(self, value: float) -> float:
        return BOTTOM - value / self.ceiling * PLOT

    def axes(self) -> list[str]:
        """Return the grid with its numbers, and what is below it."""
        parts = []
        for part in range(GRID + 1):
            value = self.ceiling * part / GRID
            height = self.height(value)
            parts += [
                f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{height:.1f}" '
                f'y2="{height:.1f}"/>',
                f'<text class="soft" x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">'
                f"{number(value) if value else 0}</text>",
            ]
        for position, mark in enumerate(self.marks):
            parts.append(
                f'<text class="soft" x="{LEFT + position * self.step:.1f}" y="{BOTTOM + 18}" '
                f'text-anchor="middle">{escape(mark)}</text>'
            )
        parts.append(
            f'<text class="soft" x="{(LEFT + RIGHT) / 2:.1f}" y="{BOTTOM + 36}" '
            f'text-anchor="middle">{escape(self.across)}</text>'
        )
        return parts

    def names(
        self, series: Iterable[Line | Curve], values: Iterable[float]
    ) -> Iterator[tuple[str, str]]:
        """Yield the colour of each, and its name on the right, at the height of a value."""
        colours = iter(COLOURS)
        for one, at in zip(series, _apart([*map(self.height, values)]), strict=True):
            colour = OURS_COLOUR if one.ours else next(colours)
            kind = ' class="ours"' if one.ours else ""
            yield (
                colour,
                f'<text x="{RIGHT + 12}" y="{at + 4.5:.1f}"{kind} style="fill: {colour}">'
                f"{escape(one.label)}</text>",
            )


def _line(line: Line, colour: str, plot: _Plot) -> list[str]:
    height = plot.height
    found = [(LEFT + at * plot.step, point) for at, point in enumerate(line.points) if point]
    path = " ".join(f"{x:.1f},{height(point.median):.1f}" for x, point in found)
    parts = [f'<polyline class="line" points="{path}" stroke="{colour}"/>']
    for x, point in found:
        parts += [
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{height(point.low):.1f}" '
            f'y2="{height(point.high):.1f}" stroke="{colour}" stroke-width="1.5" opacity=".6"/>',
            f'<circle cx="{x:.1f}" cy="{height(point.median):.1f}" r="3.5" fill="{colour}"/>',
        ]
    return parts


def _last(line: Line) -> float:
    return next((point.median for point in reversed(line.points) if point), 0.0)


def _apart(heights: list[float], gap: float = 17) -> list[float]:
    """Return heights that texts can have without touching, in the order given."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = dict.fromkeys(order, 0.0)
    below = float("-inf")
    for position in order:
        below = max(heights[position], below + gap)
        moved[position] = below
    # What was pushed under the axis moves up again, with all that stands above it.
    over = below - BOTTOM
    if over > 0:
        limit = float("inf")
        for position in reversed(order):
            limit = min(moved[position] - (over if limit == float("inf") else 0), limit - gap)
            moved[position] = min(moved[position], limit)
            limit = moved[position]
    return [moved[position] for position in range(len(heights))]


def _ceiling(value: float) -> float:
    """Return the next round number that four grid lines divide well."""
    size = 10.0 ** (len(f"{value:.0f}") - 1) if value >= 1 else 0.1
    return next(size * factor for factor in CEILINGS if size * factor >= value)


def _card(title: str, unit: str, height: float, parts: list[str]) -> str:
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img">\n'
        f"<title>{escape(title)}: {escape(unit)}</title>\n<style>{STYLE}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8"/>\n'
        f'<text class="title" x="{PAD}" y="30">{escape(title)}</text>\n'
        f'<text class="soft" x="{PAD}" y="48">{escape(unit)}</text>\n'
        f"{inside}\n</svg>\n"
    )
