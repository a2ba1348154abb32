import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createProgressWriter } from '../../shared/tasks/progress-writer.ts'

let written: string[]
const open = () =>
  createProgressWriter(async (progress) => {
    written.push(progress)
  })
beforeEach(() => {
  written = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

test('of many lines in a moment the last one is written', async () => {
  const writer = open()
  for (let line = 1; line <= 100; line += 1) writer.write({ message: `line ${line}` })
  await vi.advanceTimersByTimeAsync(249)
  expect(written).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(written).toEqual(['{"message":"line 100"}'])
})

test('the last line is written when the run ends', async () => {
  const writer = open()
  writer.write({ message: 'nearly' })
  await writer.close()
  expect(written).toEqual(['{"message":"nearly"}'])
})

test('a run of two days is written a few thousand times, and never later than half a minute', async () => {
  const writer = open()
  let latestMs = 0
  let longestMs = 0
  const days = 2
  for (let second = 0; second < days * 86_400; second += 1) {
    const before = written.length
    writer.write({ message: 'on' })
    await vi.advanceTimersByTimeAsync(1_000)
    if (written.length === before) continue
    longestMs = Math.max(longestMs, performance.now() - latestMs)
    latestMs = performance.now()
  }
  expect(written.length).toBeLessThan(7_000)
  expect(longestMs).toBeLessThanOrEqual(31_000)
}, 30_000)

test('what is left is told from what has passed, unless the run knows better', async () => {
  const writer = open()
  await vi.advanceTimersByTimeAsync(30_000)
  writer.write({ fraction: 0.75, message: 'meshed' })
  await vi.advanceTimersByTimeAsync(400)
  writer.write({ fraction: 0.75, eta_seconds: 99 })
  await vi.advanceTimersByTimeAsync(400)
  writer.write({ fraction: 0 })
  await writer.close()
  expect(written.map((text) => JSON.parse(text))).toEqual([
    { fraction: 0.75, message: 'meshed', eta_seconds: 10 },
    { fraction: 0.75, eta_seconds: 99 },
    { fraction: 0 },
  ])
})
