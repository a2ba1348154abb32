import { createRoute, z } from '@hono/zod-openapi'
import { listTasks } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { filterQuery, toTaskFilter } from './task-filter.ts'
import { TaskView, toTaskView } from './task-view.ts'

const MAX_PAGE = 200
const DEFAULT_PAGE = 50

const Query = z.object({
  ...filterQuery,
  cursor: z.uuid().optional().openapi({ description: '`next_cursor` of the page before' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
})

const Page = z.object({ tasks: z.array(TaskView), next_cursor: z.uuid().nullable() }).openapi('TaskPage')

const route = createRoute({
  method: 'get',
  path: '/tasks',
  tags: ['tasks'],
  summary: "The tenant's tasks, newest first",
  security: bearerSecurity,
  request: { query: Query },
  responses: {
    200: { description: 'A page', content: { 'application/json': { schema: Page } } },
    ...problemResponses(401, 422, 503),
  },
})

export const addList = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const { cursor, limit, ...query } = c.req.valid('query')
    // One row more than asked for tells whether there is a next page.
    const rows = await listTasks(sql, c.get('member').tenantId, toTaskFilter(query), {
      limit: limit + 1,
      ...(cursor && { before: cursor }),
    })
    const page = rows.slice(0, limit)
    const next = rows.length > limit ? page.at(-1)?.id : undefined
    return c.json({ tasks: page.map(toTaskView), next_cursor: next ?? null }, 200)
  })
}
