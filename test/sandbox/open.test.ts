import { describe, expect, it } from 'vitest'
import { openSandboxes, type SelfTestReport } from '../../shared/sandbox/index.ts'
import { requireHeld } from '../../shared/sandbox/self-test.ts'
import { environment, openTestSandboxes, quietLogger, runTask } from './run-task.ts'

const open = (options: Partial<Parameters<typeof openSandboxes>[0]>) =>
  openSandboxes({ logger: quietLogger, preload: [{ environment, modules: [] }], ...options })

describe('opening sandboxes', () => {
  it('tries to break out in more than twenty ways and reports them', async () => {
    const sandboxes = await openTestSandboxes()
    try {
      const { checks, durationMs } = sandboxes.report
      expect(checks.length).toBeGreaterThan(20)
      expect(checks.filter(({ held }) => !held)).toEqual([])
      expect(durationMs).toBeLessThan(5_000)
      const names = checks.map(({ name }) => name)
      for (const name of [
        'metadata_address_of_clouds',
        'metadata_address_of_scaleway',
        'metadata_address_of_scaleway_v6',
      ])
        expect(names).toContain(name)
    } finally {
      await sandboxes.close()
    }
  })

  it('says what to install where nothing is installed', async () => {
    await expect(
      open({ searchPath: '/nowhere', config: { dockerSocket: '/nowhere/docker.sock' } }),
    ).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('apt-get install bubblewrap'),
    })
  })

  it('refuses an engine that cannot reach the floor', async () => {
    await expect(open({ config: { engine: 'bubblewrap', floor: 'kernel' } })).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('runsc'),
    })
  })

  it('refuses to start when a way out is open, and names it', () => {
    const report: SelfTestReport = {
      engine: 'bubblewrap',
      level: 'container',
      durationMs: 1,
      checks: [
        { name: 'raw_sockets', held: false, detail: 'a raw socket' },
        { name: 'mount', held: true, detail: '' },
      ],
    }
    expect(() => requireHeld(report)).toThrow('raw sockets (a raw socket)')
    expect(() => requireHeld(report)).not.toThrow('mount')
  })

  it('gives what an engine said when it cannot start', async () => {
    const broken = open({ config: { engine: 'runc', enginePath: '/bin/false' } })
    await expect(broken).rejects.toMatchObject({ code: 'MISCONFIGURED' })
  })

  it('refuses limits outside of their ranges', async () => {
    const sandboxes = await openTestSandboxes()
    try {
      for (const memoryMb of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const spec = {
          environment,
          reuse: 'never',
          tenantId: 't',
          runId: 'r',
          handler: 'f',
          inputs: '{}',
          source: '',
          files: [],
        } as const
        const limits = {
          cpu: 1,
          memoryMb,
          pids: 1,
          openFiles: 16,
          fileSizeMb: 1,
          scratchMb: 1,
          outputMb: 1,
          logBytes: 1_024,
          wallSeconds: 1,
          graceSeconds: 0,
        }
        const listener = { log: () => undefined, progress: () => undefined, file: async () => undefined }
        await expect(
          sandboxes.run({ ...spec, limits }, listener, new AbortController().signal),
        ).rejects.toThrow()
      }
    } finally {
      await sandboxes.close()
    }
  })

  it('cancels what is under way when it closes', async () => {
    const sandboxes = await openTestSandboxes()
    let begun = () => {}
    const beginning = new Promise<void>((resolve) => {
      begun = resolve
    })
    const source = 'import time\ndef main():\n    print("begun", flush=True)\n    time.sleep(60)'
    const running = runTask(sandboxes, source, { onLog: begun })
    await beginning
    await sandboxes.close()
    expect((await running).outcome.status).toBe('cancelled')
    expect(sandboxes.count()).toMatchObject({ blank: 0, idle: 0, total: 0 })
  })
})
