import { createRoute, z } from '@hono/zod-openapi'
import {
  countTasks,
  LANES,
  type LaneSettings,
  LaneSettingsPatch,
  listLanes,
  patchLane,
} from '../../../shared/lanes/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { readJsonBody } from '../read-json-body.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const LaneView = LaneSettingsPatch.required()
  .extend({
    name: z.enum(LANES),
    up_to_seconds: z.number().nullable(),
    overrun_seconds: z.number().nullable(),
    tasks: z.number().int().openapi({ description: 'Tasks in the lane that have not ended' }),
  })
  .openapi('Lane')

const listRoute = createRoute({
  method: 'get',
  path: '/admin/lanes',
  tags: ['operation'],
  summary: 'The lanes, their settings and what they hold; role operator',
  security: bearerSecurity,
  responses: {
    200: {
      description: 'The quickest first',
      content: { 'application/json': { schema: z.object({ lanes: z.array(LaneView) }) } },
    },
    ...problemResponses(401, 403, 503),
  },
})

const patchRoute = createRoute({
  method: 'patch',
  path: '/admin/lanes/{lane}',
  tags: ['operation'],
  summary: 'Pause, resume, cap or throttle a lane while it runs; role operator',
  security: bearerSecurity,
  request: {
    params: z.object({ lane: z.enum(LANES) }),
    body: {
      required: true,
      content: {
        'application/json': { schema: z.strictObject(LaneSettingsPatch.shape).openapi('LaneSettings') },
      },
    },
  },
  responses: {
    200: { description: 'The lane from now on', content: { 'application/json': { schema: LaneView } } },
    ...problemResponses(400, 401, 403, 415, 422, 503),
  },
})

export const addLanes = (app: Gateway, { sql, dispatcher, limits }: GatewayDependencies) => {
  const withTasks = async (lanes: readonly LaneSettings[]) => {
    const tasks = await countTasks(sql)
    return lanes.map((lane) => ({ ...lane, tasks: tasks[lane.name] }))
  }

  app.openapi(listRoute, async (c) => c.json({ lanes: await withTasks(await listLanes(sql)) }, 200))

  app.use('/admin/lanes/*', readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth }))
  app.openapi(patchRoute, async (c) => {
    const { lane } = c.req.valid('param')
    const patched = await patchLane(sql, lane, c.req.valid('json'))
    await dispatcher.dispatch(lane)
    const [view] = await withTasks([patched])
    return c.json(view as z.infer<typeof LaneView>, 200)
  })
}
