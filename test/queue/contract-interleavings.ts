import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Hint, Queue } from '../../shared/queue/index.ts'
import { type Arena, makeHints, nameHints, PATIENCE } from './arena.ts'
import { createOpenGate, type Gate } from './gate.ts'

const RUNS = 12

const action = fc.oneof(
  fc.record({ kind: fc.constant('announce'), count: fc.integer({ min: 1, max: 15 }) }),
  fc.record({ kind: fc.constant('consume'), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('stop'), count: fc.constant(1) }),
)

type Watched = { concurrency: number; gate: Gate; stop(): Promise<void> }

const startWatched = async (queue: Queue, concurrency: number): Promise<Watched> => {
  const gate = createOpenGate()
  const consumer = await queue.consume('default', concurrency, async (hint) => {
    await gate.handle(hint)
    await delay(0)
  })
  return { concurrency, gate, stop: consumer.stop }
}

/** Random histories of one lane. */
export const testInterleavings = (arena: Arena): void => {
  test('whatever is announced, consumed and stopped when, each hint is handled once, in order and in bounds', async () => {
    const queue = await arena.open(await arena.createUrl())
    let run = 0
    const play = async (actions: { kind: string; count: number }[]) => {
      run += 1
      const announced: Hint[] = []
      const consumers: Watched[] = []
      let oldest = 0
      const listSeen = () => consumers.flatMap(({ gate }) => gate.seen)
      try {
        for (const { kind, count } of [...actions, { kind: 'consume', count: 2 }]) {
          if (kind === 'stop') await consumers[oldest++]?.stop()
          if (kind === 'consume') consumers.push(await startWatched(queue, count))
          if (kind === 'announce') {
            const hints = makeHints(`r${run}.${announced.length}`, count)
            announced.push(...hints)
            await queue.enqueue('default', hints)
          }
        }
        await vi.waitFor(() => expect(listSeen().length).toBeGreaterThanOrEqual(announced.length), PATIENCE)
      } finally {
        await Promise.all(consumers.map((consumer) => consumer.stop()))
      }
      expect(nameHints(listSeen()).toSorted()).toEqual(nameHints(announced).toSorted())
      expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 })
      const places = new Map(nameHints(announced).map((name, place) => [name, place]))
      for (const { concurrency, gate } of consumers) {
        expect(gate.mostInHand).toBeLessThanOrEqual(concurrency)
        const order = nameHints(gate.seen).map((name) => places.get(name) ?? -1)
        if (concurrency === 1) expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 12 }), play), {
      numRuns: RUNS,
    })
  }, 60_000)
}
