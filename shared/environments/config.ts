import { z } from 'zod'

const count = (min: number, max: number, standard: number) => z.int().min(min).max(max).default(standard)

/** What environments of requirements may cost. Everything has a default; no limit can be switched off. */
export const environmentsConfigSchema = z.strictObject({
  /** Lines of a set of requirements as a package states them; a lock may have ten times as many. */
  maxRequirements: count(1, 1_000, 50),
  /** From the first request to the last file in place, and the longest wait for another process that builds the same. */
  buildTimeoutSeconds: count(1, 7_200, 600),
  /** What may come in from the index for one environment, and what it may unpack to. */
  maxDownloadMb: count(1, 16_384, 1_024),
  maxEnvironmentMb: count(1, 32_768, 2_048),
  /** Memory that a build may map, in each of its processes. */
  buildMemoryMb: count(512, 65_536, 4_096),
  /** All of them together on a host; beyond this the least recently used go, unless they are in use. */
  maxCacheMb: count(1, 4_194_304, 20_480),
  /** How long an environment counts as used after its last user let go: longer than a sandbox stays warm. */
  keepSeconds: count(1, 604_800, 3_600),
})

export type EnvironmentsConfig = z.infer<typeof environmentsConfigSchema>
