import { createRoute, z } from '@hono/zod-openapi'
import { LANES } from '../../../../shared/lanes/index.ts'
import { listTasks, replayTasks } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { filterQuery, toTaskFilter } from './task-filter.ts'

const MAX_REPLAYED = 1_000

const { dead: _, status: __, ...deadFilter } = filterQuery

const route = createRoute({
  method: 'post',
  path: '/tasks/replay',
  tags: ['tasks'],
  summary: 'Run dead letters again, as new tasks: all that a filter finds, 1,000 at most',
  security: bearerSecurity,
  request: { query: z.object(deadFilter) },
  responses: {
    202: {
      description: 'The new tasks; `complete` says whether no dead letter that the filter finds is left',
      content: {
        'application/json': {
          schema: z.object({
            tasks: z.array(z.object({ id: z.uuid(), replay_of: z.uuid().nullable() })),
            complete: z.boolean(),
          }),
        },
      },
    },
    ...problemResponses(401, 422, 429, 503),
  },
})

export const addReplay = (app: Gateway, { sql, dispatcher, laneGate, policies }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const member = c.get('member')
    const filter = { ...toTaskFilter(c.req.valid('query')), dead: true }
    const dead = await listTasks(sql, member.tenantId, filter, { limit: MAX_REPLAYED + 1 })
    const page = dead.slice(0, MAX_REPLAYED)
    for (const lane of LANES) {
      const count = page.filter((task) => task.lane === lane).length
      if (count > 0) await laneGate.enter(lane, count)
    }
    const tasks = await replayTasks(
      sql,
      member,
      page.map(({ id }) => id),
      await policies.get(member.tenantId),
    )
    dispatcher.tell(tasks.map(({ lane, tenantId }) => ({ lane, tenantId })))
    return c.json(
      {
        tasks: tasks.map(({ id, replayOf }) => ({ id, replay_of: replayOf })),
        complete: dead.length <= MAX_REPLAYED,
      },
      202,
    )
  })
}
