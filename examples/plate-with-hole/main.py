"""Plate with a central hole in tension: plane stress, eight-node quadrilaterals, a sequence of finer meshes.

By symmetry a quarter of the plate is modelled: the load acts along x, the hole is centred on the origin.
Units: mm, N, MPa.

Sources
- Element: O. C. Zienkiewicz, R. L. Taylor, J. Z. Zhu, "The Finite Element Method: Its Basis and Fundamentals":
  serendipity quadrilateral, 2 x 2 Gauss points, where its stresses are at their most accurate.
- Solver: M. R. Hestenes, E. Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems",
  J. Res. Nat. Bur. Standards 49 (1952), with a diagonal preconditioner, element by element.
- What to expect: R. C. J. Howland, Phil. Trans. R. Soc. A 229 (1930), pp. 49-86, for a strip of finite width.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

OUT = Path("/workspace/out") if Path("/workspace/out").is_dir() else Path("out")
CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
MIDSIDES = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)])
GAUSS = CORNERS / 3**0.5
TOLERANCE = 1e-9
VTK_QUADRATIC_QUAD = 23


def analyse_plate(
    width_mm: float,
    length_mm: float,
    thickness_mm: float,
    hole_diameter_mm: float,
    remote_stress_mpa: float,
    youngs_modulus_mpa: float,
    poissons_ratio: float,
    coarsest_radial_elements: int,
    meshes: int,
) -> dict:
    """Stress concentration at the hole, on `meshes` meshes, each twice as fine as the one before.

    K_tg = sigma_max / sigma_remote; K_tn = sigma_max / sigma_net, sigma_net = sigma_remote * W / (W - d).
    Leaves `plate.vtk` (displacements and stresses of the finest mesh, for ParaView) and `convergence.csv`.
    """
    if not 0 < hole_diameter_mm < width_mm:
        raise ValueError(f"hole_diameter_mm must lie between 0 and the width, {width_mm} mm; it is {hole_diameter_mm}")
    e, nu = youngs_modulus_mpa, poissons_ratio
    elasticity = e / (1 - nu**2) * np.array([[1, nu, 0], [nu, 1, 0], [0, 0, (1 - nu) / 2]])
    report_progress = progress_reporter(meshes)
    history = []
    for level in range(meshes):
        radial = coarsest_radial_elements * 2**level
        nodes, quads, loaded_edges = mesh_quarter(width_mm, length_mm, hole_diameter_mm, radial, radial)
        label = f"mesh {level + 1} of {meshes}, {len(quads):,} elements"
        dofs = np.stack([2 * quads, 2 * quads + 1], axis=2).reshape(len(quads), 16)
        strain, area = strain_matrices(nodes, quads)
        stiffness = thickness_mm * sum(
            b.transpose(0, 2, 1) @ (elasticity @ b) * a for b, a in zip(strain, area, strict=True)
        )
        load = edge_load(nodes, loaded_edges, remote_stress_mpa * thickness_mm)
        at_x0, at_y0 = np.flatnonzero(nodes[:, 0] < 1e-9), np.flatnonzero(nodes[:, 1] < 1e-9)
        held = np.concatenate([2 * at_x0, 2 * at_y0 + 1])
        moved, steps = solve(stiffness, dofs, load, held, partial(report_progress, level, label))
        stress = nodal_stresses(quads, len(nodes), [elasticity @ b @ moved[dofs][..., None] for b in strain])
        hole_crown = at_x0[nodes[at_x0, 1].argmin()]
        history.append((len(quads), 2 * len(nodes), steps, float(stress[hole_crown, 0])))
        print(f"{label}: {steps} solver steps, peak stress {history[-1][3]:.3f} MPa", flush=True)

    section_force = -2 * float(internal_forces(stiffness, dofs, moved)[2 * at_x0].sum())
    artifacts = OUT / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    write_vtk(artifacts / "plate.vtk", nodes, quads, moved.reshape(-1, 2), stress)
    np.savetxt(artifacts / "convergence.csv", history, "%.6g", ",", header="elements,dofs,steps,peak_mpa", comments="")
    peak = history[-1][3]
    return {
        "peak_stress_mpa": peak,
        "kt_gross": peak / remote_stress_mpa,
        "kt_net": peak / remote_stress_mpa * (1 - hole_diameter_mm / width_mm),
        "section_force_kn": section_force / 1000,
        "last_refinement_percent": 100 * (peak / history[-2][3] - 1) if meshes > 1 else None,
        "elements": history[-1][0],
        "degrees_of_freedom": history[-1][1],
    }


def mesh_quarter(width: float, length: float, diameter: float, radial: int, around: int) -> tuple[np.ndarray, ...]:
    """Nodes, eight-node quadrilaterals and the loaded three-node edges, between the hole and the outer rectangle."""
    turn = np.linspace(0, 1, 2 * around + 1)
    hole = diameter / 2 * np.stack([np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)], axis=1)
    rim = np.stack([np.minimum(1, 2 - 2 * turn) * length / 2, np.minimum(1, 2 * turn) * width / 2], axis=1)
    rings = (np.exp(3 * np.linspace(0, 1, radial + 1)) - 1) / (np.exp(3) - 1)  # finest at the hole
    reach = np.interp(np.arange(2 * radial + 1) / 2, np.arange(radial + 1), rings)[:, None, None]
    lattice = (1 - reach) * hole + reach * rim

    number = np.arange(lattice.shape[0] * lattice.shape[1]).reshape(lattice.shape[:2])
    i, j = (2 * axis.ravel() for axis in np.meshgrid(np.arange(radial), np.arange(around), indexing="ij"))
    steps = np.concatenate([CORNERS, MIDSIDES]) + 1
    quads = np.stack([number[i + di, j + dj] for di, dj in steps], axis=1)
    edge = number[-1, : around + 1]
    used, compact = np.unique(quads, return_inverse=True)  # the middle of a quadrilateral carries no node
    edges = np.searchsorted(used, np.stack([edge[:-1:2], edge[1::2], edge[2::2]], axis=1))
    return lattice.reshape(-1, 2)[used], compact.reshape(quads.shape), edges


def shape_gradients(xi: float, eta: float) -> np.ndarray:
    """Derivatives of the eight serendipity shape functions with respect to xi and eta, as a 2 x 8 matrix."""
    a, b = CORNERS.T
    corners = [a * (1 + b * eta) * (2 * a * xi + b * eta) / 4, b * (1 + a * xi) * (2 * b * eta + a * xi) / 4]
    s, t = 1 - xi**2, 1 - eta**2
    midsides = [
        [-xi * (1 - eta), t / 2, -xi * (1 + eta), -t / 2],
        [-s / 2, -eta * (1 + xi), s / 2, -eta * (1 - xi)],
    ]
    return np.hstack([corners, midsides])


def strain_matrices(nodes: np.ndarray, quads: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """At each Gauss point: the strain-displacement matrices (elements x 3 x 16) and the areas they stand for."""
    strain, area = [], []
    for xi, eta in GAUSS:
        local = shape_gradients(xi, eta)
        jacobian = local @ nodes[quads]
        dx, dy = np.linalg.solve(jacobian, np.broadcast_to(local, (len(quads), 2, 8))).transpose(1, 0, 2)
        b = np.zeros((len(quads), 3, 16))
        b[:, 0, 0::2], b[:, 1, 1::2], b[:, 2, 0::2], b[:, 2, 1::2] = dx, dy, dy, dx
        strain.append(b)
        area.append(np.linalg.det(jacobian)[:, None, None])
    return strain, area


def edge_load(nodes: np.ndarray, edges: np.ndarray, force_per_length: float) -> np.ndarray:
    """Consistent nodal forces along x of a uniform pull: 1/6, 4/6, 1/6 of each edge's force."""
    load = np.zeros(2 * len(nodes))
    length = np.abs(nodes[edges[:, 2], 1] - nodes[edges[:, 0], 1])
    np.add.at(load, 2 * edges, force_per_length * length[:, None] * np.array([1, 4, 1]) / 6)
    return load


def internal_forces(stiffness: np.ndarray, dofs: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """K u, element by element: the global matrix is never formed."""
    forces = np.matmul(stiffness, moved[dofs][..., None])[..., 0]
    return np.bincount(dofs.ravel(), forces.ravel(), len(moved))


def solve(
    stiffness: np.ndarray, dofs: np.ndarray, load: np.ndarray, held: np.ndarray, report: Callable[[float], None]
) -> tuple[np.ndarray, int]:
    """Conjugate gradients until the residual is TOLERANCE of the load: displacements (zero where held) and steps."""
    free = np.ones(len(load))
    free[held] = 0
    inverse_diagonal = free / np.bincount(dofs.ravel(), np.einsum("eii->ei", stiffness).ravel(), len(load))
    moved, residual = np.zeros_like(load), load * free
    direction = inverse_diagonal * residual
    energy, start = residual @ direction, np.linalg.norm(residual)
    least = 1.0  # the residual's norm may grow for a while
    for step in range(1, 20 * len(load)):
        forces = internal_forces(stiffness, dofs, direction) * free
        stride = energy / (direction @ forces)
        moved += stride * direction
        residual -= stride * forces
        least = min(least, np.linalg.norm(residual) / start)
        if least < TOLERANCE:
            return moved, step
        if step % 50 == 0:
            report(np.log(least) / np.log(TOLERANCE))
        preconditioned = inverse_diagonal * residual
        energy, before = residual @ preconditioned, energy
        direction = preconditioned + energy / before * direction
    raise ArithmeticError("the solver did not converge: check the dimensions and the material")


def nodal_stresses(quads: np.ndarray, count: int, at_gauss: list[np.ndarray]) -> np.ndarray:
    """Stresses at the nodes: bilinear through the four Gauss points of an element, averaged between elements."""
    a, b = (np.concatenate([CORNERS, MIDSIDES]) * 3**0.5).T
    weights = [(1 + p * a) * (1 + q * b) / 4 for p, q in CORNERS]
    in_element = sum(w[:, None] * s.transpose(0, 2, 1) for w, s in zip(weights, at_gauss, strict=True))
    shared = np.bincount(quads.ravel(), minlength=count)
    return np.stack([np.bincount(quads.ravel(), in_element[..., k].ravel()) / shared for k in range(3)], axis=1)


def progress_reporter(meshes: int) -> Callable[[int, str, float], None]:
    """Appends to progress.jsonl; a mesh twice as fine has four times the elements and takes twice the steps."""
    cost = 8.0 ** np.arange(meshes)
    started = time.monotonic()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "progress.jsonl").unlink(missing_ok=True)

    def report(level: int, message: str, part: float) -> None:
        fraction = (cost[:level].sum() + part * cost[level]) / cost.sum()
        line = {"fraction": round(float(fraction), 4), "message": message}
        if fraction > 0.02:
            line["eta_seconds"] = round((time.monotonic() - started) * float(1 / fraction - 1), 1)
        with (OUT / "progress.jsonl").open("a") as progress:
            progress.write(json.dumps(line) + "\n")

    return report


def write_vtk(path: Path, nodes: np.ndarray, quads: np.ndarray, moved: np.ndarray, stress: np.ndarray) -> None:
    """A legacy VTK file (ASCII, version 3.0): ParaView and PyVista open it."""
    sx, sy, txy = stress.T
    flat = np.zeros((len(nodes), 1))
    with path.open("w") as vtk:
        vtk.write("# vtk DataFile Version 3.0\nPlate with a central hole (mm, MPa)\nASCII\nDATASET UNSTRUCTURED_GRID\n")
        vtk.write(f"POINTS {len(nodes)} double\n")
        np.savetxt(vtk, np.hstack([nodes, flat]), "%.6g")
        vtk.write(f"CELLS {len(quads)} {9 * len(quads)}\n")
        np.savetxt(vtk, np.insert(quads, 0, 8, axis=1), "%d")
        vtk.write(f"CELL_TYPES {len(quads)}\n" + f"{VTK_QUADRATIC_QUAD}\n" * len(quads))
        vtk.write(f"POINT_DATA {len(nodes)}\nVECTORS displacement_mm double\n")
        np.savetxt(vtk, np.hstack([moved, flat]), "%.6g")
        von_mises = np.sqrt(sx**2 - sx * sy + sy**2 + 3 * txy**2)
        for name, values in (("stress_xx_mpa", sx), ("stress_yy_mpa", sy), ("von_mises_mpa", von_mises)):
            vtk.write(f"SCALARS {name} double 1\nLOOKUP_TABLE default\n")
            np.savetxt(vtk, values, "%.6g")
