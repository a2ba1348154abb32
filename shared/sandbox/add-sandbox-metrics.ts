import { Gauge } from 'prom-client'
import type { Registry } from '../telemetry/metrics.ts'
import type { Sandboxes } from './port.ts'

/** Tells a scraper how strong the sandboxes of this process proved to be, and how many there are. */
export const addSandboxMetrics = (
  registry: Registry,
  sandboxes: Pick<Sandboxes, 'report' | 'count'>,
): void => {
  const { engine, level, checks, durationMs } = sandboxes.report
  const registers = [registry]
  new Gauge({
    name: 'mecapy_sandbox_info',
    help: 'Always 1; the labels tell the engine and the level that its self-test proved',
    labelNames: ['engine', 'level'],
    registers,
  }).set({ engine, level }, 1)
  const held = new Gauge({
    name: 'mecapy_sandbox_self_test_held',
    help: 'Each way out that the self-test tried at the start: 1 when the sandbox held, 0 when it was open',
    labelNames: ['check'],
    registers,
  })
  for (const check of checks) held.set({ check: check.name }, check.held ? 1 : 0)
  new Gauge({
    name: 'mecapy_sandbox_self_test_seconds',
    help: 'How long the self-test took',
    registers,
  }).set(durationMs / 1_000)
  new Gauge({
    name: 'mecapy_sandboxes',
    help: "Sandboxes alive: nobody's yet, waiting for their tenant's next run, or starting and at work",
    labelNames: ['state'],
    registers,
    collect() {
      const { blank, idle, total } = sandboxes.count()
      this.set({ state: 'blank' }, blank)
      this.set({ state: 'idle' }, idle)
      this.set({ state: 'busy' }, total - blank - idle)
    },
  })
}
