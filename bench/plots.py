"""Growth as plots: time and memory against the number of gateways and of routes, on logarithmic axes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.targets import Growth, growth_of

_UNITS = {"s": ("time", "seconds"), "MiB": ("memory", "MiB")}
_INCHES = (7.5, 5.5)


def write_plots(results: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Write a plot for each kind of growth that was measured.

    Parameters
    ----------
    results
        The results.
    folder
        Where the SVG files go; it exists.

    Returns
    -------
    list
        Title and file name of each.
    """
    written = []
    for by in ("gateways", "routes"):
        for unit, (what, label) in _UNITS.items():
            series = [growth for growth in growth_of(results) if (growth.by, growth.unit) == (by, unit)]
            if series:
                title, file = f"{what.capitalize()} against the number of {by}", f"{what}-by-{by}.svg"
                _plot(series, title, label, folder / file)
                written.append((title, file))
    return written


def _plot(series: list[Growth], title: str, label: str, file: Path) -> None:
    # Loaded here: of the whole benchmark only this needs it, and it takes a while.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Fixed ids and no date: equal numbers give equal files. Text as text can be searched.
    with mpl.rc_context({"svg.hashsalt": file.name, "svg.fonttype": "none"}):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.subplots()
        for growth in series:
            sizes = sorted(growth.values)
            values = [growth.values[size] for size in sizes]
            axes.loglog(sizes, values, marker="o", label=f"{growth.measure}: exponent {growth.exponent:.2f}")
        sizes = sorted({size for growth in series for size in growth.values})
        lowest = min(min(growth.values.values()) for growth in series)
        linear = [lowest * size / sizes[0] for size in sizes]
        axes.loglog(sizes, linear, linestyle=":", color="gray", label="linear: exponent 1")
        axes.set(title=title, xlabel=series[0].by, ylabel=label, xticks=sizes)
        axes.set_xticklabels([f"{size:g}" for size in sizes])
        axes.grid(visible=True, which="major", alpha=0.3)
        figure.legend(loc="outside lower center", fontsize="small")
        figure.savefig(file, format="svg", metadata={"Date": None})
