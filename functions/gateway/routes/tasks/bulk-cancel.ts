import { createRoute, z } from '@hono/zod-openapi'
import { cancelTasks, findUnfinished } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { tellCancelled } from './cancel.ts'
import { filterQuery, toTaskFilter } from './task-filter.ts'

const PAGE = 500

const route = createRoute({
  method: 'post',
  path: '/tasks/cancel',
  tags: ['tasks'],
  summary: 'Stop every unfinished task that a filter finds',
  security: bearerSecurity,
  request: {
    query: z
      .object(filterQuery)
      .refine(
        (query) => Object.keys(query).length > 0,
        'name at least one filter; created_before=<now> is all',
      ),
  },
  responses: {
    200: {
      description: 'How many have ended by this, and how many are being stopped by their workers',
      content: {
        'application/json': {
          schema: z.object({ cancelled: z.number().int(), stopping: z.number().int() }),
        },
      },
    },
    ...problemResponses(401, 422, 503),
  },
})

export const addBulkCancel = (app: Gateway, dependencies: GatewayDependencies) => {
  const { sql } = dependencies
  app.openapi(route, async (c) => {
    const { tenantId } = c.get('member')
    const filter = toTaskFilter(c.req.valid('query'))
    const count = { cancelled: 0, stopping: 0 }
    let after: string | undefined
    while (true) {
      const ids = await findUnfinished(sql, tenantId, filter, { limit: PAGE, ...(after && { after }) })
      if (ids.length === 0) break
      const cancelled = await cancelTasks(sql, tenantId, ids)
      await tellCancelled(dependencies, cancelled)
      const ended = cancelled.filter(({ status }) => status === 'cancelled').length
      count.cancelled += ended
      count.stopping += cancelled.length - ended
      after = ids.at(-1)
    }
    return c.json(count, 200)
  })
}
