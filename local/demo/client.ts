import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { describeProblem } from './problem.ts'

const Progress = z.object({
  fraction: z.number().min(0).max(1).nullish(),
  message: z.string().nullish(),
  eta_seconds: z.number().nullish(),
})

const Attempt = z.object({
  wall_seconds: z.number().nullable(),
  memory_peak_mb: z.number().nullable(),
})

const Task = z.object({
  id: z.string(),
  status: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
  lane: z.string(),
  /** What runs the lane's tasks, where the platform tells. */
  engine: z.string().optional(),
  progress: Progress.nullish(),
  error_message: z.string().nullish(),
  /** The latest is the last; a submission's answer has none yet. */
  attempts: z.array(Attempt).default([]),
})

const Upload = z.object({
  upload_id: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
})
const Artifact = z.object({ name: z.string(), size_bytes: z.number(), sha256: z.string(), url: z.string() })
const Log = z.object({ entries: z.array(z.object({ chunk: z.string() })) })
const Artifacts = z.object({ artifacts: z.array(Artifact) })

const LOG_CHUNKS = 20

export type Task = z.infer<typeof Task>
export type Artifact = z.infer<typeof Artifact>
export type Client = ReturnType<typeof createClient>

export type ClientOptions = {
  baseUrl: string
  token: string
  signal: AbortSignal
  /** For one request, its body included. */
  timeoutMs?: number
}

const digest = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** What the examples need of the platform's HTTP API. Every refusal is an error that says which call was refused and why. */
export const createClient = ({ baseUrl, token, signal, timeoutMs = 30_000 }: ClientOptions) => {
  const send = async (what: string, url: URL, init: RequestInit = {}): Promise<Response> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const response = await fetch(url, { ...init, signal: limit }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new Error(`${what}: no answer from ${url.origin}`, { cause: error })
    })
    if (!response.ok) throw new Error(`${what}: ${await describeProblem(response)}`)
    return response
  }

  const call = (method: 'GET' | 'POST', path: string, body?: string): Promise<Response> =>
    send(`${method} ${path}`, new URL(path, baseUrl), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    })

  return {
    /** Uploads an input file and returns its id, for `files` of a submission. */
    async uploadFile(path: string): Promise<string> {
      const { size } = await stat(path)
      const body = JSON.stringify({
        filename: basename(path),
        size_bytes: size,
        sha256: await digest(path),
      })
      const { upload_id, url, headers } = Upload.parse(await (await call('POST', '/uploads', body)).json())
      const content = Readable.toWeb(createReadStream(path)) as ReadableStream
      await send(`upload of ${basename(path)}`, new URL(url, baseUrl), {
        method: 'PUT',
        headers: { 'content-length': String(size), ...headers },
        body: content,
        duplex: 'half',
      })
      return upload_id
    },

    async submitTask(body: string): Promise<Task> {
      return Task.parse(await (await call('POST', '/tasks', body)).json())
    },

    async getTask(id: string): Promise<Task> {
      return Task.parse(await (await call('GET', `/tasks/${id}`)).json())
    },

    /** The result as the function printed it. */
    async getResultText(id: string): Promise<string> {
      return (await call('GET', `/tasks/${id}/result`)).text()
    },

    /** The end of what the function has printed. */
    async getLogTail(id: string): Promise<string> {
      const log = Log.parse(await (await call('GET', `/tasks/${id}/logs?tail=${LOG_CHUNKS}`)).json())
      return log.entries.map(({ chunk }) => chunk).join('')
    },

    async listArtifacts(id: string): Promise<Artifact[]> {
      return Artifacts.parse(await (await call('GET', `/tasks/${id}/artifacts`)).json()).artifacts
    },

    /** Fetches an artifact by its signed URL, which takes no token. */
    async downloadArtifact(artifact: Artifact, path: string): Promise<void> {
      const response = await send(`download of ${artifact.name}`, new URL(artifact.url, baseUrl))
      await writeFile(path, Readable.fromWeb(response.body as never))
      if ((await digest(path)) !== artifact.sha256)
        throw new Error(`download of ${artifact.name}: what came is not what was announced`)
    },
  }
}
