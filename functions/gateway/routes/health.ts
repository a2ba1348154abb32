import { createRoute, z } from '@hono/zod-openapi'
import { LANES } from '../../../shared/lanes/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'

const CHECK_TIMEOUT_MS = 2_000

const Status = z.object({
  status: z.enum(['ok', 'unavailable']),
  checks: z.record(z.string(), z.enum(['ok', 'unavailable'])),
})

const withTimeout = (check: Promise<unknown>) =>
  Promise.race([
    check,
    new Promise((_, reject) => setTimeout(() => reject(new Error('timed out')), CHECK_TIMEOUT_MS).unref()),
  ]).then(
    () => 'ok' as const,
    () => 'unavailable' as const,
  )

const health = createRoute({
  method: 'get',
  path: '/health',
  tags: ['platform'],
  summary: 'Whether this process lives and reaches its database',
  responses: { 200: { description: 'Alive', content: { 'application/json': { schema: Status } } } },
})

const ready = createRoute({
  method: 'get',
  path: '/ready',
  tags: ['platform'],
  summary: 'Whether this process can take requests: database, queue and object store answer',
  responses: {
    200: { description: 'Ready', content: { 'application/json': { schema: Status } } },
    503: { description: 'Not ready', content: { 'application/json': { schema: Status } } },
  },
})

/** `/health` is for a liveness probe and stays 200 while the process can answer; `/ready` is for the load balancer. */
export const addHealth = (app: Gateway, { sql, queue, store }: GatewayDependencies) => {
  app.openapi(health, async (c) => {
    const checks = { database: await withTimeout(sql`select 1`) }
    return c.json({ status: checks.database, checks }, 200)
  })
  app.openapi(ready, async (c) => {
    const [database, queueStatus, storage] = await Promise.all([
      withTimeout(sql`select 1`),
      withTimeout(queue.depth(LANES[0])),
      withTimeout(store.check()),
    ])
    const checks = { database, queue: queueStatus, storage }
    const allOk = Object.values(checks).every((status) => status === 'ok')
    return c.json({ status: allOk ? ('ok' as const) : ('unavailable' as const), checks }, allOk ? 200 : 503)
  })
}
