import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openQueue } from '../../shared/queue/index.ts'
import { type RedisServer, startRedis } from '../services/redis.ts'
import { logger, makeHints, nameHints, PATIENCE } from './arena.ts'
import { describeQueue } from './contract.ts'
import { createGate } from './gate.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({ requirepass: 'correct-horse' })
})
afterAll(() => redis.stop())

describeQueue('BullMQ on Redis', async () => {
  await redis.flush()
  return redis.url
})

describe('Redis', () => {
  test('that may evict keys is refused, with the setting to change', async () => {
    const evicting = await startRedis({ 'maxmemory-policy': 'allkeys-lru' })
    try {
      await expect(openQueue(evicting.url, { logger })).rejects.toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(
          /maxmemory-policy "allkeys-lru".*CONFIG SET maxmemory-policy noeviction/,
        ),
      })
    } finally {
      await evicting.stop()
    }
  })

  test('that forbids CONFIG is asked another way', async () => {
    const managed = await startRedis({ 'rename-command': ['CONFIG', ''] })
    try {
      const queue = await openQueue(managed.url, { logger })
      await queue.close()
    } finally {
      await managed.stop()
    }
  })

  test('that refuses the password is reported without it', async () => {
    const wrong = redis.url.replace('correct-horse', 'wrong-horse')
    const error: unknown = await openQueue(wrong, { logger, timeoutMs: 1_000 }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      cause: { message: expect.stringContaining('WRONGPASS') },
    })
    expect(String((error as Error).cause)).not.toContain('wrong-horse')
  })

  test('that loses everything costs the waiting hints, but no consumer', async () => {
    const queue = await openQueue(redis.url, { logger, timeoutMs: 1_000, silenceMs: 1_000 })
    try {
      const gate = createGate()
      await queue.consume('default', 1, gate.handle)
      await queue.enqueue('default', makeHints('lost', 3))
      await vi.waitFor(() => expect(gate.inHand).toBe(1), PATIENCE)
      await redis.flush()
      gate.open()
      await queue.enqueue('default', makeHints('flushed', 1))
      await vi.waitFor(() => expect(nameHints(gate.seen)).toEqual(['lost-0 1', 'flushed-0 1']), PATIENCE)
      await redis.kill()
      await redis.restart()
      await vi.waitFor(() => queue.enqueue('default', makeHints('restarted', 1)), PATIENCE)
      await vi.waitFor(() => expect(nameHints(gate.seen)).toContain('restarted-0 1'), PATIENCE)
    } finally {
      await queue.close()
    }
  })
})
