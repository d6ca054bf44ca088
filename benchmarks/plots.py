"""Draws the curves of a run: `python benchmarks/plots.py bench.json FOLDER`, with matplotlib.

Run by `benchmarks.pages` in an environment of its own, so nothing of ours is imported.
"""

import json
import pathlib
import re
import statistics
import sys

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "sqlqueue", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}

from matplotlib import pyplot as plt  # noqa: E402 - the backend first

POINT = re.compile(r"(.+) curve: (\S+)")
PANELS = {
    "backlog": ("jobs waiting", "log"),
    "history": ("finished jobs in the tables", "linear"),
    "queues": ("queues", "log"),
    "workers": ("worker processes", "linear"),
    "snapshot held": ("seconds of draining", "linear"),
}
TOGETHER = {"snapshot held": ("no snapshot", "snapshot held")}
NAMES = {"postgres": ("PostgreSQL", "#336791"), "sqlite": ("SQLite", "#c2702d")}


def main(source: pathlib.Path, folder: pathlib.Path) -> None:
    points: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for figure in json.loads(source.read_text())["figures"]:
        if point := POINT.fullmatch(figure["what"]):
            key = (figure["database"], point[1])
            points.setdefault(key, []).append((float(point[2].replace(",", "")), statistics.median(figure["values"])))
    shown, axes = plt.subplots(2, 3, figsize=(10, 5.5))
    for panel, (name, (label, scale)) in zip(axes.flat, PANELS.items(), strict=False):
        for database, (title, colour) in NAMES.items():
            for curve in TOGETHER.get(name, (name,)):
                found = sorted(points.get((database, curve), []))
                dashed = "--" if curve == "no snapshot" else "-"
                words = title if len(TOGETHER.get(name, (name,))) == 1 else f"{title}, {curve}"
                panel.plot([x for x, _ in found], [y for _, y in found], dashed, marker=".", color=colour, label=words)
        panel.set(xlabel=label, ylabel="jobs a second", xscale=scale, ylim=(0, None))
        if scale == "linear":
            panel.ticklabel_format(axis="x", style="plain")
            panel.locator_params(axis="x", nbins=4)
        if name in TOGETHER:  # four lines leave no room
            axes.flat[-1].legend(*panel.get_legend_handles_labels(), frameon=False, fontsize=7, loc="center left")
        else:
            panel.legend(frameon=False, fontsize=7)
    axes.flat[-1].axis("off")
    shown.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    shown.savefig(folder / "curves.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
