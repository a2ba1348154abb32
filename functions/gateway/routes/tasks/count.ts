import { createRoute, z } from '@hono/zod-openapi'
import { countTasks } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { filterQuery, toTaskFilter } from './task-filter.ts'

const MAX_COUNTED = 100_000

const route = createRoute({
  method: 'get',
  path: '/tasks/count',
  tags: ['tasks'],
  summary: 'How many tasks a filter finds',
  security: bearerSecurity,
  request: { query: z.object(filterQuery) },
  responses: {
    200: {
      description: `Counted up to ${MAX_COUNTED}; \`complete\` says whether there are no more`,
      content: {
        'application/json': { schema: z.object({ count: z.number().int(), complete: z.boolean() }) },
      },
    },
    ...problemResponses(401, 422, 503),
  },
})

export const addCount = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const filter = toTaskFilter(c.req.valid('query'))
    const count = await countTasks(sql, c.get('member').tenantId, filter, MAX_COUNTED + 1)
    return c.json({ count: Math.min(count, MAX_COUNTED), complete: count <= MAX_COUNTED }, 200)
  })
}
