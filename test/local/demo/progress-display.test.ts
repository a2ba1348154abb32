import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Task } from '../../../local/demo/client.ts'
import { startProgressDisplay } from '../../../local/demo/progress-display.ts'
import type { ProgressRow } from '../../../local/demo/progress-row.ts'
import type { Output } from '../../../local/demo/style.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
beforeEach(() => vi.useFakeTimers({ now: NOW }))
afterEach(() => vi.useRealTimers())

const collect = (terminal: { isTTY?: boolean; columns?: number; hasColors?(): boolean } = {}) => {
  let text = ''
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    text += chunk.toString()
    done()
  }
  const output: Output = Object.assign(new Writable({ write }), terminal)
  return { output, read: () => text }
}

const task = (more: Partial<Task>): Task => ({
  id: '1',
  status: 'running',
  lane: 'default',
  attempts: [],
  ...more,
})
const row = (more: Partial<ProgressRow>): ProgressRow => ({
  name: 'plate',
  sinceMs: Date.now(),
  toldMs: Date.now(),
  ...more,
})

test('a log gets a line a change of status and a line a quarter, without escape sequences', () => {
  const { output, read } = collect()
  const plate = row({})
  const display = startProgressDisplay([plate], output)
  for (const fraction of [0.1, 0.2, 0.3, 0.31, 0.6]) {
    plate.task = task({ progress: { fraction, message: 'meshing' } })
    display.update()
  }
  plate.task = task({ status: 'completed' })
  display.stop()
  const lines = read().trimEnd().split('\n')
  expect(lines.map((line) => /(\d+) %/.exec(line)?.[1])).toEqual(['10', '30', '60', '100'])
  expect(stripVTControlCharacters(read())).toBe(read())
})

test('a terminal is redrawn in place, no line wider than it, and gets its cursor back', () => {
  const { output, read } = collect({ isTTY: true, columns: 60, hasColors: () => true })
  const message = 'a message that would not fit into what is left of the line'
  const rows = [row({ task: task({ progress: { fraction: 0.5, message } }) }), row({ name: 'truss' })]
  const display = startProgressDisplay(rows, output)
  vi.advanceTimersByTime(250)
  display.stop()
  const frames = read().split('\u001b[2A')
  expect(frames).toHaveLength(3)
  for (const line of stripVTControlCharacters(read()).split(/[\r\n]+/))
    expect([...line].length).toBeLessThan(60)
  expect(read().endsWith('\u001b[?25h')).toBe(true)
})

test('a terminal whose user wants no colours gets none', () => {
  const { output, read } = collect({ isTTY: true, columns: 80, hasColors: () => false })
  startProgressDisplay([row({ task: task({ status: 'completed' }) })], output).stop()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences that end in m
  expect(read()).not.toMatch(/\u001b\[\d+m/)
})

test('the time left counts down between two reports', () => {
  const { output, read } = collect({ isTTY: true, columns: 120 })
  const rows = [row({ task: task({ progress: { fraction: 0.5, eta_seconds: 8 } }) })]
  const display = startProgressDisplay(rows, output)
  vi.advanceTimersByTime(3_000)
  expect(read()).toContain('8 s left')
  expect(read()).toContain('5 s left')
  display.stop()
})

test('a task that has ended shows the time that it took, whatever its last report said was left', () => {
  const { output, read } = collect()
  const ended = task({ status: 'completed', progress: { fraction: 0.99, eta_seconds: 1 } })
  startProgressDisplay([row({ task: ended, sinceMs: Date.now() - 12_000 })], output).stop()
  expect(read()).toContain('12 s')
  expect(read()).not.toContain('left')
})
