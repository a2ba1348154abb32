import { isDeepStrictEqual } from 'node:util'
import type { Attack } from './attack.ts'
import type { Observed } from './client.ts'

export type Verdict = {
  /** What happened, in a word or two. */
  observed: string
  /** What is wrong with it; nothing when the platform held. */
  faults: string[]
}

const MEMORY_SLACK_MB = 16
/** For the end of a run, when its processes are killed and its outputs collected. */
const CPU_SLACK_SECONDS = 3
/** What is not UTF-8 becomes a sign of three bytes each. */
const MAX_LOG_BYTES = 3 * 5_242_880 + 200
const CUT_MARK = '[the log was cut here'

type Tries = Record<string, { blocked: boolean; how: string }>

const readTries = ({ result }: Observed): Tries => (result as { tries?: Tries } | undefined)?.tries ?? {}

const findOpenTries = (tries: Tries): string[] => {
  if (Object.keys(tries).length === 0) return ['it tried nothing']
  return Object.entries(tries)
    .filter(([, { blocked }]) => !blocked)
    .map(([name, { how }]) => `${name}: ${how}`)
}

const findFaultsOfEnd = ({ must, says, result }: Attack, observed: Observed): string[] => {
  const outcomes = must.map((wanted) => (wanted === 'blocked' ? 'completed' : wanted))
  if (!outcomes.includes(observed.outcome) || (says !== undefined && !observed.message.includes(says))) {
    const told = [must.join(' or '), says].filter(Boolean).join(', saying ')
    return [`must be ${told}; was ${observed.outcome}: ${observed.message}`]
  }
  if (result !== undefined && !isDeepStrictEqual(observed.result, JSON.parse(result)))
    return [`its result is ${JSON.stringify(observed.result)}`]
  return must.includes('blocked') ? findOpenTries(readTries(observed)) : []
}

/** That no limit was passed on the way. */
const findExcesses = ({ submission, cutsLog }: Attack, { log, attempts }: Observed, ownMemoryMb: number) => {
  const { cpu, memory_mb: memoryMb } = submission.resources
  const [{ wall_seconds: wall, cpu_seconds: used, memory_peak_mb: peakMb } = {}] = attempts
  return [
    attempts.length > 1 && 'it was tried again',
    (used ?? 0) > cpu * ((wall ?? 0) + CPU_SLACK_SECONDS) && `it used ${used} s of processor in ${wall} s`,
    (peakMb ?? 0) > memoryMb + ownMemoryMb + MEMORY_SLACK_MB && `it reached ${peakMb} MB of memory`,
    Buffer.byteLength(log) > MAX_LOG_BYTES && 'its log is longer than the limit',
    cutsLog && !log.includes(CUT_MARK) && 'its log was not cut',
  ].filter((fault) => fault !== false)
}

/**
 * Judges what came of an attack.
 *
 * @param secrets - what it may have got hold of
 * @param ownMemoryMb - what the engine itself may take of a sandbox's memory
 */
export const judge = (
  attack: Attack,
  observed: Observed,
  { secrets, ownMemoryMb }: { secrets: readonly string[]; ownMemoryMb: number },
): Verdict => ({
  observed: attack.must.includes('blocked')
    ? `${Object.keys(readTries(observed)).length} blocked`
    : observed.outcome.replace(/^failed /, ''),
  faults: [
    ...findFaultsOfEnd(attack, observed),
    ...findExcesses(attack, observed, ownMemoryMb),
    ...secrets.filter((secret) => observed.everything.includes(secret)).map(() => 'it got hold of a secret'),
  ],
})
