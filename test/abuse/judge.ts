import { isDeepStrictEqual } from 'node:util'
import type { Attack } from './attack.ts'
import type { Observed } from './client.ts'

const MEMORY_SLACK_MB = 16
/** What is not UTF-8 becomes a sign of three bytes each. */
const MAX_LOG_BYTES = 3 * 5_242_880 + 200
const CUT_MARK = '[the log was cut here'

type Tries = Record<string, { blocked: boolean; how: string }>

const listOpenTries = (result: unknown): string[] => {
  const tries = (result as { tries?: Tries } | undefined)?.tries ?? {}
  if (Object.keys(tries).length === 0) return ['it tried nothing']
  return Object.entries(tries)
    .filter(([, { blocked }]) => !blocked)
    .map(([name, { how }]) => `${name}: ${how}`)
}

const isAsTold = ({ must, says }: Attack, { outcome, message }: Observed): boolean =>
  must.map((wanted) => (wanted === 'blocked' ? 'completed' : wanted)).includes(outcome) &&
  (says === undefined || message.includes(says))

/** What is wrong with what came of an attack; nothing when the platform held. */
export const findFaults = (attack: Attack, observed: Observed, secrets: readonly string[]): string[] => {
  const { memory_mb: memoryMb } = attack.submission['resources'] as { memory_mb: number }
  const faults: string[] = []
  if (!isAsTold(attack, observed)) {
    const told = [attack.must.join(' or '), attack.says].filter(Boolean).join(', saying ')
    faults.push(`must be ${told}; was ${observed.outcome}: ${observed.message}`)
  } else if (attack.must.includes('blocked')) {
    faults.push(...listOpenTries(observed.result))
  }
  if (attack.result !== undefined && !isDeepStrictEqual(observed.result, JSON.parse(attack.result)))
    faults.push(`its result is ${JSON.stringify(observed.result)}`)
  if (attack.cutsLog !== observed.log.includes(CUT_MARK))
    faults.push('the log was cut, or not, against the rule')
  if (Buffer.byteLength(observed.log) > MAX_LOG_BYTES) faults.push('the log is longer than its limit')
  if (observed.attempts.length > 1) faults.push('it was tried again')
  const memoryPeakMb = observed.attempts[0]?.memory_peak_mb ?? 0
  if (memoryPeakMb > memoryMb + MEMORY_SLACK_MB) faults.push(`it reached ${memoryPeakMb} MB of memory`)
  if (secrets.some((secret) => observed.everything.includes(secret))) faults.push('it got hold of a secret')
  return faults
}
