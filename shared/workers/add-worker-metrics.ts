import { Gauge } from 'prom-client'
import type { Sql } from '../database/index.ts'
import { LANES } from '../lanes/index.ts'
import type { Registry } from '../telemetry/metrics.ts'
import { listWorkers } from './registry.ts'

/**
 * Tells a scraper what the registry of workers holds: who lives, with which sandboxes, and how many tasks they can run
 * at once. While the database is away these are missing, and the rest of the scrape is answered.
 */
export const addWorkerMetrics = (registry: Registry, sql: Sql): void => {
  const look = () => listWorkers(sql).catch(() => undefined)
  new Gauge({
    name: 'mecapy_workers',
    help: 'Workers in the registry; lost ones have not been heard of for longer than they promised',
    labelNames: ['kind', 'engine', 'level', 'state'],
    registers: [registry],
    async collect() {
      const workers = await look()
      this.reset()
      for (const { kind, state, selfTest } of workers ?? [])
        this.inc({ kind, engine: selfTest.engine, level: selfTest.level, state })
    },
  })
  new Gauge({
    name: 'mecapy_worker_slots',
    help: 'How many tasks of a lane the workers that take new ones can run at once',
    labelNames: ['lane'],
    registers: [registry],
    async collect() {
      const workers = await look()
      this.reset()
      if (workers === undefined) return
      for (const lane of LANES) this.set({ lane }, 0)
      for (const { state, slots } of workers)
        if (state === 'alive') for (const lane of LANES) this.inc({ lane }, slots[lane] ?? 0)
    },
  })
}
