import type { SourceFile } from './finding.ts'
import type { PrecheckPolicy } from './policy.ts'
import { REFUSED_STANDARD_IMPORTS, STANDARD_IMPORTS } from './standard-library.ts'

/** What a source will run in, as far as it is known. Without modules it is the default environment. */
export type CheckedEnvironment = {
  /** Top-level modules; `unknown` before it was built: then every name that is not the standard library's may be one. */
  modules?: readonly string[] | 'unknown'
  python?: string
}

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

const STANDARD_PACKAGES: ReadonlySet<string> = new Set(
  STANDARD_IMPORTS.map((name) => name.split('.')[0] ?? name),
)

/** Whether `module` (dotted) can only come from a package. */
export const isFromPackage = (module: string): boolean => {
  const name = module.split('.')[0] ?? module
  return !REFUSED_STANDARD_IMPORTS.has(name) && !STANDARD_PACKAGES.has(name)
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
  modules: readonly string[] | 'unknown' = DEFAULT_MODULES,
): string[] => {
  const installed = [...(modules === 'unknown' ? [] : modules), ...files.map(nameModule)].filter(
    (name) => !REFUSED_STANDARD_IMPORTS.has(name),
  )
  return [...new Set([...STANDARD_IMPORTS, ...installed, ...policy.allowImports])]
}
