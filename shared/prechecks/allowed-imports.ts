import type { SourceFile } from './finding.ts'
import type { PrecheckPolicy } from './policy.ts'
import { REFUSED_STANDARD_IMPORTS, STANDARD_IMPORTS } from './standard-library.ts'

/** What an environment offers when the caller does not say: the default one's packages. */
const DEFAULT_MODULES: readonly string[] = ['numpy', 'scipy']

const isWithin = (module: string, entry: string) => module === entry || module.startsWith(`${entry}.`)

/** Whether `module` (dotted) is covered by a list; a refusal of its parent, or of itself, wins over any permission. */
export const isImportAllowed = (
  module: string,
  allowed: Iterable<string>,
  denied: readonly string[] = [],
): boolean => {
  if (denied.some((entry) => isWithin(module, entry))) return false
  for (const entry of allowed) if (isWithin(module, entry)) return true
  return false
}

/** `pkg/part.py` and `pkg.py` are imported as `pkg`. */
const nameModule = ({ path }: SourceFile): string => path.split('/')[0]?.replace(/\.py$/, '') ?? ''

/**
 * Everything that a source may import under a policy, before its refusals. A package or a file of the task that is named
 * like a refused part of the standard library does not open that part.
 */
export const listAllowedImports = (
  files: readonly SourceFile[],
  policy: PrecheckPolicy,
  modules: readonly string[] = DEFAULT_MODULES,
): string[] => {
  const installed = [...modules, ...files.map(nameModule)].filter(
    (name) => !REFUSED_STANDARD_IMPORTS.has(name),
  )
  return [...new Set([...STANDARD_IMPORTS, ...installed, ...policy.allowImports])]
}
