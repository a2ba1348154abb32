import { setTimeout as delay } from 'node:timers/promises'
import { createRoute, z } from '@hono/zod-openapi'
import { readLog } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'

const FOLLOW_INTERVAL_MS = 250

const Query = z.object({
  since: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .openapi({ description: '`next_index` of the answer before' }),
  tail: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .openapi({ description: 'Only the last chunks' }),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: '`true`: wait until there is more, or the attempt has ended' }),
})

const LogView = z
  .object({
    attempt: z.number().int(),
    entries: z.array(
      z.object({ index: z.number().int(), kind: z.enum(['stdout', 'stderr']), chunk: z.string() }),
    ),
    next_index: z.number().int(),
    done: z.boolean(),
  })
  .openapi('TaskLog')

const route = createRoute({
  method: 'get',
  path: '/tasks/{id}/logs',
  tags: ['tasks'],
  summary: 'What the latest attempt has printed',
  security: bearerSecurity,
  request: { params: TaskParams, query: Query },
  responses: {
    200: { description: 'Chunks in order', content: { 'application/json': { schema: LogView } } },
    ...problemResponses(401, 404, 410, 422, 503),
  },
})

export const addLogs = (app: Gateway, { sql, store, limits }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const { since, tail, follow } = c.req.valid('query')
    const member = c.get('member')
    const id = c.req.valid('param').id
    const deadline = follow === 'true' ? Date.now() + limits.maxWaitSeconds * 1_000 : 0
    let log = await readLog(sql, store, await findTask(sql, member, id), since)
    while (log.chunks.length === 0 && !log.done && Date.now() < deadline && !c.req.raw.signal.aborted) {
      await delay(FOLLOW_INTERVAL_MS)
      log = await readLog(sql, store, await findTask(sql, member, id), since)
    }
    const entries = tail === undefined ? log.chunks : log.chunks.slice(-tail)
    return c.json({ attempt: log.attempt, entries, next_index: log.nextIndex, done: log.done }, 200)
  })
}
