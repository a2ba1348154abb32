import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export type UnaskedEnd = { name: string; how: string; lastWords: string }

export type SupervisedProcess = {
  readonly name: string
  /** SIGKILL; it is started again as any other that ends. */
  kill(): void
  /** SIGTERM, as a deploy sends it; it is started again once it has gone. */
  terminate(): void
  freeze(): void
  thaw(): void
  /** Resolves when the process of this moment has said that it works. */
  ready(): Promise<void>
  stop(): Promise<void>
}

export type ProcessOptions = {
  name: string
  entry: URL
  env: Record<string, string>
  logFile: string
  /** It works once it has logged this message. */
  readyMessage: string
  /** It ended although it had been working and nobody had told it to. */
  onUnaskedEnd(end: UnaskedEnd): void
}

const RESTART_MS = 200
const STOP_MS = 15_000
const LAST_WORDS = 20_000
/** What it said beside its log: an error that nobody caught. */
const findComplaint = (output: string) =>
  output
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{"level"'))
    .join('\n')
    .slice(-1_000)
/** What a process may know of our environment, as in `local/child.ts`. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR']

/** Runs a process of the platform and starts it again whenever it ends, as an orchestrator does, without ever giving up. */
export const superviseProcess = (options: ProcessOptions): SupervisedProcess => {
  const { name, entry, logFile, readyMessage, onUnaskedEnd } = options
  const inherited = Object.fromEntries(
    PASSED_ON.flatMap((key) => (process.env[key] ? [[key, process.env[key]]] : [])),
  )
  const log = createWriteStream(logFile, { flags: 'a' })
  let current: ChildProcess | undefined
  let asked = false
  let stopping = false
  let ready = Promise.withResolvers<void>()

  const runOnce = async () => {
    asked = false
    let works = false
    let output = ''
    // Should this test be killed, the kernel ends its processes.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, entry.pathname], {
      env: { ...inherited, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    current = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        log.write(chunk)
        output = (output + chunk.toString()).slice(-LAST_WORDS)
        if (works || !output.includes(`"msg":"${readyMessage}"`)) return
        works = true
        ready.resolve()
      })
    }
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    if (works) ready = Promise.withResolvers()
    if (works && !asked)
      onUnaskedEnd({ name, how: signal ?? `exit code ${code}`, lastWords: findComplaint(output) })
  }
  const run = async () => {
    while (!stopping) {
      await runOnce()
      if (!stopping) await delay(RESTART_MS)
    }
  }
  const running = run()

  // By the handle, never by the id: the process may have gone, and its id may be another's.
  const signal = (name: NodeJS.Signals) => {
    if (name === 'SIGKILL' || name === 'SIGTERM') asked = true
    current?.kill(name)
  }
  return {
    name,
    kill: () => signal('SIGKILL'),
    terminate: () => signal('SIGTERM'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    ready: () => ready.promise,
    stop: async () => {
      stopping = true
      signal('SIGCONT')
      signal('SIGTERM')
      const force = setTimeout(() => signal('SIGKILL'), STOP_MS)
      await running
      clearTimeout(force)
      log.end()
    },
  }
}
