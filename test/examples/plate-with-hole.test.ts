import { expect, test } from 'vitest'
import { runLocally } from './run-locally.ts'

const COARSE = { coarsest_radial_elements: 12, meshes: 2 }

/** R. C. J. Howland (1930): hole diameter over plate width, and the largest stress over the remote one. */
const HOWLAND = [
  [0.1, 3.03],
  [0.3, 3.36],
  [0.5, 4.32],
] as const

test.each(HOWLAND)(
  'a hole of %d of the width concentrates stress as Howland found',
  async (ratio, factor) => {
    const { result } = await runLocally('plate-with-hole', {
      inputs: { ...COARSE, hole_diameter_mm: 100 * ratio },
    })
    const { kt_gross } = result as { kt_gross: number }
    expect(Math.abs(kt_gross / factor - 1)).toBeLessThan(0.01)
  },
)

test('progress never goes back and every line of it is whole', async () => {
  const { readOutput } = await runLocally('plate-with-hole', { inputs: COARSE })
  const progress = await readOutput('progress.jsonl')
  expect(progress.endsWith('\n')).toBe(true)
  const fractions = progress
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { fraction: number }).fraction)
  expect(fractions.length).toBeGreaterThan(10)
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  expect(fractions.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true)
})

test('the VTK file holds as many points, cells and values as it announces', async () => {
  const { result, readOutput } = await runLocally('plate-with-hole', { inputs: COARSE })
  const { elements, degrees_of_freedom } = result as { elements: number; degrees_of_freedom: number }
  const lines = (await readOutput('artifacts/plate.vtk')).trimEnd().split('\n')
  const at = (start: string) => lines.findIndex((line) => line.startsWith(start))
  expect(lines[3]).toBe('DATASET UNSTRUCTURED_GRID')
  expect(lines[at('POINTS')]).toBe(`POINTS ${degrees_of_freedom / 2} double`)
  expect(at('CELLS') - at('POINTS') - 1).toBe(degrees_of_freedom / 2)
  expect(at('CELL_TYPES') - at('CELLS') - 1).toBe(elements)
  expect(at('POINT_DATA') - at('CELL_TYPES') - 1).toBe(elements)
  expect(lines.length - at('SCALARS von_mises_mpa') - 2).toBe(degrees_of_freedom / 2)
})

test('a hole wider than the plate is refused', async () => {
  await expect(runLocally('plate-with-hole', { inputs: { hole_diameter_mm: 100 } })).rejects.toThrow(
    /between 0 and the width/,
  )
})
