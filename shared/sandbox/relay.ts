import type { RunListener } from './port.ts'
import { parseProgress } from './progress.ts'
import { type Frame, ProtocolError, RECEIVE } from './protocol.ts'

const TAIL_CHARACTERS = 2_000
/** The harness passes on at most 32 lines every 80 ms. */
const MAX_PROGRESS_PER_SECOND = 500

/**
 * Passes on what a run says, its output as text up to a number of bytes; what follows is dropped behind a mark.
 * The harness says little more than that: who says much more is not the harness.
 */
export const createRelay = (listener: Omit<RunListener, 'file'>, limitBytes: number) => {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  const started = performance.now()
  let left = limitBytes
  let full = false
  let tail = ''
  let progressLines = 0

  const pass = (kind: 'stdout' | 'stderr', text: string) => {
    if (text === '') return
    if (kind === 'stderr') tail = (tail + text).slice(-TAIL_CHARACTERS)
    listener.log(kind, text)
  }

  const hearText = (kind: 'stdout' | 'stderr', data: Uint8Array) => {
    if (full || data.length > left + 1) throw new ProtocolError('more output than was asked for')
    const taken = data.subarray(0, left)
    left -= taken.length
    pass(kind, decoders[kind].decode(taken, { stream: true }))
    full = taken.length < data.length
    if (full) pass(kind, `\n[the log was cut here: its limit is ${limitBytes} bytes]\n`)
  }

  const hearProgress = (line: Uint8Array) => {
    const seconds = 1 + (performance.now() - started) / 1000
    if (++progressLines > seconds * MAX_PROGRESS_PER_SECOND) throw new ProtocolError('too much progress')
    const progress = parseProgress(line)
    if (progress !== undefined) listener.progress(progress)
  }

  return {
    /** @returns whether the frame was something that a run says */
    hear({ kind, payload }: Frame): boolean {
      if (kind === RECEIVE.stdout) hearText('stdout', payload)
      else if (kind === RECEIVE.stderr) hearText('stderr', payload)
      else if (kind === RECEIVE.progress) hearProgress(payload)
      else return false
      return true
    },
    end(): void {
      for (const kind of ['stdout', 'stderr'] as const) if (!full) pass(kind, decoders[kind].decode())
    },
    stderrTail: (): string => tail,
  }
}

export type Relay = ReturnType<typeof createRelay>
