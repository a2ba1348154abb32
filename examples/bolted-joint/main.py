"""Bolted joint: preload, tightening torque, stiffness and residual clamp load of a through-bolted joint.

Sources (steps and symbols of VDI 2230 Part 1:2015)
- Thread: ISO 68-1, ISO 724 (pitch and minor diameters), ISO 898-1 (stress area, proof strengths).
- R3: resiliences of bolt (5.1.1) and plates (5.1.2); R4: embedding (5.4.2); R7: permissible assembly preload, by
  von Mises with the shank's outer fibre allowed to yield; R8: working stress; R13: tightening torque.

Units: N, mm, MPa inside; kN, N m, MPa in the result.
"""

import math


def check_bolted_joint(
    nominal_diameter_mm: float,
    pitch_mm: float,
    yield_strength_mpa: float,
    utilisation: float,
    friction_thread: float,
    friction_head: float,
    bearing_diameter_mm: float,
    hole_diameter_mm: float,
    shank_length_mm: float,
    clamp_length_mm: float,
    plate_diameter_mm: float,
    youngs_modulus_bolt_mpa: float,
    youngs_modulus_plates_mpa: float,
    tightening_factor: float,
    embedding_um: float,
    load_introduction: float,
    axial_load_kn: float,
) -> dict:
    """Checks one bolt of a joint loaded along its axis.

    F_M = nu Rp0.2 A_S / sqrt(1 + 3 [3/2 d2/d_S (P/(pi d2) + mu_G / cos 30 deg)]^2)   (R7)
    M_A = F_M [P/(2 pi) + d2 mu_G / (2 cos 30 deg) + D_Km mu_K / 2]                     (R13)
    F_KR = F_M / alpha_A - F_Z - (1 - Phi) F_A, F_Z = f_Z / (delta_S + delta_P), Phi = n delta_P / (delta_S + delta_P)
    """
    d, pitch = nominal_diameter_mm, pitch_mm
    if not d > pitch > 0:
        raise ValueError("pitch_mm must be positive and smaller than nominal_diameter_mm")
    if not hole_diameter_mm < bearing_diameter_mm < plate_diameter_mm:
        raise ValueError("the bearing surface must be wider than the hole and narrower than the plates")
    pitch_diameter = d - 3 * math.sqrt(3) / 8 * pitch
    minor_diameter = d - 17 * math.sqrt(3) / 24 * pitch
    stress_diameter = (pitch_diameter + minor_diameter) / 2
    stress_area = math.pi / 4 * stress_diameter**2

    lead = pitch / (math.pi * pitch_diameter)
    rubbing = friction_thread / math.cos(math.radians(30))
    twist = 1.5 * pitch_diameter / stress_diameter * (lead + rubbing)
    preload = utilisation * yield_strength_mpa * stress_area / math.sqrt(1 + 3 * twist**2)
    thread_torque = preload * pitch_diameter / 2 * (lead + rubbing)
    head_torque = preload * friction_head * (bearing_diameter_mm + hole_diameter_mm) / 4

    bolt = bolt_resilience(d, minor_diameter, shank_length_mm, clamp_length_mm, youngs_modulus_bolt_mpa)
    plates = plate_resilience(
        bearing_diameter_mm, hole_diameter_mm, plate_diameter_mm, clamp_length_mm, youngs_modulus_plates_mpa
    )
    load_factor = load_introduction * plates / (bolt + plates)
    embedding_loss = embedding_um / 1000 / (bolt + plates)
    axial_load = 1000 * axial_load_kn
    residual_clamp = preload / tightening_factor - embedding_loss - (1 - load_factor) * axial_load

    # Half of the tightening's torsion is taken to remain in service (R8, k_tau = 0.5).
    tension = (preload + load_factor * axial_load) / stress_area
    torsion = 0.5 * thread_torque / (math.pi / 16 * stress_diameter**3)
    return {
        "stress_area_mm2": stress_area,
        "assembly_preload_kn": preload / 1000,
        "tightening_torque_nm": (thread_torque + head_torque) / 1000,
        "bolt_stiffness_kn_per_mm": 1 / bolt / 1000,
        "plate_stiffness_kn_per_mm": 1 / plates / 1000,
        "load_factor": load_factor,
        "embedding_loss_kn": embedding_loss / 1000,
        "residual_clamp_load_kn": residual_clamp / 1000,
        "yield_safety": yield_strength_mpa / math.sqrt(tension**2 + 3 * torsion**2),
        "joint_stays_closed": residual_clamp > 0,
    }


def bolt_resilience(d: float, minor_diameter: float, shank: float, clamp: float, modulus: float) -> float:
    """delta_S in mm/N: hexagon head (0.5 d), shank, free thread, engaged thread (0.5 d) and nut (0.4 d), in series."""
    if not 0 <= shank <= clamp:
        raise ValueError("shank_length_mm must lie between 0 and clamp_length_mm")
    full, core = math.pi / 4 * d**2, math.pi / 4 * minor_diameter**2
    return ((0.5 * d + shank + 0.4 * d) / full + (clamp - shank + 0.5 * d) / core) / modulus


def plate_resilience(bearing: float, hole: float, outer: float, clamp: float, modulus: float) -> float:
    """delta_P in mm/N: two deformation cones back to back, with a sleeve between them where the plates end first."""
    tan_phi = 0.362 + 0.032 * math.log(clamp / bearing / 2) + 0.153 * math.log(outer / bearing)
    widest = min(outer, bearing + clamp * tan_phi)
    cone = math.log((bearing + hole) * (widest - hole) / ((bearing - hole) * (widest + hole))) / (hole * tan_phi)
    sleeve = (clamp - (widest - bearing) / tan_phi) * 2 / (widest**2 - hole**2)
    return 2 * (cone + sleeve) / (math.pi * modulus)
