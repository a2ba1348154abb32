import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type Arena, HANDOVER_MS, makeHints, nameHints, PATIENCE, SILENCE_MS } from './arena.ts'
import { createGate, createOpenGate } from './gate.ts'

/** What holds when the processes of consumers die, start and end. */
export const testCrashes = (arena: Arena): void => {
  test('what a killed process had in hand is handled by another within seconds', async () => {
    const url = await arena.createUrl()
    const queue = await arena.open(url)
    const victim = await arena.startChild(url, 'hold')
    const hints = makeHints('t', 6)
    await queue.enqueue('default', hints)
    await vi.waitFor(() => expect(victim.hints).toHaveLength(4), PATIENCE)
    const gate = createOpenGate()
    await queue.consume('default', 1, gate.handle)
    await vi.waitFor(() => expect(gate.seen).toHaveLength(2), PATIENCE)
    victim.kill('SIGKILL')
    await vi.waitFor(() => expect(nameHints(gate.seen).toSorted()).toEqual(nameHints(hints)), {
      ...PATIENCE,
      timeout: HANDOVER_MS,
    })
  }, 30_000)

  test('what a frozen process had in hand is handled by another, and it does no harm when it thaws', async () => {
    const url = await arena.createUrl()
    const queue = await arena.open(url)
    const frozen = await arena.startChild(url, 'hold')
    const hints = makeHints('t', 4)
    await queue.enqueue('default', hints)
    await vi.waitFor(() => expect(frozen.hints).toHaveLength(4), PATIENCE)
    frozen.kill('SIGSTOP')
    const gate = createGate()
    await queue.consume('default', 4, gate.handle)
    await vi.waitFor(() => expect(nameHints(gate.seen).toSorted()).toEqual(nameHints(hints)), {
      ...PATIENCE,
      timeout: HANDOVER_MS,
    })
    frozen.kill('SIGCONT')
    await delay(2 * SILENCE_MS)
    expect(await queue.depth('default')).toEqual({ waiting: 0, active: 4 })
    gate.open()
    await vi.waitFor(
      async () => expect(await queue.depth('default')).toEqual({ waiting: 0, active: 0 }),
      PATIENCE,
    )
  }, 30_000)

  test('what a living process has in hand stays its own, however long it takes', async () => {
    const url = await arena.createUrl()
    const queue = await arena.open(url)
    const holder = await arena.startChild(url, 'hold')
    await queue.enqueue('default', makeHints('t', 4))
    await vi.waitFor(() => expect(holder.hints).toHaveLength(4), PATIENCE)
    const gate = createOpenGate()
    await queue.consume('default', 4, gate.handle)
    await delay(2.5 * SILENCE_MS)
    expect(gate.seen).toEqual([])
    expect(await queue.depth('default')).toEqual({ waiting: 0, active: 4 })
  }, 30_000)

  test('no hint is lost while consumers are killed and started', async () => {
    const url = await arena.createUrl()
    const queue = await arena.open(url)
    const hints = makeHints('t', 600)
    const children = [await arena.startChild(url, 'handle'), await arena.startChild(url, 'handle')]
    for (let start = 0; start < hints.length; start += 100) {
      await queue.enqueue('default', hints.slice(start, start + 100))
      children.at(-2)?.kill('SIGKILL')
      children.push(await arena.startChild(url, 'handle'))
    }
    const handled = () => new Set(children.flatMap((child) => child.hints))
    await vi.waitFor(() => expect(handled().size).toBe(hints.length), { timeout: 20_000, interval: 20 })
  }, 60_000)

  test('a process that has closed its queue ends by itself', async () => {
    const url = await arena.createUrl()
    const child = await arena.startChild(url, 'close')
    await (await arena.open(url)).enqueue('default', makeHints('t', 1))
    await expect(child.exited).resolves.toEqual([0, null])
  })

  test('processes may open an empty queue at the same moment', async () => {
    const url = await arena.createUrl()
    const opened = await Promise.all(Array.from({ length: 6 }, () => arena.open(url)))
    await Promise.all(opened.map((queue, index) => queue.enqueue('default', makeHints(`p${index}`, 5))))
    expect((await arena.open(url).then((queue) => queue.depth('default'))).waiting).toBe(30)
  })
}
