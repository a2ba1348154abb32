import { type Finding, refuse } from './finding.ts'
import type { Token } from './read-tokens.ts'

/** Where CPython itself gives up; Ruff would go on until its stack ends. */
const MAX_BRACKETS = 200
const MAX_BLOCKS = 100

const STEPS: Readonly<Record<string, { what: 'brackets' | 'blocks'; by: number }>> = {
  Lpar: { what: 'brackets', by: 1 },
  Lsqb: { what: 'brackets', by: 1 },
  Lbrace: { what: 'brackets', by: 1 },
  Rpar: { what: 'brackets', by: -1 },
  Rsqb: { what: 'brackets', by: -1 },
  Rbrace: { what: 'brackets', by: -1 },
  Indent: { what: 'blocks', by: 1 },
  Dedent: { what: 'blocks', by: -1 },
}

/** Refuses a file that no Python reads, because of its depth. */
export const checkNesting = (path: string, tokens: readonly Token[]): Finding[] => {
  const depth = { brackets: 0, blocks: 0 }
  const deepest = { brackets: 0, blocks: 0 }
  for (const { kind } of tokens) {
    const step = STEPS[kind]
    if (step === undefined) continue
    depth[step.what] += step.by
    deepest[step.what] = Math.max(deepest[step.what], depth[step.what])
  }
  if (deepest.brackets <= MAX_BRACKETS && deepest.blocks < MAX_BLOCKS) return []
  const message = `The file nests ${deepest.brackets} brackets and ${deepest.blocks} blocks; Python reads ${MAX_BRACKETS} and ${MAX_BLOCKS - 1}`
  return [refuse(path, 'too-complex', message, 'Give the inner parts a name of their own.')]
}
