import { text } from 'node:stream/consumers'
import { isDatabaseAway, persist, type Sql } from '../database/index.ts'
import type { Environment } from '../environments/index.ts'
import { PlatformError } from '../errors.ts'
import { JsonSyntaxError, scanJson } from '../json/index.ts'
import { type InputFile, limitsFor, type RunOutcome, type RunSpec, type Sandboxes } from '../sandbox/index.ts'
import { attemptKey, type ObjectStore } from '../storage/index.ts'
import { checkRestricted } from './check-restricted.ts'
import { type Claim, confirmClaim } from './claim-task.ts'
import type { AttemptEnd } from './finish-attempt.ts'
import { createLogWriter } from './log-writer.ts'
import { createProgressWriter } from './progress-writer.ts'
import { formatLog } from './read-log.ts'
import type { StoredArtifact } from './read-tasks.ts'
import { appendLog, recordProgress } from './record-progress.ts'
import { type AttemptEnvironments, withEnvironment } from './with-environment.ts'

export type AttemptDependencies = AttemptEnvironments & {
  /** Its commits are on disk when they are answered. */
  sql: Sql
  store: Pick<ObjectStore, 'get' | 'put'>
  sandboxes: Sandboxes
  /** A result or log up to this size lies in the database, a longer one in the object store. */
  maxInlineBytes: number
  maxJsonDepth: number
}

/** A name that the task gave to a file and that no store may hold: the task's fault, and no reason to try again. */
class UnfitFileName extends Error {}

const outputKey = (claim: Claim, kind: 'output' | 'artifact', name: string): string => {
  try {
    return kind === 'output'
      ? attemptKey(claim, 'outputs', `files/${name}`)
      : attemptKey(claim, 'artifacts', name)
  } catch (cause) {
    throw new UnfitFileName((cause as Error).message, { cause })
  }
}

const describeRefusal = (error: unknown): AttemptEnd => {
  if (!(error instanceof UnfitFileName)) throw error
  return { outcome: 'failed', failureCode: 'invalid_output', message: error.message }
}

type UploadRow = { id: string; filename: string; objectKey: string; sizeBytes: string }

const findInputFiles = async ({ sql, store }: AttemptDependencies, claim: Claim): Promise<InputFile[]> => {
  const ports = Object.entries(claim.files)
  if (ports.length === 0) return []
  const uploads = await sql<UploadRow[]>`
    select id, filename, object_key as "objectKey", size_bytes as "sizeBytes"
    from uploads
    where tenant_id = ${claim.tenantId} and id in ${sql(ports.map(([, id]) => id))}`
  return ports.map(([port, id]) => {
    const upload = uploads.find((row) => row.id === id)
    if (!upload)
      throw new PlatformError('NOT_FOUND', `The uploaded file for "${port}" has expired: upload it again.`)
    return {
      port,
      extension: /\.([A-Za-z0-9]{1,16})$/.exec(upload.filename)?.[1]?.toLowerCase() ?? 'bin',
      sizeBytes: Number(upload.sizeBytes),
      open: async () => {
        const object = await store.get(upload.objectKey)
        if (!object)
          throw new PlatformError(
            'NOT_FOUND',
            `The uploaded file for "${port}" has expired: upload it again.`,
          )
        return object.body
      },
    }
  })
}

const readInputs = async ({ store }: AttemptDependencies, claim: Claim): Promise<string> => {
  if (claim.inputs !== null) return claim.inputs
  const object = claim.inputsObjectKey === null ? undefined : await store.get(claim.inputsObjectKey)
  if (!object) throw new PlatformError('NOT_FOUND', 'The inputs of this task are gone.')
  return await text(object.body)
}

const storeResult = async (
  { store, maxInlineBytes, maxJsonDepth }: AttemptDependencies,
  claim: Claim,
  result: string,
) => {
  scanJson(result, { maxDepth: maxJsonDepth })
  const sizeBytes = Buffer.byteLength(result)
  if (sizeBytes <= maxInlineBytes) return { text: result, sizeBytes }
  const objectKey = attemptKey(claim, 'outputs', 'result.json')
  await store.put(objectKey, result, { contentType: 'application/json' })
  return { objectKey, sizeBytes }
}

const describeEnd = async (
  dependencies: AttemptDependencies,
  claim: Claim,
  outcome: RunOutcome,
  artifacts: StoredArtifact[],
): Promise<AttemptEnd> => {
  const { usage } = outcome
  switch (outcome.status) {
    case 'completed':
      try {
        const result = await storeResult(dependencies, claim, outcome.result)
        return { outcome: 'completed', usage, result, artifacts }
      } catch (error) {
        if (!(error instanceof JsonSyntaxError)) throw error
        const place = error.path.length === 0 ? '' : ` (at ${error.path.slice(0, 20).join('.')})`
        return {
          outcome: 'failed',
          usage,
          failureCode: 'invalid_output',
          message: `The result is not valid: ${error.message}${place}.`,
        }
      }
    case 'failed': {
      const { failureCode, message, error } = outcome
      return { outcome: 'failed', usage, failureCode, message, ...(error !== undefined && { error }) }
    }
    case 'cancelled':
      return { outcome: 'cancelled', usage }
  }
}

/** Confirms the claim, once, before what must not happen twice under one attempt's number. */
const createConfirm = ({ sql }: AttemptDependencies, claim: Claim, signal: AbortSignal) => {
  let confirming: Promise<boolean> | undefined
  return async () => {
    confirming ??= persist(
      () => confirmClaim(sql, claim),
      (error) => isDatabaseAway(error) && !signal.aborted,
    )
    if (!(await confirming)) throw new Error('the claim was taken away or forgotten')
  }
}

const runIn = async (
  environment: Environment,
  given: AttemptDependencies,
  claim: Claim,
  signal: AbortSignal,
): Promise<AttemptEnd> => {
  const { sql, sandboxes, maxInlineBytes } = given
  const confirm = createConfirm(given, claim, signal)
  // Objects lie under the attempt's number, which must be nobody else's by then.
  const put: ObjectStore['put'] = async (...object) => {
    await confirm()
    return await given.store.put(...object)
  }
  const store = { get: given.store.get, put }
  const dependencies = { ...given, store }
  const artifacts: StoredArtifact[] = []
  const log = createLogWriter((chunks) => appendLog(sql, claim, chunks))
  const progress = createProgressWriter((text) => recordProgress(sql, claim, text))
  try {
    if (!claim.repeatable) await confirm()
    const refused = await checkRestricted(claim, environment, sandboxes, signal)
    if (refused !== undefined) return refused
    const spec: RunSpec = {
      tenantId: claim.tenantId,
      runId: `${claim.taskId}.${claim.attempt}`,
      environment,
      limits: limitsFor({ cpu: claim.cpu, memoryMb: claim.memoryMb, wallSeconds: claim.timeoutSeconds }),
      reuse: claim.reuse,
      source: claim.code,
      handler: claim.handler,
      inputs: await readInputs(dependencies, claim),
      files: await findInputFiles(dependencies, claim),
    }
    const running = sandboxes.run(
      spec,
      {
        log: log.write,
        progress: progress.write,
        file: async ({ kind, name }, content) => {
          const objectKey = outputKey(claim, kind, name)
          const stored = await store.put(objectKey, content, { contentType: 'application/octet-stream' })
          artifacts.push({ kind, name, objectKey, ...stored })
        },
      },
      signal,
    )
    const end = await running.then(
      (outcome) => describeEnd(dependencies, claim, outcome, artifacts),
      describeRefusal,
    )
    const { chunks, flushed } = await log.close()
    const text = formatLog(chunks)
    if (Buffer.byteLength(text) <= maxInlineBytes) return { ...end, log: { chunks: chunks.slice(flushed) } }
    const objectKey = attemptKey(claim, 'logs', 'log.ndjson')
    await store.put(objectKey, text, { contentType: 'application/x-ndjson' })
    return { ...end, log: { objectKey } }
  } finally {
    await progress.close()
    await log.close()
  }
}

/**
 * Runs a claimed attempt in a sandbox, in the environment it asks for: fetches its inputs, streams its log and progress, stores its result, files and
 * log. Tells how it ended; to write that down is the caller's, who holds the lease.
 *
 * @param signal - aborting it stops the run: SIGTERM, the grace, SIGKILL
 * @throws what the platform itself met (database or store away); the attempt is then nobody's fault
 */
export const runAttempt = (
  dependencies: AttemptDependencies,
  claim: Claim,
  signal: AbortSignal,
): Promise<AttemptEnd> =>
  withEnvironment(dependencies, claim, signal, (environment) =>
    runIn(environment, dependencies, claim, signal),
  )
