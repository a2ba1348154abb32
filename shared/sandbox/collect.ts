import { z } from 'zod'
import { JsonSyntaxError, scanJson } from '../json/index.ts'
import type { Limits } from './port.ts'
import { ProtocolError } from './protocol.ts'

/**
 * What a sandbox says of a run. Code that broke out of its run could be speaking, so everything is checked again here:
 * a report that the harness would never write ends the sandbox.
 */
export type Report = {
  ended: 'exited' | 'timeout' | 'cancelled'
  /** Negative: the signal that ended it. */
  exitStatus: number
  wallSeconds: number
  cpuSeconds: number
  memoryPeakMb: number
  /** The writable places that had no room left. */
  full: ('output' | 'scratch')[]
  succeeded: boolean
  resultBytes: number
  files: OutputFile[]
  refused: { code: 'invalid_output' | 'output_too_large'; message: string } | undefined
  /** What the task said of its own failure. */
  verdict: Verdict | undefined
  /** The error file that the code left itself. */
  error: string | undefined
}

export type OutputFile = { kind: 'output' | 'artifact'; name: string; sizeBytes: number }
export type Verdict = z.infer<typeof verdictSchema>

const MEBIBYTE = 1024 * 1024
const KIBIBYTE = 1024
const MAX_FILES = 1_000
const MAX_PATH_BYTES = 1_024
const MAX_SEGMENTS = 17
const MAX_DEPTH = 256
const MAX_MESSAGE = 4_000
const MAX_ERROR = 65_536

const text = (max: number) => z.string().transform((value) => value.toWellFormed().slice(0, max))

const verdictSchema = z.object({
  code: z.enum(['user_error', 'out_of_memory', 'disk_full', 'output_too_large', 'invalid_output']),
  message: text(MAX_MESSAGE),
  error: z.string().max(MAX_ERROR).optional(),
})

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

const isSafePath = (path: string, maxSegments: number): boolean => {
  const segments = path.split('/')
  return (
    path.isWellFormed() &&
    !CONTROL.test(path) &&
    Buffer.byteLength(path) <= MAX_PATH_BYTES &&
    segments.length <= maxSegments &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  )
}

const fileSchema = z
  .object({ kind: z.enum(['output', 'artifact']), name: z.string(), bytes: z.int().min(0) })
  .refine(({ kind, name }) => isSafePath(name, kind === 'output' ? 1 : MAX_SEGMENTS), 'an unsafe name')
  .transform(({ kind, name, bytes }): OutputFile => ({ kind, name, sizeBytes: bytes }))

const reportSchema = z.object({
  ended: z.enum(['exited', 'timeout', 'cancelled']),
  exit_status: z.int(),
  wall_seconds: z.number().min(0),
  cpu_seconds: z.number().min(0),
  memory_peak_kb: z.number().min(0),
  full: z.array(z.enum(['output', 'scratch'])).max(2),
  succeeded: z.boolean(),
  result_bytes: z.int().min(0),
  files: z.array(fileSchema).max(MAX_FILES),
  refused: z
    .object({ code: z.enum(['invalid_output', 'output_too_large']), message: text(MAX_MESSAGE) })
    .optional(),
  verdict: z.string().optional(),
  error: z.string().max(MAX_ERROR).nullish(),
})

/** An error's JSON text, which is passed on to the letter: only if the rest of the platform can carry it. */
const parseError = (json: string | null | undefined): string | undefined => {
  try {
    scanJson(json ?? '', { maxDepth: MAX_DEPTH })
    return json ?? undefined
  } catch {
    return undefined // the user's code wrote it itself
  }
}

const parseVerdict = (json: string | undefined): Verdict | undefined => {
  if (json === undefined || json === '') return undefined
  try {
    const verdict = verdictSchema.parse(JSON.parse(json))
    return { ...verdict, error: parseError(verdict.error) }
  } catch {
    return undefined // the user's code wrote there itself
  }
}

/** @throws {ProtocolError} when the harness would never have said that */
export const parseReport = (payload: Buffer, limits: Limits, resultBytes: number): Report => {
  let report: z.infer<typeof reportSchema>
  try {
    report = reportSchema.parse(JSON.parse(payload.toString('utf8')))
  } catch (cause) {
    throw new ProtocolError('a malformed report', { cause })
  }
  const totalBytes = report.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const names = new Set(report.files.map(({ kind, name }) => `${kind}/${name}`))
  if (
    totalBytes > limits.outputMb * MEBIBYTE ||
    report.result_bytes > resultBytes ||
    names.size < report.files.length
  )
    throw new ProtocolError('a report beyond the limits')
  return {
    ended: report.ended,
    exitStatus: report.exit_status,
    wallSeconds: report.wall_seconds,
    cpuSeconds: report.cpu_seconds,
    memoryPeakMb: report.memory_peak_kb / KIBIBYTE,
    full: report.full,
    succeeded: report.succeeded,
    resultBytes: report.result_bytes,
    files: report.files,
    refused: report.refused,
    verdict: parseVerdict(report.verdict),
    error: parseError(report.error),
  }
}

/** The result's text when it is a JSON object that the rest of the platform can carry, else why not. */
export const parseResult = (data: Buffer): { text: string } | { fault: string } => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
    scanJson(text, { maxDepth: MAX_DEPTH })
    return /^[ \t\n\r]*\{/.test(text) ? { text } : { fault: 'out/data.json is not a JSON object' }
  } catch (error) {
    const reason = error instanceof JsonSyntaxError ? error.message : 'it is not valid UTF-8'
    return { fault: `out/data.json is not valid JSON: ${reason}` }
  }
}
