import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startLocalStack } from '../local/stack.ts'
import { measureBarePython, measureInserts } from './floor.ts'
import { createClient } from './load.ts'
import { percentiles } from './statistics.ts'

/** A figure, its floor measured in the same run, and what we aim at. */
type Row = { figure: string; value: number; unit: string; floor?: number; ratio?: number; goal?: string }

const NOOP = JSON.stringify({ code: 'def noop():\n    return None\n', handler: 'noop', estimated_seconds: 1 })
const SEQUENTIAL_RUNS = Number(process.argv[2] ?? 200)
const CONNECTIONS = 32
const SUBMISSIONS = 4_000
/** Until the gateway's code is compiled: it runs for days, not for a second. */
const WARM_UP = 2_048

const measureNoop = async (url: string, token: string) => {
  const client = createClient(url, token, 1)
  const samples: number[] = []
  for (let index = -10; index < SEQUENTIAL_RUNS; index += 1) {
    const start = performance.now()
    const { status, body } = await client.post('/tasks', NOOP, { prefer: 'wait=30' })
    if (status !== 200 || !body.includes('"status":"completed"'))
      throw new Error(`no-op ended with ${status}: ${body}`)
    if (index >= 0) samples.push(performance.now() - start)
  }
  client.close()
  return percentiles(samples)
}

const measureSubmissions = async (url: string, token: string) => {
  const client = createClient(url, token, CONNECTIONS)
  const submit = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const { status, body } = await client.post('/tasks', NOOP)
      if (status !== 202) throw new Error(`a submission was answered with ${status}: ${body}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, () => submit(WARM_UP / CONNECTIONS)))
  const start = performance.now()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => submit(SUBMISSIONS / CONNECTIONS)))
  const perSecond = SUBMISSIONS / ((performance.now() - start) / 1_000)
  client.close()
  return perSecond
}

// Proportional set size: what a process really costs, pages that it shares being divided among the sharers.
const measureMemoryMb = async (rootPid: number): Promise<number> => {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid='])
  const parents = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const tree = new Set([rootPid])
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) {
      if (pid === undefined || parent === undefined || tree.has(pid) || !tree.has(parent)) continue
      tree.add(pid)
      grown = true
    }
  }
  const sizes = await Promise.all(
    [...tree].map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1_024
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

const withStack = async <T>(
  env: Record<string, string>,
  use: (stack: Awaited<ReturnType<typeof startLocalStack>>, token: string) => Promise<T>,
) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'bench-'))
  const stack = await startLocalStack({ dataDirectory, port: 0, env: { LOG_LEVEL: 'warn', ...env } })
  try {
    return await use(stack, await stack.issueToken({ tenant: 'acme', user: 'ada', roles: ['user'] }))
  } finally {
    await stack.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

const rows: Row[] = []
const compare = (figure: string, value: number, unit: string, floor: number, goal: string) =>
  rows.push({ figure, value, unit, floor, ratio: value / floor, goal })

await withStack({}, async (stack, token) => {
  console.log(`No-op tasks, ${SEQUENTIAL_RUNS} one after the other …`)
  const python = await measureBarePython(SEQUENTIAL_RUNS)
  const noop = await measureNoop(stack.url, token)
  compare('no-op, POST to result, p50', noop.p50, 'ms', python.p50, '≤ 3 × bare python3 -I -c pass')
  compare('no-op, POST to result, p99', noop.p99, 'ms', python.p99, '')
  rows.push({
    figure: 'memory of the idle stack (PSS)',
    value: await measureMemoryMb(process.pid),
    unit: 'MB',
  })
})
// Nothing is taken off the lanes here, so that it is the submissions that are measured.
await withStack({ HIGH_PRIORITY_CONCURRENCY: '0' }, async (stack, token) => {
  console.log(`Submissions over ${CONNECTIONS} connections …`)
  const inserts = await measureInserts(stack.databaseUrl, CONNECTIONS, SUBMISSIONS)
  const submissions = await measureSubmissions(stack.url, token)
  compare('accepted POST /tasks', submissions, '1/s', inserts, '≥ 0.3 × single-row inserts')
})

console.table(
  rows.map(({ figure, value, unit, floor, ratio, goal }) => ({
    figure,
    value: `${value.toFixed(1)} ${unit}`,
    floor: floor === undefined ? '' : `${floor.toFixed(1)} ${unit}`,
    ratio: ratio === undefined ? '' : ratio.toFixed(2),
    goal: goal ?? '',
  })),
)
const results = new URL('./results/', import.meta.url)
await mkdir(results, { recursive: true })
await writeFile(new URL('platform.json', results), `${JSON.stringify(rows, null, 2)}\n`)
