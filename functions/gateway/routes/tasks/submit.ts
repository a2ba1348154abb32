import { createHash } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { createId } from '../../../../shared/id.ts'
import { appendMember } from '../../../../shared/json/index.ts'
import { pickLane } from '../../../../shared/lanes/index.ts'
import type { Policy } from '../../../../shared/policies/index.ts'
import type { Finding } from '../../../../shared/prechecks/index.ts'
import { limitsFor } from '../../../../shared/sandbox/index.ts'
import { attemptKey } from '../../../../shared/storage/index.ts'
import {
  createIntake,
  getResult,
  getTask,
  isTerminal,
  type NewTask,
  type Task,
} from '../../../../shared/tasks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { type JsonBody, memberText, readJsonBody } from '../../read-json-body.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { checkSubmission } from './check-submission.ts'
import { readResultText } from './result.ts'
import { Submission } from './submission.ts'
import { SubmittedTaskView, toSubmittedTaskView } from './task-view.ts'

const DEFAULT_MAX_ATTEMPTS = 3
/** A source may have a thousand; nobody reads so many. */
const MAX_KEPT_WARNINGS = 100

const route = createRoute({
  method: 'post',
  path: '/tasks',
  tags: ['tasks'],
  summary: 'Submit a task',
  security: bearerSecurity,
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .min(1)
        .max(255)
        .optional()
        .openapi({ description: 'The same key and body answer the first task again; another body is a 422' }),
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
    ...problemResponses(400, 401, 404, 413, 415, 422, 503),
  },
})

/** The seconds of a `Prefer: wait=N` header (RFC 7240), 0 without one. */
const parseWait = (prefer: string | undefined, maxSeconds: number): number => {
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer ?? '')?.[1]
  return Math.min(Number(seconds ?? 0), maxSeconds)
}

const storeInputs = async (
  { store, limits }: GatewayDependencies,
  member: Member,
  taskId: string,
  text: string,
) => {
  if (Buffer.byteLength(text) <= limits.maxInlineInputsBytes) return { text }
  const objectKey = attemptKey({ tenantId: member.tenantId, taskId, attempt: 1 }, 'inputs', 'inputs.json')
  await store.put(objectKey, text, { contentType: 'application/json' })
  return { objectKey }
}

const toNewTask = async (
  dependencies: GatewayDependencies,
  member: Member,
  submission: Submission,
  body: JsonBody,
): Promise<Omit<NewTask, keyof Checked>> => {
  const { thresholds } = dependencies
  const id = createId()
  const { resources, timeout_seconds: wallSeconds } = submission
  const tier = typeof resources === 'string' ? resources : undefined
  const limits = limitsFor({
    ...(typeof resources === 'string'
      ? { tier: resources }
      : { cpu: resources.cpu, memoryMb: resources.memory_mb }),
    ...(wallSeconds !== undefined && { wallSeconds }),
  })
  const expectedSeconds = submission.estimated_seconds ?? thresholds.unknownSeconds
  return {
    id,
    name: submission.name,
    lane: submission.lane ?? pickLane(expectedSeconds, thresholds),
    priority: submission.priority,
    code: submission.code,
    handler: submission.handler,
    requirements: submission.requirements,
    inputs: await storeInputs(dependencies, member, id, memberText(body, 'inputs') ?? '{}'),
    files: submission.files,
    labels: submission.labels,
    estimate: {
      seconds: expectedSeconds,
      source: submission.estimated_seconds === undefined ? 'tier' : 'caller',
    },
    tier,
    cpu: limits.cpu,
    memoryMb: limits.memoryMb,
    timeoutSeconds: limits.wallSeconds,
    maxAttempts: submission.retry.max_attempts ?? DEFAULT_MAX_ATTEMPTS,
    retryOn: submission.retry.on,
  }
}

type Checked = Pick<NewTask, 'reuse' | 'sandboxFloor' | 'restrictedPython' | 'warnings'>

/** What the tenant's policy makes of a submission. */
const toChecked = (policy: Policy, { reuse }: Submission, warnings: readonly Finding[]): Checked => ({
  reuse: policy.reuse === 'never' ? 'never' : reuse,
  sandboxFloor: policy.sandboxFloor,
  restrictedPython: policy.prechecks.restrictedPython,
  warnings: warnings.slice(0, MAX_KEPT_WARNINGS),
})

export const addSubmit = (app: Gateway, dependencies: GatewayDependencies) => {
  const { sql, queue, store, endWaiters, policies, limits, logger } = dependencies

  app.use('/tasks', async (c, next) =>
    c.req.method === 'POST'
      ? await readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth })(c, next)
      : await next(),
  )

  const submit = createIntake({ sql, queue, logger })

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
    const policy = await policies.get(member.tenantId)
    const warnings = await checkSubmission(dependencies, member, policy, submission)
    const body = c.get('body')
    const newTask = {
      ...(await toNewTask(dependencies, member, submission, body)),
      ...toChecked(policy, submission, warnings),
    }
    const key = headers['idempotency-key']
    const waitSeconds = parseWait(headers.prefer, limits.maxWaitSeconds)
    const { task, replayed } = await submit({
      member,
      task: newTask,
      ...(key !== undefined && {
        idempotency: { key, requestSha256: createHash('sha256').update(body.text).digest('hex') },
      }),
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
