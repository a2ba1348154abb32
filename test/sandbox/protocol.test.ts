import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeFrame, type Frame, ProtocolError, readFrames } from '../../shared/sandbox/protocol.ts'

const collect = async (chunks: Buffer[]): Promise<Frame[]> =>
  Array.fromAsync(readFrames(Readable.from(chunks)))

it('reads what was written, however it was cut on the way', async () => {
  const frames = fc.array(fc.record({ kind: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) }))
  await fc.assert(
    fc.asyncProperty(
      frames,
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      async (sent, cuts) => {
        let rest = Buffer.concat(sent.map(({ kind, payload }) => encodeFrame(kind, payload)))
        const chunks: Buffer[] = []
        for (let index = 0; rest.length > 0; index++) {
          const size = cuts[index % cuts.length] ?? 1
          chunks.push(rest.subarray(0, size))
          rest = rest.subarray(size)
        }
        const received = await collect(chunks)
        expect(received.map(({ kind, payload }) => ({ kind, payload: new Uint8Array(payload) }))).toEqual(
          sent.map(({ kind, payload }) => ({ kind, payload: new Uint8Array(payload) })),
        )
      },
    ),
  )
})

it('refuses a frame that announces gigabytes before any of it has come', async () => {
  await expect(collect([Buffer.from([1, 0xff, 0xff, 0xff, 0xff])])).rejects.toThrow(ProtocolError)
})

it('notices a stream that ends amid a frame', async () => {
  await expect(collect([encodeFrame(1, 'abc').subarray(0, 6)])).rejects.toThrow('amid a frame')
})
