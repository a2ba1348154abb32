/** Run as a plain user: opens sandboxes, runs two tasks, prints what came of them as JSON. `argv`: what root prepared. */
import type { Environment } from '../../shared/environments/index.ts'
import { openCgroups } from '../../shared/sandbox/cgroups.ts'
import { type Limits, limitsFor, openSandboxes } from '../../shared/sandbox/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'

export type Prepared = { environment: Environment; cgroupMounts?: string }

const { environment, cgroupMounts } = JSON.parse(process.argv[2] ?? '') as Prepared
try {
  const sandboxes = await openSandboxes({
    logger: createLogger('test', 'silent'),
    preload: [{ environment, modules: [] }],
    cgroups: () => openCgroups(cgroupMounts === undefined ? undefined : { mounts: cgroupMounts, self: '' }),
  })
  const files: string[] = []
  const run = (source: string, limits: Partial<Limits>) =>
    sandboxes.run(
      {
        tenantId: 'tenant',
        runId: 'run',
        environment,
        limits: limitsFor({ tier: 'nano', ...limits }),
        reuse: 'tenant',
        handler: 'main',
        inputs: '{}',
        files: [],
        source,
      },
      { log: () => undefined, progress: () => undefined, file: async ({ name }) => void files.push(name) },
      new AbortController().signal,
    )
  const source =
    'import os\ndef main():\n    open("/workspace/out/files/x.txt", "w").close()\n    return [os.getuid(), os.getpid()]'
  const completed = await run(source, {})
  const failed = await run('def main(): return bytearray(300 << 20)', { memoryMb: 128 })
  const open = sandboxes.report.checks.filter(({ held }) => !held)
  await sandboxes.close()
  console.log(JSON.stringify({ uid: process.getuid?.(), completed, files, failed, open }))
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }))
}
