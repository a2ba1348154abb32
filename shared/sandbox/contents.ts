import { Readable } from 'node:stream'
import { ProtocolError } from './protocol.ts'

/** A file on its way out of a sandbox, piece by piece, whose size was told before. */
export class Contents {
  readonly #takePiece: () => Promise<Buffer>
  #leftBytes: number
  #last: Promise<unknown> = Promise.resolve()
  #violation: ProtocolError | undefined

  constructor(sizeBytes: number, takePiece: () => Promise<Buffer>) {
    this.#leftBytes = sizeBytes
    this.#takePiece = takePiece
  }

  /** Gives the file to a reader, who need not take all of it; then the stream stands at the next one. */
  async giveTo(read: (stream: Readable) => Promise<void>): Promise<void> {
    try {
      await read(Readable.from(this.#pieces(), { objectMode: false }))
    } catch (error) {
      // The reader only saw its stream break; why it did is the sandbox's doing.
      throw this.#violation ?? error
    }
    await this.#drain()
  }

  async readWhole(): Promise<Buffer> {
    return Buffer.concat(await Array.fromAsync(this.#pieces()))
  }

  async *#pieces(): AsyncGenerator<Buffer, void, void> {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece
  }

  async #drain(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  /** One after the other, as a reader that gave up may still have asked for a piece. */
  #next(): Promise<Buffer | undefined> {
    const piece = this.#last.then(() => this.#take())
    this.#last = piece.catch(() => undefined)
    return piece
  }

  async #take(): Promise<Buffer | undefined> {
    if (this.#violation !== undefined) throw this.#violation
    if (this.#leftBytes === 0) return undefined
    try {
      const piece = await this.#takePiece()
      this.#leftBytes -= piece.length
      if (piece.length === 0 || this.#leftBytes < 0) throw new ProtocolError('contents of another size')
      return piece
    } catch (error) {
      if (error instanceof ProtocolError) this.#violation = error
      throw error
    }
  }
}
