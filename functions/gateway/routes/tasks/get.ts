import { createRoute } from '@hono/zod-openapi'
import { countAhead, listAttempts } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'
import { TaskDetailView, toAttemptView, toSubmittedTaskView } from './task-view.ts'

const MAX_COUNTED_AHEAD = 1_000

const route = createRoute({
  method: 'get',
  path: '/tasks/{id}',
  tags: ['tasks'],
  summary: 'One task: status, lane, position, attempts, timings',
  security: bearerSecurity,
  request: { params: TaskParams },
  responses: {
    200: { description: 'The task', content: { 'application/json': { schema: TaskDetailView } } },
    ...problemResponses(401, 404, 422, 503),
  },
})

export const addGet = (app: Gateway, { sql }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const task = await findTask(sql, c.get('member'), c.req.valid('param').id)
    const [position, attempts] = await Promise.all([
      task.status === 'queued' ? countAhead(sql, task, MAX_COUNTED_AHEAD) : null,
      task.attempt === 0 ? [] : listAttempts(sql, task.id),
    ])
    return c.json({ ...toSubmittedTaskView(task), position, attempts: attempts.map(toAttemptView) }, 200)
  })
}
