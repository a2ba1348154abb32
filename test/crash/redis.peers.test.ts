import { afterEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../services/redis.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
let redis: RedisServer
afterEach(async () => {
  await platform.stop()
  await redis.stop()
})

const TASKS = 20
const code = 'def answer():\n    return 42\n'

test('losing the whole of Redis loses no task', { timeout: 120_000 }, async () => {
  redis = await startRedis()
  platform = await startPlatform(async () => redis.url)
  platform.start('gateway')
  const first = await platform.submit(code, 'answer')
  const ids = [first]
  while (ids.length < TASKS) ids.push(await platform.submit(code, 'answer'))
  await redis.flush()

  platform.start('janitor')
  platform.start('consumer')
  for (const id of ids) await platform.waitForStatus(id, 'completed')
  for (const id of ids) expect(await platform.expectCompletedOnce(id)).toBe(1)
})
