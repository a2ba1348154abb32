import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createApp, type GatewayDependencies, type GatewayLimits } from '../../functions/gateway/app.ts'
import { issueToken, startIssuer } from '../../local/issuer.ts'
import { createTokenVerifier, type Role } from '../../shared/auth/index.ts'
import { connect } from '../../shared/database/index.ts'
import { EstimateSettings, openEstimator } from '../../shared/estimates/index.ts'
import { createDispatcher, createLaneGate } from '../../shared/lanes/index.ts'
import { openPolicies, type PolicySettings } from '../../shared/policies/index.ts'
import { openPrechecks } from '../../shared/prechecks/index.ts'
import { openQueue } from '../../shared/queue/index.ts'
import { openStore } from '../../shared/storage/index.ts'
import { startEndWaiters } from '../../shared/tasks/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { createMetrics } from '../../shared/telemetry/metrics.ts'
import { createMemberResolver } from '../../shared/tenants/index.ts'
import { addWorkerMetrics } from '../../shared/workers/index.ts'
import { createDatabase } from '../services/postgres.ts'

export type TestGateway = {
  dependencies: GatewayDependencies
  fetch(
    method: string,
    path: string,
    init?: { body?: string; headers?: Record<string, string>; token?: string },
  ): Promise<Response>
  token(tenant?: string, user?: string, roles?: readonly Role[]): Promise<string>
  stop(): Promise<void>
}

/** The gateway over a real database, queue, store and issuer; no worker, so a task stays as the test leaves it. */
export const startTestGateway = async ({
  limits = {},
  installation = {},
}: {
  limits?: Partial<GatewayLimits>
  installation?: PolicySettings
} = {}): Promise<TestGateway> => {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-'))
  const databaseUrl = await createDatabase()
  const logger = createLogger('test', 'silent')
  const sql = connect(databaseUrl, { name: 'test gateway' })
  const issuer = await startIssuer(directory)
  const queue = await openQueue(databaseUrl, { logger })
  const store = await openStore(pathToFileURL(directory).href, {
    publicUrl: 'http://localhost:8000',
    signingKeys: ['signing-key-of-a-test-0123456789abcdef'],
  })
  const endWaiters = await startEndWaiters(sql)
  const prechecks = openPrechecks({ threads: 1 })
  const metrics = createMetrics('gateway')
  addWorkerMetrics(metrics, sql)
  const dependencies: GatewayDependencies = {
    sql,
    queue,
    dispatcher: createDispatcher({ sql, queue, logger }),
    laneGate: createLaneGate(sql, logger),
    store,
    endWaiters,
    metrics,
    logger,
    verifyToken: createTokenVerifier({ issuer: issuer.url, audience: 'mecapy-api', tenantClaim: 'tenant' }),
    resolveMember: createMemberResolver(sql),
    prechecks,
    policies: openPolicies({ sql, installation }),
    estimator: openEstimator({ sql, logger, settings: EstimateSettings.parse({}) }),
    unknownSeconds: 30,
    limits: {
      maxBodyBytes: 100_000,
      maxJsonDepth: 100,
      maxCodeBytes: 10_000,
      maxInlineInputsBytes: 1_000,
      maxAnsweredResultBytes: 2_000,
      maxWaitSeconds: 5,
      maxUploadBytes: 1_000_000,
      signedUrlSeconds: 60,
      maxRequirements: 5,
      ...limits,
    },
  }
  const app = createApp(dependencies)
  const token = (tenant = 'acme', user = 'ada', roles: readonly Role[] = ['user']) =>
    issueToken(directory, issuer.url, { tenant, user, roles })
  return {
    dependencies,
    token,
    fetch: async (method, path, { body, headers, token: given } = {}) =>
      await app.request(path, {
        method,
        ...(body !== undefined && { body }),
        headers: {
          authorization: `Bearer ${given ?? (await token())}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      }),
    stop: async () => {
      await endWaiters.stop()
      await prechecks.close()
      await queue.close()
      await store.close()
      await issuer.stop()
      await sql.end()
      await rm(directory, { recursive: true })
    },
  }
}
