import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { startLocalStack } from '../../../local/stack.ts'
import type { Role } from '../../../shared/auth/index.ts'
import { createClient } from '../client.ts'

export type Answer = { status: number; text: string }

/** A running platform and what an outsider can send to it. */
export type Site = {
  url: string
  /** Of a tenant that has something to steal, of one that wants it, and of the platform's operator. */
  tokens: Record<'victim' | 'attacker' | 'operator', string>
  victim: { taskId: string; uploadId: string; artifactUrl: string; idempotencyKey: string; secret: string }
  /** Everything that the platform's own processes keep secret. */
  secrets: string[]
  /** The issuer's key: an attacker has it not, but it shows what else of a token is looked at. */
  signToken(changes: object, header?: Partial<JWTHeaderParameters>): Promise<string>
  publicKey: JWK
  send(
    method: string,
    path: string,
    request?: { token?: string; headers?: object; body?: string },
  ): Promise<Answer>
  /** Bytes as they are, on a connection of their own. */
  sendRaw(bytes: string | Uint8Array): Promise<Answer>
  listPids(): (number | undefined)[]
  readLogs(): Promise<string[]>
  stop(): Promise<void>
}

const SECRET = 'the victim’s result'
const ALGORITHM = 'EdDSA'
const LIFETIME_SECONDS = 300
const RAW_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 20_000

const VICTIMS_TASK = {
  code: 'def main(secret):\n    open("/workspace/out/artifacts/secret.txt", "w").write(secret)\n    print(secret)\n    return secret\n',
  handler: 'main',
  inputs: { secret: SECRET },
  name: SECRET,
  labels: { owner: 'victim' },
}

const readStatus = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)

const exchange = async (url: string, bytes: string | Uint8Array): Promise<Answer> => {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined) // the gateway may hang up on us, and should
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.write(bytes)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await Promise.race([closed, delay(RAW_TIMEOUT_MS, undefined, { ref: false })])
  socket.destroy()
  const text = Buffer.concat(parts).toString('latin1')
  return { status: readStatus(text), text }
}

const layOutVictim = async (url: string, token: string): Promise<Site['victim']> => {
  const client = createClient(url, token)
  const idempotencyKey = 'monday'
  const task = await client.request('POST', '/tasks', VICTIMS_TASK, {
    prefer: 'wait=30',
    'idempotency-key': idempotencyKey,
  })
  const { id: taskId } = JSON.parse(task.text) as { id: string }
  const files = JSON.parse((await client.request('GET', `/tasks/${taskId}/artifacts`)).text) as {
    artifacts: [{ url: string }]
  }
  const upload = await client.request('POST', '/uploads', { filename: 'secret.msh', size_bytes: 3 })
  const { upload_id: uploadId } = JSON.parse(upload.text) as { upload_id: string }
  return { taskId, uploadId, artifactUrl: files.artifacts[0].url, idempotencyKey, secret: SECRET }
}

/** Starts the platform with a victim in it. */
export const startSite = async (): Promise<Site> => {
  const directory = await mkdtemp(join(tmpdir(), 'abuse-http-'))
  const stack = await startLocalStack({ dataDirectory: directory, port: 0 })
  const { url } = stack
  const issue = (tenant: string, roles: Role[]) => stack.issueToken({ tenant, user: `${tenant}-user`, roles })
  const tokens = {
    victim: await issue('acme', ['user', 'admin']),
    attacker: await issue('mallory', ['user', 'admin']),
    operator: await issue('platform', ['operator']),
  }
  const key = JSON.parse(await readFile(join(directory, 'issuer-key.json'), 'utf8')) as JWK
  const privateKey = await importJWK(key, ALGORITHM)
  const { d: _private, ...publicKey } = key
  const record = JSON.parse(await readFile(join(directory, 'stack.json'), 'utf8')) as { issuer: string }
  const urlSigningKey = await readFile(join(directory, 'url-signing-key'), 'utf8')

  return {
    url,
    tokens,
    victim: await layOutVictim(url, tokens.victim),
    secrets: [...Object.values(tokens), key['d'] ?? '', urlSigningKey, stack.databaseUrl],
    publicKey,
    signToken: (changes, header = {}) => {
      const now = Math.floor(Date.now() / 1_000)
      const claims = {
        ...{ iss: record.issuer, aud: 'mecapy-api', sub: 'mallory-user', tenant: 'mallory' },
        ...{ iat: now, exp: now + LIFETIME_SECONDS },
        ...changes,
      }
      return new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: key.kid ?? '', ...header })
        .sign(privateKey)
    },
    send: async (method, path, { token, headers = {}, body } = {}) => {
      const response = await fetch(new URL(path, url), {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        redirect: 'manual',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      return { status: response.status, text: await response.text() }
    },
    sendRaw: (bytes) => exchange(url, bytes),
    listPids: () => Object.values(stack.children).map(({ pid }) => pid),
    readLogs: async () => {
      const files = Object.keys(stack.children).map((name) => join(directory, 'logs', `${name}.log`))
      const logs = await Promise.all(files.map((file) => readFile(file, 'utf8')))
      return logs.flatMap((log) => log.split('\n').filter((line) => line !== ''))
    },
    stop: async () => {
      await stack.stop()
      await rm(directory, { recursive: true })
    },
  }
}
