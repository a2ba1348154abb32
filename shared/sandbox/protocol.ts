import type { Readable } from 'node:stream'

/** To the sandbox. */
export const SEND = { config: 1, run: 2, cancel: 3 } as const
/** From it. */
export const RECEIVE = {
  ready: 1,
  stdout: 2,
  stderr: 3,
  progress: 4,
  ended: 5,
  content: 6,
  done: 7,
  fault: 8,
} as const

export type Frame = { kind: number; payload: Buffer }

/** The harness sends contents in 256 KiB and a report of at most 1,000 files with paths of 1 KiB, escaped. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024
const HEAD_BYTES = 5

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export const encodeFrame = (kind: number, payload: Uint8Array | string = ''): Buffer => {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt8(kind, 0)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/**
 * The frames of a stream, one at a time; reading stops while nobody asks for the next. Ends with the stream,
 * throws {@link ProtocolError} when it ends amid a frame or announces more than any honest one holds.
 */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame, void, void> {
  let parts: Buffer[] = []
  let partBytes = 0
  let wantedBytes = HEAD_BYTES
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    parts.push(chunk)
    partBytes += chunk.length
    // Joined once a frame is whole, so that one that trickles in is not copied again with every piece.
    if (partBytes < wantedBytes) continue
    const buffered = parts.length === 1 ? chunk : Buffer.concat(parts)
    let start = 0
    wantedBytes = HEAD_BYTES
    while (buffered.length - start >= HEAD_BYTES) {
      const size = buffered.readUInt32BE(start + 1)
      if (size > MAX_FRAME_BYTES) throw new ProtocolError(`a frame of ${size} bytes`)
      const end = start + HEAD_BYTES + size
      wantedBytes = HEAD_BYTES + size
      if (buffered.length < end) break
      wantedBytes = HEAD_BYTES
      yield { kind: buffered.readUInt8(start), payload: buffered.subarray(start + HEAD_BYTES, end) }
      start = end
    }
    parts = start < buffered.length ? [buffered.subarray(start)] : []
    partBytes = buffered.length - start
  }
  if (partBytes > 0) throw new ProtocolError('the stream ended amid a frame')
}
