import { createRoute, z } from '@hono/zod-openapi'
import { LANES } from '../../../../shared/lanes/index.ts'
import { listTasks, TASK_STATUSES } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { TaskView, toTaskView } from './task-view.ts'

const MAX_PAGE = 200
const DEFAULT_PAGE = 50

const Query = z.object({
  status: z.enum(TASK_STATUSES).optional(),
  lane: z.enum(LANES).optional(),
  label: z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(z.string().regex(/^[^=]{1,63}=.{0,256}$/, 'must be name=value')).max(10),
    )
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string' },
      description: '`name=value`; may be repeated, all must match',
    }),
  created_after: z.iso.datetime({ offset: true }).optional(),
  created_before: z.iso.datetime({ offset: true }).optional(),
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

const parseLabels = (pairs: string[]) =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

export const addList = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query')
    // One row more than asked for tells whether there is a next page.
    const rows = await listTasks(
      sql,
      c.get('member').tenantId,
      {
        labels: parseLabels(query.label ?? []),
        ...(query.status && { status: query.status }),
        ...(query.lane && { lane: query.lane }),
        ...(query.created_after && { createdAfter: new Date(query.created_after) }),
        ...(query.created_before && { createdBefore: new Date(query.created_before) }),
      },
      { limit: query.limit + 1, ...(query.cursor && { before: query.cursor }) },
    )
    const page = rows.slice(0, query.limit)
    const next = rows.length > query.limit ? page.at(-1)?.id : undefined
    return c.json({ tasks: page.map(toTaskView), next_cursor: next ?? null }, 200)
  })
}
