import { createRoute, z } from '@hono/zod-openapi'
import { appendMember } from '../../../../shared/json/index.ts'
import { getResult, getTask, type Intake, isTerminal, type Task } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { readJsonBody } from '../../read-json-body.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { prepareTask } from './prepare-task.ts'
import { readResultText } from './result.ts'
import { IdempotencyKey, Submission, toIdempotency } from './submission.ts'
import { SubmittedTaskView, toSubmittedTaskView } from './task-view.ts'

const route = createRoute({
  method: 'post',
  path: '/tasks',
  tags: ['tasks'],
  summary: 'Submit a task',
  security: bearerSecurity,
  request: {
    headers: z.object({
      'idempotency-key': IdempotencyKey,
      prefer: z.string().optional().openapi({
        description: '`wait=N`: answer when the task ends, N seconds at most',
        example: 'wait=10',
      }),
    }),
    body: { required: true, content: { 'application/json': { schema: Submission } } },
  },
  responses: {
    202: {
      description: 'Recorded; it will run',
      headers: z.object({ location: z.string() }),
      content: { 'application/json': { schema: SubmittedTaskView } },
    },
    200: {
      description:
        'With `Prefer: wait`: it ended in time; `result` is there when it completed and is small enough',
      content: {
        'application/json': { schema: SubmittedTaskView.extend({ result: z.unknown().optional() }) },
      },
    },
    ...problemResponses(400, 401, 404, 413, 415, 422, 429, 503),
  },
})

/** The seconds of a `Prefer: wait=N` header (RFC 7240), 0 without one. */
const parseWait = (prefer: string | undefined, maxSeconds: number): number => {
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer ?? '')?.[1]
  return Math.min(Number(seconds ?? 0), maxSeconds)
}

export const addSubmit = (app: Gateway, dependencies: GatewayDependencies, intake: Intake) => {
  const { sql, store, endWaiters, laneGate, limits } = dependencies

  app.use('/tasks', async (c, next) =>
    c.req.method === 'POST'
      ? await readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth })(c, next)
      : await next(),
  )

  // Waits first and looks then, so that an end between the two is not missed.
  const waitForEnd = async (task: Task, timeoutMs: number): Promise<Task> => {
    const look = async () => (await getTask(sql, task.tenantId, task.id)) ?? task
    const timeout = AbortSignal.timeout(timeoutMs)
    const woken = endWaiters.wait(task.id, timeout)
    const now = await look()
    if (isTerminal(now.status)) return now
    await woken
    return await look()
  }

  app.openapi(route, async (c) => {
    const member = c.get('member')
    const submission = c.req.valid('json')
    const headers = c.req.valid('header')
    const body = c.get('body')
    const newTask = await prepareTask(dependencies, member, submission, body)
    await laneGate.enter(newTask.lane, 1)
    const key = headers['idempotency-key']
    const waitSeconds = parseWait(headers.prefer, limits.maxWaitSeconds)
    const { task, replayed } = await intake.submit({
      member,
      task: newTask,
      ...(key !== undefined && { idempotency: toIdempotency(key, body.text) }),
    })
    if (replayed) c.header('idempotent-replayed', 'true')
    c.header('location', `/tasks/${task.id}`)
    if (waitSeconds === 0) return c.json(toSubmittedTaskView(task), 202)

    const latest = await waitForEnd(task, waitSeconds * 1_000)
    c.header('preference-applied', `wait=${waitSeconds}`)
    if (!isTerminal(latest.status)) return c.json(toSubmittedTaskView(latest), 202)
    const stored = latest.status === 'completed' ? await getResult(sql, task.id) : undefined
    const result = stored && (await readResultText(store, stored, limits.maxAnsweredResultBytes))
    if (result === undefined) return c.json(toSubmittedTaskView(latest), 200)
    return c.body(appendMember(toSubmittedTaskView(latest), 'result', result), 200, {
      'content-type': 'application/json',
    }) as never
  })
}
