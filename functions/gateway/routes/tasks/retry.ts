import { createRoute, z } from '@hono/zod-openapi'
import { PlatformError } from '../../../../shared/errors.ts'
import { replayTasks } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'
import { SubmittedTaskView, toSubmittedTaskView } from './task-view.ts'

const route = createRoute({
  method: 'post',
  path: '/tasks/{id}/retry',
  tags: ['tasks'],
  summary: 'Run an ended task again, as a new task',
  security: bearerSecurity,
  request: { params: TaskParams },
  responses: {
    202: {
      description: 'The new task; its `replay_of` is the old one',
      headers: z.object({ location: z.string() }),
      content: { 'application/json': { schema: SubmittedTaskView } },
    },
    ...problemResponses(401, 404, 409, 422, 429, 503),
  },
})

export const addRetry = (app: Gateway, { sql, dispatcher, laneGate, policies }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const member = c.get('member')
    const { id } = c.req.valid('param')
    const old = await findTask(sql, member, id)
    await laneGate.enter(old.lane, 1)
    const [task] = await replayTasks(sql, member, [id], await policies.get(member.tenantId))
    if (!task)
      throw new PlatformError('CONFLICT', `The task is ${old.status}: it can run again once it has ended.`)
    dispatcher.tell([{ lane: task.lane, tenantId: task.tenantId }])
    c.header('location', `/tasks/${task.id}`)
    return c.json(toSubmittedTaskView(task), 202)
  })
}
