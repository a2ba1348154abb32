import { expect, test } from 'vitest'
import { openQueue } from '../../shared/queue/index.ts'
import { logger } from './arena.ts'

test.each(['', 'kafka://localhost', 'localhost:6379'])('a queue URL such as "%s" is refused', async (url) => {
  await expect(openQueue(url, { logger })).rejects.toMatchObject({
    code: 'MISCONFIGURED',
    message: expect.stringContaining('redis://'),
  })
})

test('a password that is not percent-encoded is refused without being told', async () => {
  const refused = openQueue('redis://:50%off@localhost', { logger })
  await expect(refused).rejects.toMatchObject({
    code: 'MISCONFIGURED',
    message: expect.not.stringContaining('50%off'),
  })
})
