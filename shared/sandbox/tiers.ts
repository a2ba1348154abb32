import { z } from 'zod'
import type { Limits } from './port.ts'

/** The lowest and the highest value of every limit: none can be switched off. */
export const LIMIT_RANGES: Readonly<Record<keyof Limits, { min: number; max: number }>> = {
  cpu: { min: 0.1, max: 64 },
  memoryMb: { min: 64, max: 262_144 },
  pids: { min: 1, max: 4_096 },
  openFiles: { min: 16, max: 65_536 },
  fileSizeMb: { min: 1, max: 65_536 },
  scratchMb: { min: 1, max: 65_536 },
  outputMb: { min: 1, max: 65_536 },
  logBytes: { min: 1_024, max: 104_857_600 },
  wallSeconds: { min: 1, max: 30 * 86_400 },
  graceSeconds: { min: 0, max: 60 },
}

const ranged = (name: keyof Limits) => z.number().min(LIMIT_RANGES[name].min).max(LIMIT_RANGES[name].max)
const whole = (name: keyof Limits) => ranged(name).int()

export const limitsSchema = z.strictObject({
  cpu: ranged('cpu'),
  memoryMb: whole('memoryMb'),
  pids: whole('pids'),
  openFiles: whole('openFiles'),
  fileSizeMb: whole('fileSizeMb'),
  scratchMb: whole('scratchMb'),
  outputMb: whole('outputMb'),
  logBytes: whole('logBytes'),
  wallSeconds: ranged('wallSeconds'),
  graceSeconds: ranged('graceSeconds'),
}) satisfies z.ZodType<Limits>

/** What a tier is named for; the rest follows from it unless it says otherwise. */
export type Resources = Pick<Limits, 'cpu' | 'memoryMb' | 'wallSeconds'>

export const TIERS = {
  nano: { cpu: 1, memoryMb: 512, wallSeconds: 60 },
  micro: { cpu: 1, memoryMb: 1024, wallSeconds: 120 },
  small: { cpu: 2, memoryMb: 2048, wallSeconds: 300 },
  medium: { cpu: 2, memoryMb: 4096, wallSeconds: 600 },
  large: { cpu: 4, memoryMb: 8192, wallSeconds: 1_800 },
  long: { cpu: 4, memoryMb: 8192, wallSeconds: 7 * 86_400 },
} as const satisfies Record<string, Resources>

export type Tier = keyof typeof TIERS
export const DEFAULT_TIER: Tier = 'small'

/** The limits that no tier names, the same for all unless configured. */
const DEFAULT_LIMITS = {
  pids: 128,
  openFiles: 1_024,
  fileSizeMb: 1_024,
  outputMb: 256,
  logBytes: 5_242_880,
  graceSeconds: 5,
} as const

const clamp = (name: keyof Limits, value: number): number =>
  Math.min(LIMIT_RANGES[name].max, Math.max(LIMIT_RANGES[name].min, value))

/**
 * A task's limits: its tier's, field by field replaced by what it asks for, each kept between its floor and its ceiling.
 * Files in the writable places live in the task's memory, so scratch is half of it unless it says otherwise.
 *
 * @example
 * limitsFor({ tier: 'nano', wallSeconds: 10 }).memoryMb // 512
 */
export const limitsFor = ({
  tier = DEFAULT_TIER,
  ...asked
}: { tier?: Tier } & Partial<Limits> = {}): Limits => {
  const resources = { ...TIERS[tier], ...asked }
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    scratchMb: Math.floor(resources.memoryMb / 2),
    ...resources,
  }
  for (const name of Object.keys(LIMIT_RANGES) as (keyof Limits)[]) limits[name] = clamp(name, limits[name])
  return limits
}
