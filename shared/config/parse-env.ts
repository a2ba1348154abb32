import type { z } from 'zod'
import { PlatformError } from '../errors.ts'

/**
 * Reads a process's configuration. An empty variable counts as absent, so that its default holds.
 *
 * @throws `MISCONFIGURED` naming every faulty variable at once, and never a value: it may be a secret
 */
export const parseEnv = <S extends z.ZodType>(
  schema: S,
  variables: Record<string, string | undefined>,
): z.infer<S> => {
  const present = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = schema.safeParse(present)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`,
  )
  throw new PlatformError('MISCONFIGURED', `The configuration is not valid.\n  ${faults.join('\n  ')}`)
}
