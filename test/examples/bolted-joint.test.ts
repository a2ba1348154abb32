import { expect, test } from 'vitest'
import { runLocally } from './run-locally.ts'

type Result = {
  assembly_preload_kn: number
  tightening_torque_nm: number
  plate_stiffness_kn_per_mm: number
  residual_clamp_load_kn: number
  joint_stays_closed: boolean
}

const checkJoint = async (inputs: Record<string, number>) =>
  (await runLocally('bolted-joint', { inputs })).result as Result

// As fastener makers reprint them from VDI 2230, for property class 8.8: friction, preload in kN, torque in N·m.
const M12_FINE = {
  nominal_diameter_mm: 12,
  pitch_mm: 1.25,
  bearing_diameter_mm: 16.63,
  hole_diameter_mm: 13.5,
}
const M10_FINE = { nominal_diameter_mm: 10, pitch_mm: 1.25, bearing_diameter_mm: 14.63, hole_diameter_mm: 11 }
const M12_COARSE = { ...M12_FINE, pitch_mm: 1.75 }
const TABULATED = [
  ['M12', M12_COARSE, 0.14, 41.9, 93],
  ['M12 x 1.25', M12_FINE, 0.1, 49.1, 79],
  ['M12 x 1.25', M12_FINE, 0.12, 48.0, 90],
  ['M12 x 1.25', M12_FINE, 0.14, 46.8, 101],
  ['M10 x 1.25', M10_FINE, 0.12, 31.6, 51],
] as const

test.each(TABULATED)('%s has the tabulated preload and torque', async (_name, thread, friction, kn, nm) => {
  const joint = await checkJoint({ ...thread, friction_thread: friction, friction_head: friction })
  expect(Math.abs(joint.assembly_preload_kn / kn - 1)).toBeLessThan(0.005)
  expect(Math.abs(joint.tightening_torque_nm / nm - 1)).toBeLessThan(0.015)
})

/** The resilience of the two deformation cones and the sleeve between them, by summing slices. */
const integratePlates = (clamp: number, outer: number) => {
  const [bearing, hole, modulus] = [16.63, 13.5, 205_000]
  const slope = 0.362 + 0.032 * Math.log(clamp / bearing / 2) + 0.153 * Math.log(outer / bearing)
  const slices = 100_000
  let resilience = 0
  for (let slice = 0; slice < slices; slice++) {
    const depth = ((slice + 0.5) / slices) * clamp
    const width = Math.min(outer, bearing + 2 * slope * Math.min(depth, clamp - depth))
    resilience += (clamp / slices) * (4 / (Math.PI * modulus * (width ** 2 - hole ** 2)))
  }
  return resilience
}

test.each([
  ['wide', 50],
  ['narrow', 25],
])('plates that are %s are as stiff as their slices together', async (_name, plate_diameter_mm) => {
  const joint = await checkJoint({ plate_diameter_mm })
  const expected = 1 / integratePlates(40, plate_diameter_mm) / 1000
  expect(Math.abs(joint.plate_stiffness_kn_per_mm / expected - 1)).toBeLessThan(1e-6)
})

test('a load that takes the whole clamp load away opens the joint', async () => {
  const joint = await checkJoint({ axial_load_kn: 27 })
  expect(joint.residual_clamp_load_kn).toBeLessThan(0)
  expect(joint.joint_stays_closed).toBe(false)
})

test('a bearing surface that is no wider than the hole is refused', async () => {
  await expect(checkJoint({ bearing_diameter_mm: 13.5 })).rejects.toThrow(/bearing surface must be wider/)
})
