import { createRoute } from '@hono/zod-openapi'
import { notify } from '../../../../shared/database/index.ts'
import { type Cancelled, cancelTasks } from '../../../../shared/tasks/index.ts'
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

/** Wakes whom a cancellation concerns: the worker of a running task, who waits for an ended one, the next in its lane. */
export const tellCancelled = async (
  { sql, dispatcher }: GatewayDependencies,
  cancelled: readonly Cancelled[],
): Promise<void> => {
  const ended = cancelled.filter(({ status }) => status === 'cancelled')
  dispatcher.tell(ended.map(({ lane, tenantId, concurrencyKey: freedKey }) => ({ lane, tenantId, freedKey })))
  await Promise.all(
    cancelled.map(({ id, status }) =>
      notify(sql, status === 'cancelled' ? 'task_ended' : 'task_cancelled', id),
    ),
  )
}

export const addCancel = (app: Gateway, dependencies: GatewayDependencies) => {
  const { sql } = dependencies
  app.openapi(route, async (c) => {
    const member = c.get('member')
    const { id } = c.req.valid('param')
    await tellCancelled(dependencies, await cancelTasks(sql, member.tenantId, [id]))
    const task = await findTask(sql, member, id)
    return c.json(toTaskView(task), task.status === 'running' ? 202 : 200)
  })
}
