import { createRoute } from '@hono/zod-openapi'
import { explainWait, listAttempts } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'
import { TaskDetailView, toAttemptView, toSubmittedTaskView } from './task-view.ts'

const MAX_COUNTED_AHEAD = 1_000

const route = createRoute({
  method: 'get',
  path: '/tasks/{id}',
  tags: ['tasks'],
  summary: 'One task: status, lane, why it waits, attempts, timings',
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
    const [wait, attempts] = await Promise.all([
      task.status === 'queued' ? explainWait(sql, task, MAX_COUNTED_AHEAD) : undefined,
      task.attempt === 0 ? [] : listAttempts(sql, task.id),
    ])
    const waits = wait ? { ...wait, until: wait.until?.toISOString() ?? null } : null
    return c.json({ ...toSubmittedTaskView(task), waits, attempts: attempts.map(toAttemptView) }, 200)
  })
}
