import { constants } from 'node:os'
import type { CgroupCounters } from './cgroup.ts'
import type { Report } from './collect.ts'
import type { Limits, RunOutcome, SandboxFailureCode, Usage } from './port.ts'

/** All that is known of a run once it is over. */
export type Facts = {
  limits: Limits
  before: Omit<CgroupCounters, 'memoryPeakMb'>
  after?: CgroupCounters
  /** What the sandbox used before its first run. */
  blankMb: number
  ownMemoryMb: number
  wallSeconds: number
  stderrTail: string
  report?: Report
  result?: { text: string } | { fault: string }
  /** What went wrong with the sandbox itself. */
  fault?: string
  /** The sandbox failed to end the run, and was ended. */
  overdue?: boolean
  cancelled?: boolean
}

type Failure = { failureCode: SandboxFailureCode; message: string; error?: string }

const SIGNAL_REASONS: Record<string, string> = {
  SIGSEGV: ', a crash in native code',
  SIGBUS: ', a crash in native code',
  SIGILL: ', a crash in native code',
  SIGFPE: ', a crash in native code',
  SIGABRT: ', an abort in native code',
}

const nameSignal = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`

/** What the sandbox itself takes is not the run's, nor what it still holds of earlier ones (gVisor does, for seconds). */
const measureMemory = ({ before, after, report, blankMb, ownMemoryMb }: Facts): number => {
  const notTheRunsMb = Math.max(0, before.memoryMb - blankMb) + Math.min(ownMemoryMb, blankMb)
  return Math.max((after?.memoryPeakMb ?? 0) - notTheRunsMb, report?.memoryPeakMb ?? 0)
}

const measureUsage = (facts: Facts): Usage => ({
  wallSeconds: Math.min(facts.report?.wallSeconds ?? facts.wallSeconds, facts.wallSeconds),
  cpuSeconds: Math.max(0, (facts.after ?? facts.before).cpuSeconds - facts.before.cpuSeconds),
  memoryPeakMb: measureMemory(facts),
})

const failByLimit = (facts: Facts): Failure | undefined => {
  const { limits, report, before, after } = facts
  if (report?.ended === 'timeout' || (facts.overdue && facts.wallSeconds >= limits.wallSeconds))
    return {
      failureCode: 'timeout',
      message: `the task was stopped after ${facts.wallSeconds.toFixed(1)} s: its limit is ${limits.wallSeconds} s`,
    }
  const peakMb = Math.round(measureUsage(facts).memoryPeakMb)
  if (after !== undefined && after.oomKills > before.oomKills)
    return {
      failureCode: 'out_of_memory',
      message: `the task ran out of memory: it reached ${peakMb} MB, its limit is ${limits.memoryMb} MB`,
    }
  return undefined
}

/** A task whose files fill their place fails for that, whatever it makes of it. */
const failByFullDisk = ({ report, limits }: Facts): Failure | undefined => {
  const full =
    report?.verdict?.code === 'user_error' || report?.verdict === undefined ? report?.full[0] : undefined
  if (full === 'output')
    return {
      failureCode: 'output_too_large',
      message: `the outputs filled their ${limits.outputMb} MB`,
    }
  return full === 'scratch'
    ? { failureCode: 'disk_full', message: `/tmp and /workspace/scratch filled their ${limits.scratchMb} MB` }
    : undefined
}

const failByEnd = ({ report, stderrTail }: Facts): Failure => {
  const status = report?.exitStatus ?? 0
  if (nameSignal(-status) === 'SIGXFSZ')
    return { failureCode: 'disk_full', message: 'a file grew past the limit of a file’s size' }
  const name = nameSignal(-status)
  const how =
    status < 0
      ? `the code was ended by ${name}${SIGNAL_REASONS[name] ?? ''}`
      : `the code ended its process (exit status ${status}) before the function returned`
  const said = stderrTail.trim().split('\n').slice(-5).join('\n')
  return { failureCode: 'user_error', message: said === '' ? how : `${how}; it last said: ${said}` }
}

const explain = (facts: Facts): Failure => {
  const { report, result, limits, before, after } = facts
  const byLimit = failByLimit(facts)
  if (byLimit !== undefined) return byLimit
  if (result !== undefined && 'fault' in result)
    return { failureCode: 'invalid_output', message: result.fault }
  if (report === undefined || facts.fault !== undefined)
    return {
      failureCode: 'sandbox_error',
      message: 'the sandbox failed; nothing is known to be wrong with the task',
    }
  if (report.refused !== undefined)
    return { failureCode: report.refused.code, message: report.refused.message }
  const error = report.verdict?.error ?? report.error
  const failure = failByFullDisk(facts) ?? (report.verdict ? failByVerdict(report.verdict) : failByEnd(facts))
  const refusedProcess = after !== undefined && after.pidsRefused > before.pidsRefused
  const message = refusedProcess
    ? `${failure.message} (the limit of ${limits.pids} processes was reached)`
    : failure.message
  return { failureCode: failure.failureCode, message, ...(error === undefined ? {} : { error }) }
}

const failByVerdict = ({ code, message }: NonNullable<Report['verdict']>): Failure => ({
  failureCode: code,
  message,
})

/** Says what came of a run; of several reasons to have failed, the one that explains the others. */
export const decideOutcome = (facts: Facts): RunOutcome => {
  const usage = measureUsage(facts)
  const { report, result } = facts
  if (result !== undefined && 'text' in result && facts.fault === undefined)
    return { status: 'completed', result: result.text, usage }
  if (report === undefined ? facts.cancelled : report.ended === 'cancelled')
    return { status: 'cancelled', usage }
  return { status: 'failed', ...explain(facts), usage }
}
