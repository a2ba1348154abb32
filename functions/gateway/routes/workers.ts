import { createRoute, z } from '@hono/zod-openapi'
import { LANES } from '../../../shared/lanes/index.ts'
import { SANDBOX_LEVELS } from '../../../shared/sandbox/index.ts'
import { listWorkers, WORKER_KINDS, WORKER_STATES, type Worker } from '../../../shared/workers/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const Count = z.number().int().min(0)

const WorkerView = z
  .object({
    id: z.uuid(),
    name: z.string().openapi({ description: 'As it stands in the attempts of tasks' }),
    kind: z.enum(WORKER_KINDS),
    state: z.enum(WORKER_STATES).openapi({
      description: '`draining` takes no new tasks; `lost` has been silent for longer than it promised',
    }),
    slots: z
      .partialRecord(z.enum(LANES), Count)
      .openapi({ description: 'How many tasks of each lane it runs at once' }),
    engine: z.string(),
    level: z.enum(SANDBOX_LEVELS),
    version: z.string(),
    started_at: z.iso.datetime(),
    alive_until: z.iso.datetime().openapi({ description: 'When it counts as lost unless it is heard of' }),
    sandboxes: z.object({ blank: Count, idle: Count, total: Count }),
    self_test: z
      .object({
        passed: Count,
        failed: Count,
        duration_ms: z.number(),
        checks: z.array(z.object({ name: z.string(), held: z.boolean(), detail: z.string() })),
      })
      .openapi({ description: 'What came of trying to break out of its sandbox when it started' }),
  })
  .openapi('Worker')

const route = createRoute({
  method: 'get',
  path: '/workers',
  tags: ['operation'],
  summary: 'The workers that live and those lost lately, with what their self-tests proved; role operator',
  security: bearerSecurity,
  responses: {
    200: {
      description: 'All of them, the longest-lived first',
      content: { 'application/json': { schema: z.object({ workers: z.array(WorkerView) }) } },
    },
    ...problemResponses(401, 403, 503),
  },
})

const toWorkerView = ({ selfTest, ...worker }: Worker): z.infer<typeof WorkerView> => {
  const passed = selfTest.checks.filter(({ held }) => held).length
  return {
    id: worker.id,
    name: worker.name,
    kind: worker.kind,
    state: worker.state,
    slots: worker.slots,
    engine: selfTest.engine,
    level: selfTest.level,
    version: worker.version,
    started_at: worker.startedAt.toISOString(),
    alive_until: worker.aliveUntil.toISOString(),
    sandboxes: worker.sandboxes,
    self_test: {
      passed,
      failed: selfTest.checks.length - passed,
      duration_ms: Math.round(selfTest.durationMs),
      checks: [...selfTest.checks],
    },
  }
}

export const addWorkers = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => c.json({ workers: (await listWorkers(sql)).map(toWorkerView) }, 200))
}
