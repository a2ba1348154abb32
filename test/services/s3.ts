import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { goToolPath } from '../../setup/go-tools.mjs'

export type S3Server = {
  endpoint: string
  region: string
  bucket: string
  credentials: { accessKeyId: string; secretAccessKey: string }
  /** For what a test looks at behind the store's back. */
  client: S3Client
  stop(): Promise<void>
}

const START_MS = 15_000

const findFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('the listener has no port')
  return address.port
}

/** Starts a real S3 server (versitygw, which `npm run setup -- --peers` builds) with one empty bucket on loopback. */
export const startS3Server = async (): Promise<S3Server> => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy-s3-'))
  const data = join(directory, 'data')
  await mkdir(data)
  const port = await findFreePort()
  const credentials = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-access-key' }
  const region = 'fr-par'
  const server = spawn(
    goToolPath('versitygw'),
    ['--quiet', '--port', `127.0.0.1:${port}`, '--region', region, '--keep-alive', 'posix', data],
    {
      env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const exited = once(server, 'exit')
  const endpoint = `http://127.0.0.1:${port}`
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const stop = async () => {
    client.destroy()
    server.kill('SIGKILL')
    await exited
    await rm(directory, { recursive: true, force: true })
  }

  const deadline = performance.now() + START_MS
  for (;;) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: 'objects' }))
      return { endpoint, region, bucket: 'objects', credentials, client, stop }
    } catch (error) {
      if (server.exitCode !== null || performance.now() > deadline) {
        await stop()
        throw error
      }
      await delay(50)
    }
  }
}
