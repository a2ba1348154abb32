import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { GatewayEnv } from '../../functions/gateway/app.ts'
import { answerError } from '../../functions/gateway/problem.ts'
import { addObjects } from '../../functions/gateway/routes/objects.ts'
import { openStore } from '../../shared/storage/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import type { StoreFixture } from './contract.ts'

export const SIGNING_KEY = 'a signing key of the tests, long enough'

/** A disk store in a folder of its own, whose signed URLs a gateway on loopback serves. */
export const startDisk = async (
  options: { uploadIdleTimeoutMs?: number } = {},
): Promise<StoreFixture & { directory: string; publicUrl: string }> => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy-disk-'))
  const app = new OpenAPIHono<GatewayEnv>()
  app.onError(answerError)
  app.use(async (c, next) => {
    c.set('logger', createLogger('test', 'silent'))
    await next()
  })
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const publicUrl = `http://127.0.0.1:${port}`
  const store = await openStore(`file://${directory}`, { publicUrl, signingKeys: [SIGNING_KEY] })
  addObjects(app, { store }, options)
  return {
    directory,
    publicUrl,
    store,
    listLeftovers: () => readdir(join(directory, 'temporary')),
    stop: async () => {
      if ('closeAllConnections' in server) server.closeAllConnections()
      server.close()
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
