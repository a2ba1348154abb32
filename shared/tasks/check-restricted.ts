import type { Environment } from '../environments/index.ts'
import { checkRestrictedPython } from '../prechecks/index.ts'
import { limitsFor, type Sandboxes } from '../sandbox/index.ts'
import type { Claim } from './claim-task.ts'
import type { AttemptEnd } from './finish-attempt.ts'

/** What compiling may take, whatever the task itself asks for. */
const LIMITS = limitsFor({ tier: 'nano', wallSeconds: 30 })
const SOURCE_NAME = 'main.py'

/**
 * Compiles a claimed task's code with RestrictedPython, where its tenant's policy asks for it and its environment has it.
 *
 * @returns the attempt's end when it was refused or cancelled, else nothing: it may run
 */
export const checkRestricted = async (
  { code, restrictedPython, tenantId }: Pick<Claim, 'code' | 'restrictedPython' | 'tenantId'>,
  environment: Environment,
  sandboxes: Sandboxes,
  signal: AbortSignal,
): Promise<AttemptEnd | undefined> => {
  if (!restrictedPython) return undefined
  const files = [{ path: SOURCE_NAME, source: code }]
  const options = { sandboxes, environment, limits: LIMITS, tenantId, signal }
  const findings = await checkRestrictedPython(files, options)
  if (signal.aborted) return { outcome: 'cancelled' }
  if (findings.length === 0) return undefined
  const reasons = findings.map(({ file, line, message }) => `${file}:${line} ${message}`).join('; ')
  const message = `RestrictedPython refused the code: ${reasons}`
  return {
    outcome: 'failed',
    failureCode: 'user_error',
    message,
    error: JSON.stringify({ type: 'RestrictedPython', error: message, findings }),
  }
}
