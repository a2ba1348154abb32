/** Run to be killed: opens sandboxes and has runs under way in them. `argv`: their configuration. */
import type { SandboxConfigInput } from '../../shared/sandbox/config.ts'
import { openTestSandboxes, runTask } from './run-task.ts'

const STUBBORN = `import os, signal, time
def main():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.fork()
    print("running", flush=True)
    time.sleep(600)`

const config = JSON.parse(process.argv[2] ?? '') as SandboxConfigInput
const sandboxes = await openTestSandboxes({ config })
await runTask(sandboxes, 'def main(): return 1', { tenantId: 'idle' })
await Promise.all(
  ['a', 'b'].map(
    (tenantId) =>
      new Promise<void>((resolve) => {
        void runTask(sandboxes, STUBBORN, { tenantId, limits: { wallSeconds: 600 }, onLog: () => resolve() })
      }),
  ),
)
console.log('under way')
