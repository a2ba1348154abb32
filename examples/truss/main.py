"""Plane pin-jointed truss by the direct stiffness method, on a Gmsh mesh (MSH 4.1, ASCII).

Two-node line elements are the bars; the mesh's physical groups say which section a bar has, and where supports and
loads are. Coordinates in m.

Sources
- Direct stiffness method: D. L. Logan, "A First Course in the Finite Element Method", chapter 3: the stiffness of a
  bar is EA/L * n n^T on the difference of its ends' displacements, n its direction.
- File format: C. Geuzaine, J.-F. Remacle, Gmsh reference manual, "MSH file format", version 4.1.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

OUT = Path("/workspace/out") if Path("/workspace/out").is_dir() else Path("out")
LINE, POINT = 1, 15  # Gmsh's element types
POINTS = "the mesh's physical points"
T = TypeVar("T")


@dataclass
class Mesh:
    tags: list[int] = field(default_factory=list)
    positions: list[tuple[float, float]] = field(default_factory=list)
    bars: list[tuple[int, int, str]] = field(default_factory=list)
    points: dict[str, list[int]] = field(default_factory=dict)


def solve_truss(
    mesh: Path,
    youngs_modulus_gpa: float,
    sections_mm2: dict[str, float],
    supports: dict[str, str],
    loads_kn: dict[str, list[float]],
    watch: str,
) -> dict:
    """Displacements, bar forces (tension positive) and reactions.

    `sections_mm2` gives each physical curve its area, `supports` each physical point what it holds ("x", "y" or "xy"),
    `loads_kn` each physical point a force [x, y] at every one of its nodes; `watch` names the point to report.
    """
    model = read_mesh(mesh)
    position = np.array(model.positions)
    ends = np.array([(i, j) for i, j, _ in model.bars])
    area = np.array([pick(sections_mm2, group, "sections_mm2") for *_, group in model.bars])
    span = position[ends[:, 1]] - position[ends[:, 0]]
    length = np.linalg.norm(span, axis=1)
    direction = span / length[:, None]
    axial = youngs_modulus_gpa * area / length  # GPa mm2 / m = kN/m

    dofs = 2 * ends[:, [0, 0, 1, 1]] + [0, 1, 0, 1]
    lengthening = np.hstack([-direction, direction])  # of a bar, by the displacements of its ends
    stiffness = np.zeros((position.size, position.size))
    for bar, row in enumerate(dofs):
        stiffness[np.ix_(row, row)] += axial[bar] * np.outer(lengthening[bar], lengthening[bar])
    load = nodal_loads(model, loads_kn)
    moved = displacements(stiffness, load, held_directions(model, supports))
    reaction = stiffness @ moved - load
    force = axial * np.einsum("bi,bi->b", lengthening, moved[dofs])
    stress = 1000 * force / area

    names = [f"{model.tags[i]}-{model.tags[j]}" for i, j in ends]
    write_bars(OUT / "artifacts" / "bars.csv", model, names, np.stack([length, force, stress], axis=1))
    watched = 2 * pick(model.points, watch, POINTS)[0]
    return {
        "displacement_mm": {"x": 1000 * moved[watched], "y": 1000 * moved[watched + 1]},
        "reactions_kn": {
            group: [float(reaction[2 * node]), float(reaction[2 * node + 1])]
            for group in supports
            for node in model.points[group]
        },
        "bar_forces_kn": dict(zip(names, force.tolist(), strict=True)),
        "largest_tension": {"bar": names[force.argmax()], "force_kn": force.max()},
        "largest_compression": {"bar": names[force.argmin()], "force_kn": force.min()},
        "largest_stress_mpa": float(np.abs(stress).max()),
        "nodes": len(position),
        "bars": len(names),
    }


def nodal_loads(model: Mesh, loads_kn: dict[str, list[float]]) -> np.ndarray:
    load = np.zeros(2 * len(model.tags))
    for group, force in loads_kn.items():
        for node in pick(model.points, group, POINTS):
            load[2 * node : 2 * node + 2] += force
    return load


def held_directions(model: Mesh, supports: dict[str, str]) -> list[int]:
    held = set()
    for group, axes in supports.items():
        if not axes or set(axes) - set("xy"):
            raise ValueError(f"support {group!r} holds 'x', 'y' or 'xy', not {axes!r}")
        held |= {2 * node + "xy".index(axis) for node in pick(model.points, group, POINTS) for axis in axes}
    return sorted(held)


def displacements(stiffness: np.ndarray, load: np.ndarray, held: list[int]) -> np.ndarray:
    """Solves K u = f; the held displacements are zero."""
    free = np.setdiff1d(np.arange(len(load)), held)
    inner = stiffness[np.ix_(free, free)]
    if np.linalg.cond(inner) > 1e12:
        raise ValueError("the truss is a mechanism: add bars or supports")
    moved = np.zeros(len(load))
    moved[free] = np.linalg.solve(inner, load[free])
    return moved


def pick(table: dict[str, T], name: str, where: str) -> T:
    """The entry of that name, or an error that says which names there are."""
    if name not in table:
        raise ValueError(f"{where} has no {name!r}; it has {', '.join(sorted(table)) or 'none'}")
    return table[name]


def read_mesh(path: Path) -> Mesh:
    """Nodes, bars and named points of an ASCII MSH 4.1 file."""
    sections = read_sections(path)
    version, binary, _ = next(sections["MeshFormat"]).split()
    if version != "4.1" or binary != "0":
        raise ValueError(f"{path.name} is MSH {version}{' (binary)' * (binary != '0')}: export it as ASCII version 4.1")
    names = read_names(sections["PhysicalNames"])
    groups = read_entities(sections["Entities"], names)
    mesh = Mesh()
    index = {}
    lines = sections["Nodes"]
    for _ in range(integers(lines)[0]):
        *_, count = integers(lines)
        for tag in [integers(lines)[0] for _ in range(count)]:
            x, y, z = map(float, next(lines).split())
            if z != 0:
                raise ValueError(f"node {tag} is out of the plane z = 0")
            index[tag] = len(mesh.tags)
            mesh.tags.append(tag)
            mesh.positions.append((x, y))
    lines = sections["Elements"]
    for _ in range(integers(lines)[0]):
        dimension, entity, kind, count = integers(lines)
        for _ in range(count):
            nodes = [index[tag] for tag in integers(lines)[1:]]
            for group in groups.get((dimension, entity), []):
                if kind == LINE:
                    mesh.bars.append((*nodes, group))
                elif kind == POINT:
                    mesh.points.setdefault(group, []).append(nodes[0])
    return mesh


def read_sections(path: Path) -> dict[str, Iterator[str]]:
    """The lines between each `$Name` and `$EndName`."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("$End"):
            continue
        if line.startswith("$"):
            current = sections.setdefault(line[1:].strip(), [])
        else:
            current.append(line)
    missing = {"MeshFormat", "PhysicalNames", "Entities", "Nodes", "Elements"} - set(sections)
    if missing:
        raise ValueError(f"{path.name} has no ${', $'.join(sorted(missing))}: is it a Gmsh file with physical groups?")
    return {name: iter(lines) for name, lines in sections.items()}


def integers(lines: Iterator[str]) -> list[int]:
    return [int(word) for word in next(lines).split()]


def read_names(lines: Iterator[str]) -> dict[tuple[int, int], str]:
    """The name of each physical group, by dimension and tag."""
    names = {}
    for _ in range(integers(lines)[0]):
        dimension, tag, name = next(lines).split(maxsplit=2)
        names[int(dimension), int(tag)] = name.strip('"')
    return names


def read_entities(lines: Iterator[str], names: dict[tuple[int, int], str]) -> dict[tuple[int, int], list[str]]:
    """The physical groups that each point and curve of the geometry belongs to."""
    groups = {}
    points, curves, *_ = integers(lines)
    for dimension, count, bounds in ((0, points, 3), (1, curves, 6)):
        for _ in range(count):
            words = next(lines).split()
            physical = words[bounds + 2 : bounds + 2 + int(words[bounds + 1])]
            groups[dimension, int(words[0])] = [names[dimension, int(tag)] for tag in physical]
    return groups


def write_bars(path: Path, model: Mesh, names: list[str], columns: np.ndarray) -> None:
    """One row a bar: its name, its group, and length, force and stress from `columns`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["bar", "group", "length_m", "force_kn", "stress_mpa"])
        for name, (*_, group), values in zip(names, model.bars, columns, strict=True):
            rows.writerow([name, group, *(f"{value:.6g}" for value in values)])
