import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { Contents } from '../../shared/sandbox/contents.ts'
import { ProtocolError } from '../../shared/sandbox/protocol.ts'

/** A sandbox that says these pieces, then nothing more. */
const speaking = (...pieces: string[]) => {
  const left = [...pieces]
  const take = async () => {
    const piece = left.shift()
    if (piece === undefined) throw new ProtocolError('the sandbox ended')
    return Buffer.from(piece)
  }
  return { left, take }
}

it('gives a reader all of a file', async () => {
  const { take } = speaking('abc', 'de')
  let read = ''
  await new Contents(5, take).giveTo(async (stream) => {
    read = (await buffer(stream)).toString()
  })
  expect(read).toBe('abcde')
})

it('stands at the next file after a reader who wanted none, or a part', async () => {
  const none = speaking('abc', 'de', 'next')
  await new Contents(5, none.take).giveTo(async () => undefined)
  expect(none.left).toEqual(['next'])
  const part = speaking('abc', 'de', 'f', 'next')
  await new Contents(6, part.take).giveTo(async (stream) => {
    for await (const _ of stream) break
  })
  expect(part.left).toEqual(['next'])
})

it.each([
  ['more than was told', 2, ['abc']],
  ['an empty piece', 2, ['a', '']],
  ['less than was told', 5, ['abc']],
])('takes %s for a violation, whatever the reader makes of it', async (_, sizeBytes, pieces) => {
  const upload = new Contents(sizeBytes, speaking(...pieces).take).giveTo(async (stream) => {
    await buffer(stream).catch(() => {
      throw new Error('the upload broke off')
    })
  })
  await expect(upload).rejects.toThrow(ProtocolError)
})

it('passes on why a reader failed', async () => {
  const upload = new Contents(1, speaking('a').take).giveTo(async () => {
    throw new Error('the store is full')
  })
  await expect(upload).rejects.toThrow('the store is full')
})
