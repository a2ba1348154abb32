import { createRoute } from '@hono/zod-openapi'
import { notify } from '../../../../shared/database/index.ts'
import { cancelTask } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'
import { TaskView, toTaskView } from './task-view.ts'

const route = createRoute({
  method: 'post',
  path: '/tasks/{id}/cancel',
  tags: ['tasks'],
  summary: 'Stop a task: at once while it waits, within a second plus the grace while it runs',
  security: bearerSecurity,
  request: { params: TaskParams },
  responses: {
    200: {
      description: 'It has ended, by this or before',
      content: { 'application/json': { schema: TaskView } },
    },
    202: { description: 'Its worker has been told', content: { 'application/json': { schema: TaskView } } },
    ...problemResponses(401, 404, 422, 503),
  },
})

export const addCancel = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const member = c.get('member')
    const { id } = c.req.valid('param')
    const status = await cancelTask(sql, member.tenantId, id)
    if (status === 'running') await notify(sql, 'task_cancelled', id)
    else if (status === 'cancelled') await notify(sql, 'task_ended', id)
    return c.json(toTaskView(await findTask(sql, member, id)), status === 'running' ? 202 : 200)
  })
}
