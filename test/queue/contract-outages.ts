import { expect, test, vi } from 'vitest'
import { openQueue } from '../../shared/queue/index.ts'
import { type Arena, logger, makeHints, nameHints, PATIENCE, TIMEOUT_MS } from './arena.ts'
import { createGate, createOpenGate } from './gate.ts'

/** Some clients notice a dead connection only when they next would have heard from it. */
const LONG_PATIENCE = { timeout: 30_000, interval: 20 }

/** What holds when the server is away, hangs, or loses connections. */
export const testOutages = (arena: Arena): void => {
  test('without its server nothing hangs, and no error tells the password', async () => {
    const { network, queue } = await arena.openOverNetwork()
    await network.cut()
    const before = performance.now()
    const errors: unknown[] = [
      await queue.enqueue('default', makeHints('t', 1)).catch((error: unknown) => error),
      await queue.enqueue('default', makeHints('t', 2)).catch((error: unknown) => error),
      await queue.depth('default').catch((error: unknown) => error),
      await openQueue(network.url, { logger, timeoutMs: TIMEOUT_MS }).catch((error: unknown) => error),
    ]
    expect(performance.now() - before).toBeLessThan(4 * TIMEOUT_MS + 500)
    const { password } = new URL(network.url)
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE' })
      expect(password).not.toBe('')
      expect(inspectDeeply(error)).not.toContain(password)
    }
  })

  test('consumers go on by themselves when their server is back, and say what they handled meanwhile', async () => {
    const { network, queue } = await arena.openOverNetwork()
    const gate = createGate()
    await queue.consume('default', 2, gate.handle)
    await queue.enqueue('default', makeHints('before', 2))
    await vi.waitFor(() => expect(gate.inHand).toBe(2), PATIENCE)
    await network.cut()
    gate.open()
    await expect(queue.enqueue('default', makeHints('during', 1))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await network.mend()
    await vi.waitFor(() => queue.enqueue('default', makeHints('after', 1)), PATIENCE)
    await vi.waitFor(() => expect(nameHints(gate.seen)).toContain('after-0 1'), PATIENCE)
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      LONG_PATIENCE,
    )
  }, 60_000)

  test('a server that hangs is given up in time, and its connections with it', async () => {
    const { network, queue } = await arena.openOverNetwork()
    const gate = createOpenGate()
    await queue.consume('default', 2, gate.handle)
    await Promise.all(makeHints('before', 100).map((hint) => queue.enqueue('default', [hint])))
    network.freeze()
    const before = performance.now()
    const requests = makeHints('during', 20).map((hint) => queue.enqueue('default', [hint]))
    for (const outcome of await Promise.allSettled(requests)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
    }
    expect(performance.now() - before).toBeLessThan(TIMEOUT_MS + 1_000)
    await network.mend()
    await vi.waitFor(() => queue.enqueue('default', makeHints('after', 1)), PATIENCE)
    await vi.waitFor(() => expect(nameHints(gate.seen)).toContain('after-0 1'), LONG_PATIENCE)
  }, 60_000)

  test('connections that break in mid-flight lose no hint and leave none behind', async () => {
    const { network, queue } = await arena.openOverNetwork()
    const seen = new Set<string>()
    await queue.consume('default', 4, async ({ taskId }) => void seen.add(taskId))
    const hints = makeHints('t', 400)
    for (let start = 0; start < hints.length; start += 20) {
      await vi.waitFor(() => queue.enqueue('default', hints.slice(start, start + 20)), PATIENCE)
      network.breakConnections()
    }
    await vi.waitFor(() => expect(seen.size).toBe(hints.length), LONG_PATIENCE)
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      LONG_PATIENCE,
    )
  }, 60_000)

  test('a hint that was given away in an answer that got lost is handed over again', async () => {
    const { network, queue } = await arena.openOverNetwork()
    const gate = createGate()
    await queue.consume('default', 1, async (hint) => {
      if (hint.taskId.startsWith('t')) await gate.handle(hint)
    })
    // A statement that a connection has not prepared yet would not reach the server at all.
    await queue.enqueue('default', makeHints('warm-up', 100))
    await queue.enqueue('default', makeHints('t', 2))
    await vi.waitFor(() => expect(gate.inHand).toBe(1), PATIENCE)
    network.swallowAnswers()
    gate.open()
    await vi.waitFor(() => expect(nameHints(gate.seen)).toContain('t-1 1'), LONG_PATIENCE)
  }, 60_000)

  test('stopping and closing end in bounded time when the server is away', async () => {
    const { network, queue } = await arena.openOverNetwork()
    const gate = createGate()
    const consumer = await queue.consume('default', 2, gate.handle)
    await queue.enqueue('default', makeHints('t', 2))
    await vi.waitFor(() => expect(gate.inHand).toBe(2), PATIENCE)
    await network.cut()
    gate.open()
    const before = performance.now()
    await consumer.stop()
    await queue.close()
    expect(performance.now() - before).toBeLessThan(6 * TIMEOUT_MS)
  }, 30_000)
}

/** Everything that a logger or a debugger could print of an error. */
const inspectDeeply = (error: unknown, seen = new Set<unknown>()): string => {
  if (typeof error !== 'object' || error === null || seen.has(error)) return String(error)
  seen.add(error)
  return Object.getOwnPropertyNames(error)
    .map((key) => `${key}=${inspectDeeply((error as Record<string, unknown>)[key], seen)}`)
    .join('\n')
}
