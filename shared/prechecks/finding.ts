import type { Fault } from '../errors.ts'

/** One thing that a check found in a source, where it is (1-based, columns in characters) and how to fix it. */
export type Finding = {
  file: string
  line: number
  column: number
  /** A Ruff rule such as `S102`, or one of our own such as `import-not-allowed`. */
  rule: string
  level: 'warning' | 'error'
  message: string
  fix: string
}

/** A file of a package, or inline code under the name its tracebacks will show. */
export type SourceFile = { path: string; source: string }

/** A finding about a whole file, which refuses it. */
export const refuse = (file: string, rule: string, message: string, fix: string): Finding => {
  return { file, line: 1, column: 1, rule, level: 'error', message, fix }
}

/** What the API answers for findings: a fault each, at `['body', 'code', file, line, column]`. */
export const toFaults = (findings: readonly Finding[], at: (string | number)[] = ['body', 'code']): Fault[] =>
  findings.map(({ file, line, column, rule, message, fix }) => ({
    loc: [...at, file, line, column],
    msg: `${file}:${line}:${column} ${rule}: ${message}. ${fix}`,
    type: rule,
  }))
