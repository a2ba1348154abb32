import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { VERSION } from '../version.ts'

export type { Registry }

/**
 * A process's metrics: what Node.js tells of itself, and what release it is. Others add theirs to the registry.
 *
 * @param component - the process's name, such as `gateway`
 */
export const createMetrics = (component: string): Registry => {
  const registry = new Registry()
  registry.setDefaultLabels({ component })
  collectDefaultMetrics({ register: registry })
  const buildInfo = new Gauge({
    name: 'mecapy_build_info',
    help: 'Always 1; the labels tell the release',
    labelNames: ['version', 'node'],
    registers: [registry],
  })
  buildInfo.set({ version: VERSION, node: process.version }, 1)
  return registry
}

/** Answers a scrape. */
export const answerMetrics = async (registry: Registry): Promise<Response> =>
  new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
