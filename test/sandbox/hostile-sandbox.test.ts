import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../shared/sandbox/engine.ts'
import { limitsFor } from '../../shared/sandbox/index.ts'
import { decideOutcome } from '../../shared/sandbox/outcome.ts'
import { encodeFrame, RECEIVE } from '../../shared/sandbox/protocol.ts'
import { Sandbox } from '../../shared/sandbox/sandbox.ts'
import { environment, quietLogger } from './run-task.ts'

const unused = { cpuSeconds: 0, memoryMb: 0, memoryPeakMb: 0, oomKills: 0, pidsRefused: 0 }
const cgroup = {
  path: '/',
  doors: [],
  limit: () => undefined,
  begin: () => unused,
  read: () => unused,
  kill: () => undefined,
  remove: async () => undefined,
}

/** Code that has taken over its sandbox and says what it likes: these bytes, then nothing, or the end. */
const takenOver = (bytes: Buffer, then: 'ends' | 'waits' = 'waits'): Engine => ({
  name: 'taken-over',
  level: 'container',
  startsAs: 'namespace-root',
  taskUid: 1000,
  ownProcesses: 0,
  ownMemoryMb: 0,
  close: async () => undefined,
  launch: async () => {
    const say = `process.stdout.write(Buffer.from('${bytes.toString('base64')}', 'base64'));`
    const child = spawn(process.execPath, [
      '-e',
      then === 'waits' ? `${say}setInterval(() => {}, 1000)` : say,
    ])
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      cgroup,
      exited: once(child, 'exit').then(() => undefined),
      kill: () => void child.kill('SIGKILL'),
    }
  },
})

const frame = (kind: keyof typeof RECEIVE, payload: string | object = '') =>
  encodeFrame(RECEIVE[kind], typeof payload === 'string' ? payload : JSON.stringify(payload))
const report = {
  ended: 'exited',
  exit_status: 0,
  wall_seconds: 0,
  cpu_seconds: 0,
  memory_peak_kb: 0,
  full: [],
  succeeded: true,
  result_bytes: 2,
  files: [],
}

const runIn = async (engine: Engine) => {
  const limits = limitsFor({ wallSeconds: 1, graceSeconds: 0, logBytes: 1_024 })
  const files: string[] = []
  const sandbox = await Sandbox.start({
    name: 'taken-over',
    engine,
    environment,
    hostUid: 0,
    limits: { cpu: 1, memoryMb: 64, pids: 8 },
    preload: [],
    resultBytes: 1_000,
    logger: quietLogger,
    onEnd: () => undefined,
  })
  const spec = {
    tenantId: 't',
    runId: 'r',
    environment,
    limits,
    reuse: 'tenant',
    source: '',
    handler: 'f',
    inputs: '{}',
    files: [],
  } as const
  const listener = {
    log: () => undefined,
    progress: () => undefined,
    file: async ({ name }: { name: string }) => void files.push(name),
  }
  try {
    const facts = await sandbox.run(spec, listener, new AbortController().signal)
    return { outcome: decideOutcome(facts), sound: sandbox.sound, files }
  } finally {
    await sandbox.destroy()
  }
}

describe('a sandbox that was taken over', () => {
  const ready = frame('ready')

  it.each([
    ['noise', Buffer.from('\u0007garbage that is no frame at all')],
    ['a frame of four gigabytes', Buffer.from([RECEIVE.ready, 0xff, 0xff, 0xff, 0xff])],
    ['a frame of an unknown kind', Buffer.concat([ready, encodeFrame(200)])],
    ['a result before any report', Buffer.concat([ready, frame('content', '{}')])],
    ['a report that is no JSON', Buffer.concat([ready, frame('ended', '{')])],
    [
      'a file outside of its folder',
      Buffer.concat([
        ready,
        frame('ended', { ...report, files: [{ kind: 'output', name: '../x', bytes: 1 }] }),
      ]),
    ],
    ['a longer result than it told', Buffer.concat([ready, frame('ended', report), frame('content', '{} ')])],
    ['more output than was asked for', Buffer.concat([ready, frame('stdout', 'x'.repeat(2_000))])],
    ['it is done, before the result', Buffer.concat([ready, frame('ended', report), frame('done')])],
  ])(
    'saying %s is a sandbox_error, and it serves nobody again',
    async (_, bytes) => {
      for (const then of ['ends', 'waits'] as const) {
        const { outcome, sound, files } = await runIn(takenOver(bytes, then))
        expect(outcome).toMatchObject({ status: 'failed', failureCode: 'sandbox_error' })
        expect(sound).toBe(false)
        expect(files).toEqual([])
      }
    },
    60_000,
  )

  it('saying a result that is no JSON object fails the task alone', async () => {
    const { outcome, sound } = await runIn(
      takenOver(Buffer.concat([ready, frame('ended', report), frame('content', '[]')])),
    )
    expect(outcome).toMatchObject({ status: 'failed', failureCode: 'invalid_output' })
    expect(sound).toBe(false)
  })

  it('saying nothing at all is ended when the time is up', async () => {
    const { outcome, sound } = await runIn(takenOver(ready))
    expect(outcome).toMatchObject({ status: 'failed', failureCode: 'timeout' })
    expect(sound).toBe(false)
  })
})
