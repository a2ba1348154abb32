import type { Sql } from '../../../../shared/database/index.ts'
import { checkRequirements } from '../../../../shared/environments/index.ts'
import { type Fault, PlatformError } from '../../../../shared/errors.ts'
import type { Policy } from '../../../../shared/policies/index.ts'
import { type Finding, toFaults } from '../../../../shared/prechecks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'
import type { GatewayDependencies } from '../../app.ts'
import type { Submission } from './submission.ts'

const findTextFaults = ({ code, files, inputs }: Submission): Fault[] => {
  const faults: Fault[] = []
  if (code.includes('\u0000')) {
    faults.push({
      loc: ['body', 'code'],
      msg: 'Python source holds no NUL character',
      type: 'invalid_source',
    })
  }
  for (const port of Object.keys(files)) {
    if (!Object.hasOwn(inputs, port)) continue
    faults.push({
      loc: ['body', 'files', port],
      msg: 'given both as an input and as a file',
      type: 'duplicate_argument',
    })
  }
  return faults
}

const findRequirementFaults = (lines: readonly string[], maxRequirements: number | undefined): Fault[] => {
  if (lines.length === 0) return []
  if (maxRequirements === undefined) {
    const msg =
      'this installation builds no environments: leave requirements out (NumPy and SciPy are there without), or ' +
      'ask its operator for a package index'
    return [{ loc: ['body', 'requirements'], msg, type: 'no_environments' }]
  }
  const { faults } = checkRequirements(lines, maxRequirements)
  return faults.map((fault) => ({ ...fault, loc: ['body', ...fault.loc] }))
}

const checkUploads = async (
  sql: Sql,
  member: Member,
  files: Record<string, string>,
): Promise<{ faults: Fault[]; bytes: number }> => {
  const ids = Object.values(files)
  if (ids.length === 0) return { faults: [], bytes: 0 }
  const rows = await sql<{ id: string; bytes: number }[]>`
    select id, size_bytes::double precision as bytes from uploads where tenant_id = ${member.tenantId} and id in ${sql(ids)} and expires_at > now()`
  const known = new Set(rows.map(({ id }) => id))
  const faults = Object.entries(files)
    .filter(([, id]) => !known.has(id))
    .map(([port, id]) => ({
      loc: ['body', 'files', port],
      msg: `there is no upload ${id}`,
      type: 'unknown_upload',
    }))
  return { faults, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) }
}

const MAX_REASONS = 5

/** The first reasons in words; all of them are in the problem's `errors`. */
const summarize = (faults: readonly Fault[]): string => {
  const reasons = faults.slice(0, MAX_REASONS).map(({ msg }) => msg)
  const rest = faults.length - reasons.length
  return [...reasons, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ')
}

/** Which packages there will be is known once the environment is built, by the worker. */
const environmentOf = ({ requirements }: Submission) =>
  requirements.length === 0 ? {} : { modules: 'unknown' as const }

/**
 * Looks at what a schema cannot see, the source included, which is held to its tenant's policy.
 *
 * @returns what the source is warned of, and the size of the input files
 * @throws {PlatformError} `TOO_LARGE`, or `INVALID` with every fault at once
 */
export const checkSubmission = async (
  { sql, prechecks, limits }: GatewayDependencies,
  member: Member,
  policy: Policy,
  submission: Submission,
): Promise<{ warnings: Finding[]; uploadedBytes: number }> => {
  const codeBytes = Buffer.byteLength(submission.code)
  if (codeBytes > limits.maxCodeBytes) {
    throw new PlatformError(
      'TOO_LARGE',
      `code has ${codeBytes} bytes, the limit is ${limits.maxCodeBytes}: publish a package instead.`,
    )
  }
  const [uploads, { errors, warnings }] = await Promise.all([
    checkUploads(sql, member, submission.files),
    prechecks.check(submission.code, policy.prechecks, environmentOf(submission)),
  ])
  const faults = [
    ...findTextFaults(submission),
    ...findRequirementFaults(submission.requirements, limits.maxRequirements),
    ...uploads.faults,
    ...toFaults(errors),
  ]
  if (faults.length === 0) return { warnings, uploadedBytes: uploads.bytes }
  throw new PlatformError('INVALID', `The submission is not valid: ${summarize(faults)}`, { faults })
}
