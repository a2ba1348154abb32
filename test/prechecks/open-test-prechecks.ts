import { afterAll } from 'vitest'
import {
  openPrechecks,
  PrecheckPolicy,
  type PrechecksConfig,
  type Verdict,
} from '../../shared/prechecks/index.ts'

export type PolicyInput = Parameters<typeof PrecheckPolicy.parse>[0]

/** Checks for the tests of one file, closed after its last. */
export const openTestPrechecks = (config: Partial<PrechecksConfig> = {}) => {
  const prechecks = openPrechecks(config)
  afterAll(() => prechecks.close())
  return {
    check: (source: Parameters<typeof prechecks.check>[0], policy: PolicyInput = {}): Promise<Verdict> =>
      prechecks.check(source, PrecheckPolicy.parse(policy)),
    prechecks,
  }
}

/** `rule line:column` of findings: what most tests are about. */
export const summarize = ({ errors, warnings }: Verdict): string[] =>
  [...errors, ...warnings].map(({ rule, line, column }) => `${rule} ${line}:${column}`)
