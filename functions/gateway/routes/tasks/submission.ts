import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { LANES } from '../../../../shared/lanes/index.ts'
import { DEFAULT_TIER, LIMIT_RANGES, TIERS, type Tier } from '../../../../shared/sandbox/index.ts'
import { FAILURE_CODES, type Idempotency } from '../../../../shared/tasks/index.ts'
import { PlainText } from '../plain-text.ts'

const PORT = /^[A-Za-z_][A-Za-z0-9_]*$/
const HANDLER = /^(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:)?[A-Za-z_]\w*$/
const MAX_NAME_CHARACTERS = 200
const MAX_LABELS = 32
const MAX_LABEL_CHARACTERS = 256
const MAX_FILES = 32
const MAX_ATTEMPTS = 10
const MAX_PRIORITY = 9
const MAX_BACKOFF_SECONDS = 900
const MAX_CONCURRENCY = 10_000

const { cpu, memoryMb, wallSeconds } = LIMIT_RANGES
const tierNames = Object.keys(TIERS) as [Tier, ...Tier[]]

const Labels = z
  .record(z.string().regex(/^[\w.\-/]{1,63}$/), PlainText.max(MAX_LABEL_CHARACTERS))
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`)

const Files = z
  .record(z.string().regex(PORT), z.uuid())
  .refine((files) => Object.keys(files).length <= MAX_FILES, `at most ${MAX_FILES} files`)

const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .pipe(z.date())

export const IdempotencyKey = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .openapi({ description: 'The same key and body answer the first task again; another body is a 422' })

export const toIdempotency = (key: string, body: string): Idempotency => ({
  key,
  requestSha256: createHash('sha256').update(body).digest('hex'),
})

/** A task as a user submits it. `inputs` is looked at here and kept as the text that was sent. */
export const Submission = z
  .strictObject({
    code: z
      .string()
      .min(1)
      .openapi({ description: 'Python source of one module', example: 'def double(x):\n    return 2 * x\n' }),
    handler: z
      .string()
      .regex(HANDLER, 'must be "function" or "module:function"')
      .openapi({ description: 'The function to call', example: 'double' }),
    requirements: z
      .array(z.string())
      .default([])
      .openapi({
        description:
          'Packages, a line of requirements.txt each: names with versions, extras, markers and SHA-256 hashes, no ' +
          'addresses, paths or options. They replace NumPy and SciPy, which are there without any.',
        example: ['pandas>=2.2,<3'],
      }),
    inputs: z
      .record(z.string(), z.unknown())
      .default({})
      .openapi({
        description: "The function's arguments by name; kept to the letter",
        example: { x: 291.5 },
      }),
    files: Files.default({}).openapi({ description: 'Upload ids by argument name (POST /uploads)' }),
    name: PlainText.min(1).max(MAX_NAME_CHARACTERS).optional(),
    estimated_seconds: z
      .number()
      .positive()
      .max(wallSeconds.max)
      .optional()
      .openapi({ description: 'How long you expect it to run: picks the lane' }),
    lane: z.enum(LANES).optional().openapi({ description: 'Picks the lane yourself' }),
    priority: z.number().int().min(0).max(MAX_PRIORITY).default(0),
    resources: z
      .union([
        z.enum(tierNames),
        z.strictObject({
          cpu: z.number().min(cpu.min).max(cpu.max),
          memory_mb: z.number().int().min(memoryMb.min).max(memoryMb.max),
        }),
      ])
      .default(DEFAULT_TIER)
      .openapi({ description: 'A tier, or CPUs and memory' }),
    timeout_seconds: z
      .number()
      .min(wallSeconds.min)
      .max(wallSeconds.max)
      .optional()
      .openapi({ description: "From the start of an attempt; the tier's when left out" }),
    retry: z
      .strictObject({
        max_attempts: z.number().int().min(1).max(MAX_ATTEMPTS).optional(),
        on: z
          .array(z.enum(FAILURE_CODES))
          .max(FAILURE_CODES.length)
          .default([])
          .openapi({ description: '`out_of_memory` is tried again with the next larger tier' }),
        backoff_seconds: z
          .number()
          .min(0)
          .max(MAX_BACKOFF_SECONDS)
          .optional()
          .openapi({ description: 'The first pause; it doubles with every attempt, and is jittered' }),
      })
      .default({ on: [] })
      .openapi({ description: 'Failures to try again besides `worker_lost` and `sandbox_error`' }),
    reuse: z
      .enum(['tenant', 'never'])
      .default('tenant')
      .openapi({ description: '`never`: a whole sandbox for this run alone' }),
    repeatable: z.boolean().default(true).openapi({
      description:
        '`false`: started once. It is not tried again, nor stopped and moved when it outlives its lane',
    }),
    run_at: Time.optional().openapi({ description: 'Not before this' }),
    expires_at: Time.optional().openapi({ description: 'Of no use when it has not started by then' }),
    concurrency: z
      .strictObject({
        key: z.string().regex(/^[\w.\-:/]{1,100}$/),
        limit: z.number().int().min(1).max(MAX_CONCURRENCY),
      })
      .optional()
      .openapi({
        description: "At most `limit` of the tenant's tasks with this key are in hand at one moment",
        example: { key: 'licence:mesher', limit: 2 },
      }),
    labels: Labels.default({}),
  })
  .refine(({ run_at, expires_at }) => !run_at || !expires_at || run_at < expires_at, {
    path: ['expires_at'],
    message: 'must be after run_at',
  })
  .openapi('Submission')

export type Submission = z.infer<typeof Submission>
