import { createRoute, z } from '@hono/zod-openapi'
import { type Fault, PlatformError } from '../../../../shared/errors.ts'
import { scanJson } from '../../../../shared/json/index.ts'
import { LANES } from '../../../../shared/lanes/index.ts'
import type { Intake, Submitted, TaskSubmission } from '../../../../shared/tasks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { describeProblem, toProblem } from '../../problem.ts'
import { type JsonBody, memberText, readJsonBody } from '../../read-json-body.ts'
import { bearerSecurity, ProblemDocument, problemResponses } from '../problem-responses.ts'
import { prepareTask } from './prepare-task.ts'
import { IdempotencyKey, Submission, toIdempotency } from './submission.ts'
import { SubmittedTaskView, toSubmittedTaskView } from './task-view.ts'

const MAX_TASKS = 1_000

// Each submission is checked by itself, so that a bad one does not keep the good ones out.
const Batch = z
  .strictObject({
    tasks: z
      .array(z.unknown())
      .min(1)
      .max(MAX_TASKS)
      .openapi({ type: 'array', items: { $ref: '#/components/schemas/Submission' } }),
  })
  .openapi('SubmissionBatch')

const Verdict = z.union([z.object({ task: SubmittedTaskView }), z.object({ problem: ProblemDocument })])

const route = createRoute({
  method: 'post',
  path: '/tasks/batch',
  tags: ['tasks'],
  summary: 'Submit up to 1,000 tasks at once, each with its own verdict',
  security: bearerSecurity,
  request: {
    headers: z.object({ 'idempotency-key': IdempotencyKey }),
    body: { required: true, content: { 'application/json': { schema: Batch } } },
  },
  responses: {
    200: {
      description: 'A verdict for each task, in order; what is valid has been recorded, in one transaction',
      content: { 'application/json': { schema: z.object({ verdicts: z.array(Verdict) }) } },
    },
    ...problemResponses(400, 401, 413, 415, 422, 429, 503),
  },
})

const toFaults = (error: z.ZodError): Fault[] =>
  error.issues.map((issue) => ({
    loc: ['body', ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))],
    msg: issue.message,
    type: issue.code,
  }))

/** Each submission of the batch as it was sent. */
const splitBatch = (body: JsonBody, maxDepth: number): JsonBody[] => {
  const text = memberText(body, 'tasks') ?? '[]'
  return [...scanJson(text, { maxDepth }).values()].map(({ start, end }) => {
    const item = text.slice(start, end)
    return { text: item, members: scanJson(item, { maxDepth }) }
  })
}

export const addBatch = (app: Gateway, dependencies: GatewayDependencies, intake: Intake) => {
  const { laneGate, limits } = dependencies
  const maxDepth = limits.maxJsonDepth

  const prepare = async (
    member: Member,
    value: unknown,
    body: JsonBody,
    key: string | undefined,
  ): Promise<TaskSubmission | PlatformError> => {
    const parsed = Submission.safeParse(value)
    if (!parsed.success) {
      const faults = toFaults(parsed.error)
      const places = faults.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ')
      return new PlatformError('INVALID', `The submission is not valid: ${places}`, { faults })
    }
    try {
      const task = await prepareTask(dependencies, member, parsed.data, body)
      return { member, task, ...(key !== undefined && { idempotency: toIdempotency(key, body.text) }) }
    } catch (error) {
      if (error instanceof PlatformError) return error
      throw error
    }
  }

  app.use('/tasks/batch', readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth }))
  app.openapi(route, async (c) => {
    const member = c.get('member')
    const { tasks } = c.req.valid('json')
    const key = c.req.valid('header')['idempotency-key']
    const bodies = splitBatch(c.get('body'), maxDepth)
    const prepared = await Promise.all(
      bodies.map((body, index) =>
        prepare(member, tasks[index], body, key === undefined ? undefined : `${key}#${index}`),
      ),
    )
    const submissions = prepared.filter((item): item is TaskSubmission => !(item instanceof PlatformError))
    // All or none: half a batch that fits would be a puzzle for the caller.
    for (const lane of LANES) {
      const count = submissions.filter(({ task }) => task.lane === lane).length
      if (count > 0) await laneGate.enter(lane, count)
    }
    const recorded = (await intake.submitAll(submissions)).values()
    const verdicts = prepared.map((item): Submitted | PlatformError =>
      item instanceof PlatformError ? item : (recorded.next().value as Submitted | PlatformError),
    )
    return c.json(
      {
        verdicts: verdicts.map((verdict) =>
          verdict instanceof PlatformError
            ? { problem: describeProblem(c, toProblem(verdict)) }
            : { task: toSubmittedTaskView(verdict.task) },
        ),
      },
      200,
    )
  })
}
