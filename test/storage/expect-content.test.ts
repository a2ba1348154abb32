import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { expectContent } from '../../shared/storage/expect-content.ts'

const sha256 = createHash('sha256').update('mesh').digest('hex')
const streamOf = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
const receive = (upload: Readable, terms: { sizeBytes: number; sha256?: string }, idleTimeoutMs = 5_000) =>
  text(expectContent(upload, terms, idleTimeoutMs))

test('what was announced passes', async () => {
  expect(await receive(streamOf('me', 'sh'), { sizeBytes: 4, sha256 })).toBe('mesh')
  expect(await receive(streamOf('me', 'sh'), { sizeBytes: 4 })).toBe('mesh')
  expect(await receive(streamOf(), { sizeBytes: 0 })).toBe('')
})

test.each([3, 5])('another length than %i bytes fails', async (sizeBytes) => {
  await expect(receive(streamOf('me', 'sh'), { sizeBytes })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
})

test('another content fails', async () => {
  await expect(receive(streamOf('nesh'), { sizeBytes: 4, sha256 })).rejects.toMatchObject({ code: 'INVALID' })
})

test('a source that breaks off is the sender’s fault', async () => {
  const upload = new PassThrough()
  upload.write('me', () => upload.destroy(new Error('gone')))
  await expect(receive(upload, { sizeBytes: 4 })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    cause: expect.objectContaining({ message: 'gone' }),
  })
})

test('an upload that stands still fails, one that is only slow does not', async () => {
  const still = new PassThrough()
  still.write('me')
  await expect(receive(still, { sizeBytes: 4 }, 100)).rejects.toThrow(/Nothing arrived/)
  expect(still.destroyed).toBe(true)

  async function* drip() {
    for (const letter of 'slow mesh') {
      yield Buffer.from(letter)
      await delay(50)
    }
  }
  expect(await receive(Readable.from(drip()), { sizeBytes: 9 }, 300)).toBe('slow mesh')
})

test('an upload that nobody wants to read is let go', async () => {
  const upload = new PassThrough()
  const expected = expectContent(upload, { sizeBytes: 4 }, 5_000)
  expected.destroy()
  await once(upload, 'close')
})
