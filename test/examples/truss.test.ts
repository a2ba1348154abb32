import { expect, test } from 'vitest'
import { runLocally } from './run-locally.ts'

type Result = { displacement_mm: { x: number; y: number }; largest_stress_mpa: number }

/** D. L. Logan, "A First Course in the Finite Element Method", example 3.5: three bars from a loaded node, in inches. */
const LOGAN_3_5 = `$MeshFormat
4.1 0 8
$EndMeshFormat
$PhysicalNames
3
0 1 "load"
0 2 "wall"
1 3 "bars"
$EndPhysicalNames
$Entities
4 3 0 0
1 0 0 0 1 1
2 0 120 0 1 2
3 120 120 0 1 2
4 120 0 0 1 2
1 0 0 0 0 120 0 1 3 2 1 -2
2 0 0 0 120 120 0 1 3 2 1 -3
3 0 0 0 120 0 0 1 3 2 1 -4
$EndEntities
$Nodes
1 4 1 4
0 1 0 4
1
2
3
4
0 0 0
0 120 0
120 120 0
120 0 0
$EndNodes
$Elements
7 7 1 7
0 1 15 1
1 1
0 2 15 1
2 2
0 3 15 1
3 3
0 4 15 1
4 4
1 1 1 1
5 1 2
1 2 1 1
6 1 3
1 3 1 1
7 1 4
$EndElements
`

const LOGAN_INPUTS = {
  // Any consistent units do: with 30e6 psi and 10,000 lb in 1e6 lb, lengths are inches, and "mm" are thousandths.
  youngs_modulus_gpa: 30,
  sections_mm2: { bars: 2 },
  supports: { wall: 'xy' },
  loads_kn: { load: [0, -0.01] },
  watch: 'load',
}

test('a statically indeterminate truss of a textbook has its displacements and stress', async () => {
  const { result } = await runLocally('truss', { files: { 'bridge.msh': LOGAN_3_5 }, inputs: LOGAN_INPUTS })
  const { displacement_mm, largest_stress_mpa } = result as Result
  expect(displacement_mm.x).toBeCloseTo(4.14, 2) // 0.414e-2 in
  expect(displacement_mm.y).toBeCloseTo(-15.86, 2) // -1.59e-2 in
  expect(largest_stress_mpa).toBeCloseTo(3.965, 2) // 3,965 psi
})

test.each([
  ['a truss that can move', { inputs: { supports: { pin: 'y', roller: 'y' } } }, /mechanism/],
  [
    'a support that holds nothing known',
    { inputs: { supports: { pin: 'z' } } },
    /'pin' holds 'x', 'y' or 'xy', not 'z'/,
  ],
  [
    'a load on a point that the mesh does not name',
    { inputs: { loads_kn: { bridge: [0, 1] } } },
    /no 'bridge'; it has deck/,
  ],
  [
    'another version of the format',
    { files: { 'bridge.msh': LOGAN_3_5.replace('4.1 0', '2.2 0') } },
    /MSH 2.2: export it as ASCII version 4.1/,
  ],
  ['a file that is no mesh', { files: { 'bridge.msh': 'solid bridge\n' } }, /has no \$Elements/],
])('%s is refused with the way out', async (_name, changes, message) => {
  await expect(runLocally('truss', changes)).rejects.toThrow(message)
})
