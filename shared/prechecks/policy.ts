import { z } from 'zod'
import { LEVELS } from './rule-levels.ts'

const Level = z.enum(LEVELS)
const ModuleName = z
  .string()
  .regex(/^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u, 'a dotted module name')
const RuleCode = z.string().regex(/^S\d{3,4}$/, 'a Ruff security rule such as S102')

/** What a tenant's sources are held to before they run; everything has a default, and every limit is a positive number. */
export const PrecheckPolicy = z.strictObject({
  /** Ruff's Bandit rules that have no level of their own in `rules` or in the defaults. */
  security: Level.default('warning'),
  rules: z.record(RuleCode, Level).default({}),
  /** An import that neither the standard list, nor the environment, nor `allowImports` covers. */
  imports: Level.default('error'),
  allowImports: z.array(ModuleName).max(500).default([]),
  /** Refused although a list covers it, such as `os`; wins over everything else. */
  denyImports: z.array(ModuleName).max(500).default([]),
  /** Also compile with RestrictedPython, in environments that have it. */
  restrictedPython: z.boolean().default(false),
  maxFiles: z.int().min(1).max(5_000).default(500),
  maxFileBytes: z.int().min(1).max(2_097_152).default(524_288),
  maxTotalBytes: z.int().min(1).max(52_428_800).default(4_194_304),
})
export type PrecheckPolicy = z.infer<typeof PrecheckPolicy>
