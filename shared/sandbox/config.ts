import { z } from 'zod'
import { SANDBOX_LEVELS } from './port.ts'

export const ENGINE_NAMES = ['bubblewrap', 'runsc', 'runc', 'crun', 'docker'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]

const count = (min: number, max: number, standard: number) => z.int().min(min).max(max).default(standard)

/** How this host isolates runs. Everything has a default: `sandboxConfigSchema.parse({})` is a fair one. */
export const sandboxConfigSchema = z.strictObject({
  /** `auto`: the quickest that is there and reaches the floor. */
  engine: z.enum(['auto', ...ENGINE_NAMES]).default('auto'),
  /** The weakest level that may run a task here; below it nothing starts. */
  floor: z.enum(SANDBOX_LEVELS).default('container'),
  /** Where an engine is when it is not on the PATH. */
  enginePath: z.string().startsWith('/').optional(),
  /** Where Docker's daemon listens, on this machine. */
  dockerSocket: z.string().startsWith('/').default('/var/run/docker.sock'),
  /** The largest `out/data.json`; more belongs into a file. */
  resultMb: count(1, 256, 4),
  warm: z
    .strictObject({
      /** Blank sandboxes kept ahead per environment: at least, and at most when demand is high. */
      minBlank: count(0, 64, 1),
      maxBlank: count(0, 64, 4),
      /** All idle sandboxes together, blank or a tenant's. */
      maxIdle: count(0, 512, 16),
      maxIdleMemoryMb: count(0, 262_144, 2_048),
      /** A tenant's sandbox ends after so long without a run … */
      idleSeconds: count(1, 3_600, 60),
      /** … or after so many. */
      maxRuns: count(1, 100_000, 500),
    })
    .prefault({}),
  /** Unprivileged ids of the host that nothing else uses; each sandbox has two of its own. Used when started as root. */
  hostUids: z
    .strictObject({
      first: z.int().min(100_000).max(4_000_000_000).default(1_700_000_000),
      count: count(64, 65_536, 8_192),
    })
    .prefault({}),
})

export type SandboxConfig = z.infer<typeof sandboxConfigSchema>
/** As written: what is left out has its default. */
export type SandboxConfigInput = z.input<typeof sandboxConfigSchema>
export type WarmConfig = SandboxConfig['warm']
