import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { compareResult } from '../../../local/demo/compare.ts'
import { drawReport, drawSummary, type ExampleReport } from '../../../local/demo/report.ts'
import { createStyle } from '../../../local/demo/style.ts'

const style = createStyle(new Writable())
const values = [
  { name: 'Preload', path: 'f', unit: 'kN', expected: 43, relative_tolerance: 0.005, source: 'table A1' },
  {
    name: 'Stiffness',
    path: 'k',
    unit: 'kN/mm',
    expected: 1531,
    relative_tolerance: 0.001,
    source: 'by hand',
  },
]
const report = (result: object): ExampleReport => {
  const checks = compareResult(result, values)
  const passed = checks.every(({ within }) => within)
  return { name: 'joint', title: 'Bolted joint', passed, elapsedMs: 12, checks, artifacts: [] }
}

test('numbers line up at the decimal point, each beside its source and deviation', () => {
  expect(drawReport(report({ f: 43.111, k: 1530.5 }), style).slice(2)).toEqual([
    '     quantity     result  expected  unit   deviation  allowed  source',
    '  ✔  Preload       43.11     43.00  kN       +0.26 %   ±0.5 %  table A1',
    '  ✔  Stiffness  1,531     1,531     kN/mm    -0.03 %   ±0.1 %  by hand',
  ])
})

test('what is out of tolerance or missing is marked and counted', () => {
  const wrong = report({ f: 40 })
  expect(drawReport(wrong, style).filter((line) => line.includes('✘'))).toHaveLength(2)
  expect(drawSummary([wrong, report({ f: 43, k: 1531 })], style)).toBe(
    '✘ 1 of 2 calculations as expected, 2 of 4 values within tolerance',
  )
})

test('a failed calculation shows why, and the end of what it printed', () => {
  const lines = drawReport(
    { ...report({}), failure: 'failed: no mesh', logTail: 'reading\nTraceback\n' },
    style,
  )
  expect(lines.slice(2)).toEqual(['  ✘ failed: no mesh', '    reading', '    Traceback'])
})
