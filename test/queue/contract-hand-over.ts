import { expect, test, vi } from 'vitest'
import { LANES, type Lane } from '../../shared/lanes/index.ts'
import { type Arena, makeHints, nameHints, PATIENCE } from './arena.ts'
import { createGate, createOpenGate } from './gate.ts'

/** What reaches whom, in which order, how often. */
export const testHandOver = (arena: Arena): void => {
  test('a lane with one consumer is first in, first out', async () => {
    const queue = await arena.open(await arena.createUrl())
    const hints = makeHints('t', 300)
    for (const hint of hints.slice(0, 20)) await queue.enqueue('high_priority', [hint])
    await queue.enqueue('high_priority', hints.slice(20, 200))
    const gate = createOpenGate()
    await queue.consume('high_priority', 1, gate.handle)
    await queue.enqueue('high_priority', hints.slice(200))
    await vi.waitFor(() => expect(gate.seen).toHaveLength(hints.length), PATIENCE)
    expect(nameHints(gate.seen)).toEqual(nameHints(hints))
  })

  test('an idle consumer is woken, it does not look now and then', async () => {
    const queue = await arena.open(await arena.createUrl())
    const gate = createOpenGate()
    await queue.consume('default', 1, gate.handle)
    const before = performance.now()
    for (const hint of makeHints('t', 10)) {
      await queue.enqueue('default', [hint])
      await vi.waitFor(() => expect(gate.seen).toContainEqual(hint), PATIENCE)
      await vi.waitFor(async () => expect((await queue.depth('default')).active).toBe(0), PATIENCE)
    }
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  test('lanes do not mix', async () => {
    const queue = await arena.open(await arena.createUrl())
    const seen: Record<Lane, string[]> = { high_priority: [], default: [], long_running: [] }
    for (const lane of LANES) await queue.consume(lane, 2, async ({ taskId }) => void seen[lane].push(taskId))
    for (const lane of LANES) await queue.enqueue(lane, makeHints(lane, 10))
    for (const lane of LANES) {
      await vi.waitFor(() => expect(seen[lane]).toHaveLength(10), PATIENCE)
      expect(seen[lane].every((taskId) => taskId.startsWith(lane))).toBe(true)
    }
  })

  test('a consumer has as many hints in hand as it may, and no more', async () => {
    const queue = await arena.open(await arena.createUrl())
    await queue.enqueue('default', makeHints('t', 12))
    const gate = createGate()
    await queue.consume('default', 5, gate.handle)
    await vi.waitFor(() => expect(gate.inHand).toBe(5), PATIENCE)
    expect(await queue.depth('default')).toEqual({ waiting: 7, active: 5 })
    gate.open()
    await vi.waitFor(() => expect(gate.seen).toHaveLength(12), PATIENCE)
    expect(gate.mostInHand).toBe(5)
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      PATIENCE,
    )
  })

  test('a consumer with a free hand takes a hint while another of its hints is handled', async () => {
    const queue = await arena.open(await arena.createUrl())
    const gate = createGate()
    await queue.consume('default', 2, gate.handle)
    await queue.enqueue('default', makeHints('a', 1))
    await vi.waitFor(() => expect(gate.inHand).toBe(1), PATIENCE)
    await queue.enqueue('default', makeHints('b', 1))
    await vi.waitFor(() => expect(gate.inHand).toBe(2), PATIENCE)
    gate.open()
  })

  test('a hint announced twice is handed over once', async () => {
    const queue = await arena.open(await arena.createUrl())
    const [hint = { taskId: '', attempt: 0 }, ...others] = makeHints('t', 3)
    await queue.enqueue('default', [hint])
    await queue.enqueue('default', [hint])
    await queue.enqueue('default', [...others, hint, ...others])
    expect(await queue.depth('default')).toEqual({ waiting: 3, active: 0 })
    const gate = createOpenGate()
    await queue.consume('default', 3, gate.handle)
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      PATIENCE,
    )
    expect(nameHints(gate.seen)).toEqual(nameHints([hint, ...others]))
  })

  test('processes that announce the same hints in different orders do not block each other', async () => {
    const url = await arena.createUrl()
    const hints = makeHints('t', 200)
    const callers = await Promise.all(Array.from({ length: 4 }, () => arena.open(url)))
    await Promise.all(
      callers.map((queue, index) => queue.enqueue('default', index % 2 ? hints : hints.toReversed())),
    )
    expect((await arena.open(url).then((queue) => queue.depth('default'))).waiting).toBe(hints.length)
  })

  test('the next attempt can be announced while this one is handled', async () => {
    const queue = await arena.open(await arena.createUrl())
    const gate = createGate()
    await queue.consume('default', 2, gate.handle)
    await queue.enqueue('default', [{ taskId: 't', attempt: 1 }])
    await vi.waitFor(() => expect(gate.inHand).toBe(1), PATIENCE)
    await queue.enqueue('default', [{ taskId: 't', attempt: 2 }])
    await vi.waitFor(() => expect(nameHints(gate.seen)).toEqual(['t 1', 't 2']), PATIENCE)
    gate.open()
  })

  test('a hint that was handled can be announced again', async () => {
    const queue = await arena.open(await arena.createUrl())
    const gate = createOpenGate()
    await queue.consume('default', 1, gate.handle)
    const hints = makeHints('t', 1)
    for (const count of [1, 2, 3]) {
      await queue.enqueue('default', hints)
      await vi.waitFor(async () => expect((await queue.depth('default')).active).toBe(0), PATIENCE)
      await vi.waitFor(() => expect(gate.seen).toHaveLength(count), PATIENCE)
      await vi.waitFor(
        async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
        PATIENCE,
      )
    }
  })

  test('a hint whose handler throws is dropped, and the consumer goes on', async () => {
    const queue = await arena.open(await arena.createUrl())
    const seen: string[] = []
    await queue.consume('default', 1, async ({ taskId }) => {
      seen.push(taskId)
      if (taskId === 't-0') throw new Error('the handler has a bug')
    })
    await queue.enqueue('default', makeHints('t', 2))
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      PATIENCE,
    )
    expect(seen).toEqual(['t-0', 't-1'])
  })

  test('an id of any usual form comes back as it was given', async () => {
    const queue = await arena.open(await arena.createUrl())
    const hints = ['0198c1de-7f3a-7b52-9d0e-1f2a3b4c5d6e', 'a.b', '42', 'naïve-été'].map(
      (taskId, attempt) => ({
        taskId,
        attempt: attempt + 1,
      }),
    )
    await queue.enqueue('default', hints)
    const gate = createOpenGate()
    await queue.consume('default', 1, gate.handle)
    await vi.waitFor(() => expect(gate.seen).toEqual(hints), PATIENCE)
  })

  test('a consumer that stops finishes what it has in hand and leaves the rest to others', async () => {
    const url = await arena.createUrl()
    const queue = await arena.open(url)
    const gate = createGate()
    const consumer = await queue.consume('default', 2, gate.handle)
    const hints = makeHints('t', 6)
    await queue.enqueue('default', hints)
    await vi.waitFor(() => expect(gate.inHand).toBe(2), PATIENCE)
    let stopped = false
    const stopping = Promise.all([consumer.stop(), consumer.stop()]).then(() => {
      stopped = true
    })
    expect(await queue.depth('default')).toEqual({ waiting: 4, active: 2 })
    expect(stopped).toBe(false)
    gate.open()
    await stopping
    expect(gate.inHand).toBe(0)
    expect(gate.seen).toHaveLength(2)
    const other = createOpenGate()
    await (await arena.open(url)).consume('default', 1, other.handle)
    await vi.waitFor(() => expect(nameHints(other.seen)).toEqual(nameHints(hints.slice(2))), PATIENCE)
  })

  test('thousands of hints from several producers reach several consumers, each hint once', async () => {
    const url = await arena.createUrl()
    const instances = await Promise.all([arena.open(url), arena.open(url), arena.open(url)])
    const counts = new Map<string, number>()
    for (const instance of instances) {
      await instance.consume('default', 8, async ({ taskId }) => {
        counts.set(taskId, (counts.get(taskId) ?? 0) + 1)
      })
    }
    await Promise.all(
      instances.map(async (instance, index) => {
        const hints = makeHints(`p${index}`, 1_000)
        await instance.enqueue('default', hints.slice(0, 900))
        await Promise.all(hints.slice(900).map((hint) => instance.enqueue('default', [hint])))
      }),
    )
    await vi.waitFor(() => expect(counts.size).toBe(3_000), { timeout: 30_000, interval: 20 })
    expect([...counts.values()].every((count) => count === 1)).toBe(true)
  }, 60_000)
}
