import { hashInlineFunction } from '../../../../shared/estimates/index.ts'
import { createId } from '../../../../shared/id.ts'
import { pickLane } from '../../../../shared/lanes/index.ts'
import { limitsFor } from '../../../../shared/sandbox/index.ts'
import { attemptKey } from '../../../../shared/storage/index.ts'
import type { NewTask } from '../../../../shared/tasks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'
import type { GatewayDependencies } from '../../app.ts'
import { type JsonBody, memberText } from '../../read-json-body.ts'
import { checkSubmission } from './check-submission.ts'
import type { Submission } from './submission.ts'

const DEFAULT_MAX_ATTEMPTS = 3
/** A source may have a thousand; nobody reads so many. */
const MAX_KEPT_WARNINGS = 100
/** Who asks for the tier of days expects hours. */
const LONG_TIER_SECONDS = 3_600

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

/**
 * A task out of a submission that has the right shape: its sizes, files and source checked, its lane picked, large inputs stored.
 *
 * @param body - the submission as it was sent: the inputs stay as they stand there
 * @throws `TOO_LARGE`, or `INVALID` with every fault at once
 */
export const prepareTask = async (
  dependencies: GatewayDependencies,
  member: Member,
  submission: Submission,
  body: JsonBody,
): Promise<NewTask> => {
  const policy = await dependencies.policies.get(member.tenantId)
  const { warnings, uploadedBytes } = await checkSubmission(dependencies, member, policy, submission)
  const id = createId()
  const { resources, timeout_seconds: wallSeconds } = submission
  const tier = typeof resources === 'string' ? resources : undefined
  const limits = limitsFor({
    ...(typeof resources === 'string'
      ? { tier: resources }
      : { cpu: resources.cpu, memoryMb: resources.memory_mb }),
    ...(wallSeconds !== undefined && { wallSeconds }),
  })
  const text = memberText(body, 'inputs') ?? '{}'
  const inputBytes = Buffer.byteLength(text) + uploadedBytes
  const functionKey = hashInlineFunction(submission.code, submission.handler)
  const estimate = await dependencies.estimator.estimate({
    ...member,
    functionKey,
    inputBytes,
    callerSeconds: submission.estimated_seconds,
    tierSeconds: tier === 'long' ? LONG_TIER_SECONDS : dependencies.unknownSeconds,
    timeoutSeconds: limits.wallSeconds,
  })
  return {
    id,
    name: submission.name,
    lane: submission.lane ?? pickLane(estimate.seconds, await dependencies.laneGate.thresholds()),
    priority: submission.priority,
    code: submission.code,
    handler: submission.handler,
    requirements: submission.requirements,
    inputs: await storeInputs(dependencies, member, id, text),
    files: submission.files,
    labels: submission.labels,
    functionKey,
    inputBytes,
    estimate,
    tier,
    cpu: limits.cpu,
    memoryMb: limits.memoryMb,
    timeoutSeconds: limits.wallSeconds,
    reuse: policy.reuse === 'never' ? 'never' : submission.reuse,
    sandboxFloor: policy.sandboxFloor,
    restrictedPython: policy.prechecks.restrictedPython,
    warnings: warnings.slice(0, MAX_KEPT_WARNINGS),
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
