import { randomUUID } from 'node:crypto'
import type { Environment } from '../environments/index.ts'
import type { Limits, Sandboxes } from '../sandbox/index.ts'
import type { Finding, SourceFile } from './finding.ts'

export type RestrictedCheck = {
  /** The compiler reads hostile source with CPython's own parser, so it runs where hostile code runs. */
  sandboxes: Pick<Sandboxes, 'run'>
  environment: Environment
  limits: Limits
  tenantId: string
  signal: AbortSignal
}

const SOURCE = `
from RestrictedPython import compile_restricted_exec

def check(files):
    return {"errors": [[file["path"], error] for file in files
                       for error in compile_restricted_exec(file["source"], file["path"]).errors]}
`

const PLACED = /^Line (\d+): (.*)$/s

const toFinding = (file: string, error: string): Finding => {
  const [, line = '1', message = error] = PLACED.exec(error) ?? []
  const fix = 'Write it without this construct; RestrictedPython documents what it allows.'
  return { file, line: Number(line), column: 1, rule: 'restricted-python', level: 'error', message, fix }
}

/**
 * Compiles a source with RestrictedPython, inside a sandbox, where its environment has that package (elsewhere it finds
 * nothing). For tenants whose policy says `restrictedPython`; the code that runs afterwards is the ordinary one.
 */
export const checkRestrictedPython = async (
  files: readonly SourceFile[],
  { sandboxes, environment, limits, tenantId, signal }: RestrictedCheck,
): Promise<Finding[]> => {
  if (!environment.modules.includes('RestrictedPython')) return []
  const outcome = await sandboxes.run(
    {
      tenantId,
      runId: `precheck-${randomUUID()}`,
      environment,
      limits,
      reuse: 'tenant',
      source: SOURCE,
      handler: 'check',
      inputs: JSON.stringify({ files }),
      files: [],
    },
    { log: () => undefined, progress: () => undefined, file: async () => undefined },
    signal,
  )
  if (outcome.status !== 'completed') {
    const reason = outcome.status === 'failed' ? outcome.message : 'it was cancelled'
    return [toFinding(files[0]?.path ?? '', `RestrictedPython could not check the source: ${reason}`)]
  }
  const { errors } = JSON.parse(outcome.result) as { errors: [string, string][] }
  return errors.map(([file, error]) => toFinding(file, error))
}
