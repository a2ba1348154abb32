import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export type Child = {
  readonly name: string
  /** The process that runs now; another one after a restart. */
  readonly pid: number | undefined
  /** What it wrote last, for an error message. */
  recentOutput(): string
  stop(): Promise<void>
}

export type ChildOptions = {
  name: string
  /** A TypeScript file of ours. */
  entry: URL
  env: Record<string, string>
  logFile: string
  /** How long it may take to end by itself after SIGTERM. */
  stopTimeoutMs: number
  /** Called when it ended so often that restarting makes no sense. */
  onGaveUp(child: Child): void
}

const RESTART_DELAY_MS = 200
/** A child that ends sooner than this has not worked; so often in a row, and we give up. */
const WORKED_AFTER_MS = 5_000
const MAX_FAILED_STARTS = 3
const RECENT_CHARACTERS = 4_096

/** What a child may know of our environment: no variable of the user's shell that could be a secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'XDG_CACHE_HOME']

/** Runs one process of the stack and starts it again when it ends unasked. */
export const startChild = (options: ChildOptions): Child => {
  const inherited = Object.fromEntries(
    PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  )
  const log = createWriteStream(options.logFile, { flags: 'a' })
  let recent = ''
  let stopping = false
  let current: ChildProcess | undefined

  const launch = () => {
    // In a session of its own: Ctrl-C reaches us alone, and we stop the parts in order. Should we be killed, the
    // kernel tells the child (pdeathsig).
    const process_ = spawn(
      'setpriv',
      ['--pdeathsig', 'TERM', '--', process.execPath, options.entry.pathname],
      {
        env: { ...inherited, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    )
    for (const stream of [process_.stdout, process_.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        recent = (recent + chunk.toString()).slice(-RECENT_CHARACTERS)
        log.write(chunk)
      })
    }
    return process_
  }

  const keepRunning = async () => {
    let failedStarts = 0
    while (!stopping) {
      const startedAt = Date.now()
      current = launch()
      await once(current, 'exit').catch((error: Error) => {
        recent += error.message
      })
      failedStarts = Date.now() - startedAt < WORKED_AFTER_MS ? failedStarts + 1 : 0
      if (stopping) return
      if (failedStarts >= MAX_FAILED_STARTS) {
        options.onGaveUp(child)
        return
      }
      await delay(RESTART_DELAY_MS)
    }
  }

  const child: Child = {
    name: options.name,
    get pid() {
      return current?.pid
    },
    recentOutput: () => recent,
    stop: async () => {
      stopping = true
      current?.kill('SIGTERM')
      const force = setTimeout(() => current?.kill('SIGKILL'), options.stopTimeoutMs)
      await running
      clearTimeout(force)
      log.end()
    },
  }
  const running = keepRunning()
  return child
}
