import { createHash } from 'node:crypto'
import { type CheckedEnvironment, listAllowedImports } from './allowed-imports.ts'
import type { CheckContext } from './check-file.ts'
import { checkSizes } from './check-sizes.ts'
import { CheckerThreads, type CheckResult } from './checker-threads.ts'
import { type PrechecksConfig, prechecksConfigSchema } from './config.ts'
import { type Finding, refuse, type SourceFile } from './finding.ts'
import { FindingsCache } from './findings-cache.ts'
import type { PrecheckPolicy } from './policy.ts'

/** `errors` refuse the source, `warnings` go along with it. */
export type Verdict = { errors: Finding[]; warnings: Finding[] }

export type Prechecks = {
  /**
   * Checks a source (inline code, or a package's Python files) before it runs.
   *
   * @param environment - what it will run in; its modules may be imported, its Python decides about syntax (where that is
   *   not known, the newest one does, and the one that runs it has the last word)
   * @throws {PlatformError} `UNAVAILABLE` when too many sources wait
   */
  check(
    source: string | readonly SourceFile[],
    policy: PrecheckPolicy,
    environment?: CheckedEnvironment,
  ): Promise<Verdict>
  close(): Promise<void>
}

/** What inline code is called in findings. */
const INLINE_PATH = 'main.py'

const NEWEST_KNOWN = 14

/** `/opt/python/bin/python3.11` checks as `py311`; a Python that Ruff does not know yet as the newest it does. */
const targetOf = (python = ''): string => {
  const minor = Number(/python3\.(\d+)$/.exec(python)?.[1] ?? NEWEST_KNOWN)
  return `py3${Math.min(minor, NEWEST_KNOWN)}`
}

/** A file that could not be checked is refused, whatever the reason. */
const toFindings = (path: string, result: CheckResult, limitMs: number): Finding[] => {
  if (typeof result !== 'string') return result
  const split = 'Simplify the longest expressions, or split the file.'
  return result === 'timeout'
    ? [refuse(path, 'check-timeout', `The file took more than ${limitMs} ms to check`, split)]
    : [refuse(path, 'too-complex', 'The file is nested too deeply to be checked', split)]
}

/**
 * Opens the checks that a source passes before it runs: sizes, syntax, imports, and Ruff's security rules.
 *
 * @example
 * const prechecks = openPrechecks()
 * const { errors } = await prechecks.check(code, PrecheckPolicy.parse({}))
 * if (errors.length > 0) throw new PlatformError('INVALID', 'The code was refused.', { faults: toFaults(errors) })
 */
export const openPrechecks = (written: Partial<PrechecksConfig> = {}): Prechecks => {
  const config = prechecksConfigSchema.parse(written)
  const threads = new CheckerThreads(config)
  const cache = new FindingsCache(config.cacheEntries)

  const checkOne = async (file: SourceFile, context: CheckContext): Promise<Finding[]> => {
    const key = createHash('sha256')
      .update(JSON.stringify([context, file]))
      .digest('base64')
    const known = cache.get(key)
    if (known !== undefined) return known
    const result = await threads.check({ file, context })
    const findings = toFindings(file.path, result, config.fileTimeoutMs)
    // A timeout may be the fault of a busy host; anything else would end the same way again.
    if (result !== 'timeout') cache.set(key, findings)
    return findings
  }

  const checkAll = async (files: readonly SourceFile[], context: CheckContext): Promise<Finding[]> => {
    const deadline = performance.now() + config.timeoutMs
    const findings: Finding[] = []
    for (const file of files) {
      if (performance.now() > deadline)
        return [...findings, ...toFindings(file.path, 'timeout', config.timeoutMs)]
      const found = await checkOne(file, context)
      findings.push(...found)
      // A file that broke its thread is enough: the next one might too.
      if (found.some(({ rule }) => rule === 'check-timeout' || rule === 'too-complex')) return findings
    }
    return findings
  }

  const shorten = (findings: Finding[]): Finding[] => {
    const { maxFindings } = config
    if (findings.length <= maxFindings) return findings
    const rest = findings.slice(maxFindings)
    const message = `There are ${rest.length} findings more`
    const more = refuse(rest[0]?.file ?? '', 'too-many-findings', message, 'Correct the ones above first.')
    const level = rest.some((finding) => finding.level === 'error') ? 'error' : 'warning'
    return [...findings.slice(0, maxFindings), { ...more, level }]
  }

  return {
    async check(source, policy, environment) {
      const files = typeof source === 'string' ? [{ path: INLINE_PATH, source }] : source
      const { security, rules, imports, denyImports } = policy
      const allowed = listAllowedImports(files, policy, environment?.modules)
      const context = {
        policy: { security, rules, imports, denyImports },
        allowed,
        anyPackage: environment?.modules === 'unknown',
        target: targetOf(environment?.python),
      }
      const sizes = checkSizes(files, policy)
      const findings = shorten(sizes.length > 0 ? sizes : await checkAll(files, context))
      return {
        errors: findings.filter(({ level }) => level === 'error'),
        warnings: findings.filter(({ level }) => level === 'warning'),
      }
    },
    close: () => threads.close(),
  }
}
