import type { Environment, Environments, HeldEnvironment } from '../environments/index.ts'
import { PlatformError } from '../errors.ts'
import type { Claim } from './claim-task.ts'
import type { AttemptEnd } from './finish-attempt.ts'

export type AttemptEnvironments = {
  /** What a task without requirements runs in. */
  environment: Environment
  /** Builds the others; absent where no package index is configured. */
  environments: Pick<Environments, 'acquire'> | undefined
}

/** Requirements at fault are the task's own failure; anything else is nobody's, and another worker may do better. */
const toEnd = ({ code, message, faults }: PlatformError): AttemptEnd =>
  code === 'INVALID'
    ? {
        outcome: 'failed',
        failureCode: 'environment_error',
        message: [message, ...faults.map(({ msg }) => msg)].join(' '),
      }
    : {
        outcome: 'failed',
        failureCode: 'sandbox_error',
        message: `The environment could not be built. ${message}`,
      }

/**
 * Runs an attempt in the environment that its requirements name, built now when nobody did yet, and keeps that in place
 * until the attempt has ended.
 *
 * @param signal - aborting it ends a build, and the attempt is cancelled
 */
export const withEnvironment = async (
  { environment, environments }: AttemptEnvironments,
  { requirements }: Pick<Claim, 'requirements'>,
  signal: AbortSignal,
  run: (environment: Environment) => Promise<AttemptEnd>,
): Promise<AttemptEnd> => {
  if (requirements.length === 0) return await run(environment)
  let held: HeldEnvironment
  try {
    if (environments === undefined)
      throw new PlatformError('MISCONFIGURED', 'This worker has no package index: set PACKAGE_INDEX_URL.')
    held = await environments.acquire(requirements, signal)
  } catch (error) {
    if (signal.aborted) return { outcome: 'cancelled' }
    if (error instanceof PlatformError) return toEnd(error)
    throw error
  }
  try {
    return await run(held.environment)
  } finally {
    await held.release()
  }
}
