import { createId } from '../../shared/id.ts'
import type { SelfTestReport } from '../../shared/sandbox/index.ts'
import type { Registration } from '../../shared/workers/index.ts'

export const SELF_TEST: SelfTestReport = {
  engine: 'bubblewrap',
  level: 'container',
  checks: [
    { name: 'network', held: true, detail: 'Network is unreachable' },
    { name: 'raw_sockets', held: true, detail: 'Operation not permitted' },
  ],
  durationMs: 123.4,
}

/** What a worker says of itself, valid as it is. */
export const newWorker = (changes: Partial<Registration> = {}): Registration => {
  const id = createId()
  return {
    id,
    name: `worker-${id}`,
    kind: 'consumer',
    slots: { high_priority: 2, default: 2, long_running: 1 },
    selfTest: SELF_TEST,
    version: '0.1.0',
    ...changes,
  }
}
