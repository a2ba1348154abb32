import type { RunListener } from './port.ts'

const TAIL_CHARACTERS = 2_000

/** Passes a run's output on as text, up to a number of bytes; what follows is dropped behind a mark. */
export const createLogRelay = (listener: Pick<RunListener, 'log'>, limitBytes: number) => {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  let left = limitBytes
  let full = false
  let tail = ''

  const pass = (kind: 'stdout' | 'stderr', text: string) => {
    if (text === '') return
    if (kind === 'stderr') tail = (tail + text).slice(-TAIL_CHARACTERS)
    listener.log(kind, text)
  }

  return {
    write(kind: 'stdout' | 'stderr', data: Uint8Array): void {
      if (full) return
      const taken = data.subarray(0, left)
      left -= taken.length
      pass(kind, decoders[kind].decode(taken, { stream: true }))
      full = taken.length < data.length
      if (full) pass(kind, `\n[the log was cut here: its limit is ${limitBytes} bytes]\n`)
    },
    end(): void {
      for (const kind of ['stdout', 'stderr'] as const) if (!full) pass(kind, decoders[kind].decode())
    },
    stderrTail: (): string => tail,
  }
}
