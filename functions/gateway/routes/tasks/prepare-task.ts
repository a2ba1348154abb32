import { type Fault, PlatformError } from '../../../../shared/errors.ts'
import { createId } from '../../../../shared/id.ts'
import { pickLane } from '../../../../shared/lanes/index.ts'
import { limitsFor } from '../../../../shared/sandbox/index.ts'
import { attemptKey } from '../../../../shared/storage/index.ts'
import type { NewTask } from '../../../../shared/tasks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'
import type { GatewayDependencies } from '../../app.ts'
import { type JsonBody, memberText } from '../../read-json-body.ts'
import type { Submission } from './submission.ts'

const DEFAULT_MAX_ATTEMPTS = 3

const checkSizes = (submission: Submission, maxCodeBytes: number) => {
  const codeBytes = Buffer.byteLength(submission.code)
  if (codeBytes > maxCodeBytes) {
    throw new PlatformError(
      'TOO_LARGE',
      `code has ${codeBytes} bytes, the limit is ${maxCodeBytes}: publish a package instead.`,
    )
  }
  const faults: Fault[] = []
  if (submission.code.includes('\u0000')) {
    faults.push({
      loc: ['body', 'code'],
      msg: 'Python source holds no NUL character',
      type: 'invalid_source',
    })
  }
  if (!submission.code.isWellFormed()) {
    faults.push({ loc: ['body', 'code'], msg: 'the text has a lone surrogate', type: 'invalid_source' })
  }
  for (const port of Object.keys(submission.files)) {
    if (port in submission.inputs) {
      faults.push({
        loc: ['body', 'files', port],
        msg: 'given both as an input and as a file',
        type: 'duplicate_argument',
      })
    }
  }
  if (faults.length > 0) {
    throw new PlatformError(
      'INVALID',
      `The submission is not valid: ${faults.map(({ msg }) => msg).join('; ')}`,
      { faults },
    )
  }
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

const checkUploads = async ({ sql }: GatewayDependencies, member: Member, files: Record<string, string>) => {
  const ids = Object.values(files)
  if (ids.length === 0) return
  const rows = await sql<{ id: string }[]>`
    select id from uploads where tenant_id = ${member.tenantId} and id in ${sql(ids)} and expires_at > now()`
  const known = new Set(rows.map(({ id }) => id))
  const faults = Object.entries(files)
    .filter(([, id]) => !known.has(id))
    .map(([port, id]) => ({
      loc: ['body', 'files', port],
      msg: `there is no upload ${id}`,
      type: 'unknown_upload',
    }))
  if (faults.length > 0) {
    throw new PlatformError(
      'INVALID',
      `The submission is not valid: ${faults.map(({ msg }) => msg).join('; ')}`,
      { faults },
    )
  }
}

/**
 * A task out of a submission that has the right shape: its sizes and files checked, its lane picked, large inputs stored.
 *
 * @param body - the submission as it was sent: the inputs stay as they stand there
 * @throws `INVALID`, `TOO_LARGE`
 */
export const prepareTask = async (
  dependencies: GatewayDependencies,
  member: Member,
  submission: Submission,
  body: JsonBody,
): Promise<NewTask> => {
  checkSizes(submission, dependencies.limits.maxCodeBytes)
  await checkUploads(dependencies, member, submission.files)
  const id = createId()
  const { resources, timeout_seconds: wallSeconds } = submission
  const tier = typeof resources === 'string' ? resources : undefined
  const limits = limitsFor({
    ...(typeof resources === 'string'
      ? { tier: resources }
      : { cpu: resources.cpu, memoryMb: resources.memory_mb }),
    ...(wallSeconds !== undefined && { wallSeconds }),
  })
  const expectedSeconds = submission.estimated_seconds ?? dependencies.unknownSeconds
  return {
    id,
    name: submission.name,
    lane: submission.lane ?? pickLane(expectedSeconds, await dependencies.laneGate.thresholds()),
    priority: submission.priority,
    code: submission.code,
    handler: submission.handler,
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
    reuse: submission.reuse,
    repeatable: submission.repeatable,
    maxAttempts: submission.retry.max_attempts ?? DEFAULT_MAX_ATTEMPTS,
    retryOn: submission.retry.on,
    retryBackoffSeconds: submission.retry.backoff_seconds,
    runAt: submission.run_at,
    expiresAt: submission.expires_at,
    concurrency: submission.concurrency,
    replayOf: undefined,
  }
}
