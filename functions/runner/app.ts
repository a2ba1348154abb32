import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { ID_PATTERN } from '../../shared/id.ts'
import type { AttemptRunner } from '../../shared/tasks/index.ts'

/**
 * The short lane's HTTP handler: `POST /run/{task id}` claims the task, runs one attempt to its end, and answers.
 * What came of it stands in the database; the answer says only whether this request ran it.
 */
export const createRunnerApp = (runner: AttemptRunner, token: string): Hono => {
  const app = new Hono()
  app.get('/ready', (c) => c.json({ status: 'ok' }))
  app.use('/run/*', bearerAuth({ token }))
  app.post('/run/:id', async (c) => {
    const id = c.req.param('id')
    if (!ID_PATTERN.test(id)) return c.json({ detail: 'The path ends in a task id.' }, 422)
    const ran = await runner.run({ taskId: id })
    // 409: somebody else has claimed it, or it no longer waits. Not to be sent again.
    return ran ? c.json({ task_id: id }) : c.json({ detail: `Task ${id} does not wait.` }, 409)
  })
  return app
}
