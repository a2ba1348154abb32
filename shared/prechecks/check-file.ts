import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs'
import { isFromPackage, isImportAllowed } from './allowed-imports.ts'
import { checkNesting } from './check-nesting.ts'
import { findImports, type Import } from './find-imports.ts'
import { type Finding, refuse, type SourceFile } from './finding.ts'
import type { PrecheckPolicy } from './policy.ts'
import { readTokens } from './read-tokens.ts'
import { fixFor } from './rule-fixes.ts'
import { levelOf } from './rule-levels.ts'
import { SourceText } from './source-text.ts'
import { REFUSED_STANDARD_IMPORTS } from './standard-library.ts'

export type CheckContext = {
  policy: Pick<PrecheckPolicy, 'security' | 'rules' | 'imports' | 'denyImports'>
  /** Modules that may be imported: the standard list, the environment's, the task's own files. */
  allowed: readonly string[]
  /** Which packages there will be is not known yet: none is refused for its absence. */
  anyPackage: boolean
  /** The Python to check against, such as `py311`. */
  target: string
}

type Diagnostic = { code: string | null; message: string; start_location: { row: number; column: number } }

/** `S`: Bandit's rules. `F7`: what the compiler refuses although it parses. `PLE25`: characters that make code look like other code. */
const SELECTED = ['S', 'F7', 'PLE25']
const CORRECT_SYNTAX = 'Correct the syntax here; Python would stop at it too.'
const SYNTAX = /^(invalid-syntax|F7\d\d)$/

/**
 * PEP 263: a comment in the first line, or in the second one after a comment or nothing, may change how Python reads the
 * rest. What is checked must be what runs.
 */
const ENCODING = /^(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)/
const UTF8 = /^(utf-?8(-.*)?|ascii|us-ascii)$/i

const workspaces = new Map<string, Workspace>()

const openWorkspace = (target: string): Workspace => {
  const open =
    workspaces.get(target) ??
    new Workspace({ 'target-version': target, lint: { select: SELECTED } }, PositionEncoding.Utf32)
  workspaces.set(target, open)
  return open
}

const checkEncoding = ({ path, source }: SourceFile): Finding[] => {
  const declared = ENCODING.exec(source)?.[1]
  if (declared !== undefined && !UTF8.test(declared.replaceAll('_', '-'))) {
    const message = `The source declares the encoding ${declared}`
    return [refuse(path, 'encoding', message, 'Save it as UTF-8 and remove the declaration.')]
  }
  if (source.isWellFormed()) return []
  return [refuse(path, 'encoding', 'The source holds half of a character pair', 'Save it as UTF-8 again.')]
}

const describeImport = ({ modules, text }: Import): Pick<Finding, 'rule' | 'message' | 'fix'> => {
  const name = modules?.[0]?.split('.')[0]
  if (name === undefined) {
    const message = `\`${text}\` imports a module whose name is only known at run time`
    return { rule: 'dynamic-import', message, fix: 'Use an import statement with the name written out.' }
  }
  const fix = REFUSED_STANDARD_IMPORTS.has(name)
    ? 'Do without this part of the standard library, or ask your administrator to allow it.'
    : `Add the package that provides \`${name}\` to the requirements, or ask your administrator to allow it.`
  return { rule: 'import-not-allowed', message: `\`${text}\` is not among the allowed imports`, fix }
}

const checkImports = (
  path: string,
  imports: readonly Import[],
  text: SourceText,
  context: CheckContext,
): Finding[] => {
  const { imports: level, denyImports: denied } = context.policy
  if (level === 'off') return []
  const isAllowed = (module: string) =>
    isImportAllowed(module, context.allowed, denied) ||
    (context.anyPackage && isFromPackage(module) && isImportAllowed(module, [module], denied))
  return imports
    .filter(({ modules }) => modules === undefined || !modules.some(isAllowed))
    .map((found) => ({ file: path, level, ...text.locate(found.offset), ...describeImport(found) }))
}

const toFinding = (path: string, diagnostic: Diagnostic, policy: CheckContext['policy']): Finding[] => {
  const code = diagnostic.code ?? 'invalid-syntax'
  const { row: line, column } = diagnostic.start_location
  const at = { file: path, line, column, message: diagnostic.message.trim() }
  if (SYNTAX.test(code)) return [{ ...at, rule: 'syntax', level: 'error', fix: CORRECT_SYNTAX }]
  const level = code.startsWith('S') ? levelOf(code, policy) : 'error'
  return level === 'off' ? [] : [{ ...at, rule: code, level, fix: fixFor(code) }]
}

/** Checks one file of a source, on the thread that calls it. Findings come in the order of the lines. */
export const checkFile = ({ path, source }: SourceFile, context: CheckContext): Finding[] => {
  // Python drops a byte order mark too.
  const file = { path, source: source.replace(/^\uFEFF/, '') }
  const encoding = checkEncoding(file)
  if (encoding.length > 0) return encoding
  const workspace = openWorkspace(context.target)
  const text = new SourceText(file.source)
  const tokens = readTokens(workspace.tokens(file.source))
  const nesting = checkNesting(path, tokens)
  if (nesting.length > 0) return nesting
  // Comments go before the rules look: they can neither break a rule nor switch one off (`# noqa`).
  const code = text.blank(tokens.filter(({ kind }) => kind === 'Comment'))
  const findings = [
    ...checkImports(file.path, findImports(tokens, text), text, context),
    ...(workspace.check(code) as Diagnostic[]).flatMap((found) =>
      toFinding(file.path, found, context.policy),
    ),
  ]
  return findings.sort((a, b) => a.line - b.line || a.column - b.column)
}
