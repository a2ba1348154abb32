import type { IncomingMessage } from 'node:http'
import { OpenAPIHono } from '@hono/zod-openapi'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import type { Identity, TokenVerifier } from '../../shared/auth/index.ts'
import type { Sql } from '../../shared/database/index.ts'
import { type Fault, PlatformError } from '../../shared/errors.ts'
import type { Estimator } from '../../shared/estimates/index.ts'
import type { Dispatcher, LaneGate } from '../../shared/lanes/index.ts'
import type { Policies } from '../../shared/policies/index.ts'
import type { Prechecks } from '../../shared/prechecks/index.ts'
import type { Queue } from '../../shared/queue/index.ts'
import type { ObjectStore } from '../../shared/storage/index.ts'
import type { EndWaiters } from '../../shared/tasks/index.ts'
import type { Logger } from '../../shared/telemetry/logger.ts'
import type { Registry } from '../../shared/telemetry/metrics.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { authenticate } from './authenticate.ts'
import { answerError } from './problem.ts'
import type { JsonBody } from './read-json-body.ts'
import { requireRole } from './require-role.ts'
import { addDocs } from './routes/docs.ts'
import { addHealth } from './routes/health.ts'
import { addLanes } from './routes/lanes.ts'
import { addMetrics } from './routes/metrics.ts'
import { addObjects } from './routes/objects.ts'
import { addPolicy } from './routes/policy.ts'
import { addTasks } from './routes/tasks/index.ts'
import { addUploads } from './routes/uploads.ts'
import { addWorkers } from './routes/workers.ts'

export type GatewayLimits = {
  maxBodyBytes: number
  maxJsonDepth: number
  maxCodeBytes: number
  maxInlineInputsBytes: number
  /** A result above this size is fetched by its signed URL instead of through the gateway. */
  maxAnsweredResultBytes: number
  maxWaitSeconds: number
  maxUploadBytes: number
  signedUrlSeconds: number
  /** Lines of requirements; `undefined` where no environments are built. */
  maxRequirements: number | undefined
}

export type GatewayDependencies = {
  sql: Sql
  queue: Pick<Queue, 'depth'>
  dispatcher: Dispatcher
  laneGate: LaneGate
  store: ObjectStore
  endWaiters: EndWaiters
  verifyToken: TokenVerifier
  resolveMember: (identity: Identity) => Promise<Member>
  prechecks: Prechecks
  policies: Policies
  estimator: Estimator
  /** What a task is taken for when nobody said how long it runs. */
  unknownSeconds: number
  limits: GatewayLimits
  metrics: Registry
  logger: Logger
}

export type GatewayEnv = {
  /** Node's request; absent when the app is called without a server. */
  Bindings: { incoming?: IncomingMessage }
  Variables: { requestId: string; logger: Logger; identity: Identity; member: Member; body: JsonBody }
}

export type Gateway = OpenAPIHono<GatewayEnv>

const REQUEST_ID_HEADER = 'x-request-id'

/** The HTTP API over its dependencies; opens no port and reads no environment. */
export const createApp = (dependencies: GatewayDependencies): Gateway => {
  const { logger, verifyToken, resolveMember } = dependencies
  const app: Gateway = new OpenAPIHono<GatewayEnv>({
    // Every fault of a request in one answer, wherever it stands.
    defaultHook: (result) => {
      if (result.success) return
      const place = result.target === 'json' ? 'body' : result.target === 'param' ? 'path' : result.target
      const faults: Fault[] = result.error.issues.map((issue) => ({
        loc: [place, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))],
        msg: issue.message,
        type: issue.code,
      }))
      const places = faults.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ')
      throw new PlatformError('INVALID', `The request is not valid: ${places}`, { faults })
    },
  })

  app.onError(answerError)
  app.notFound((c) =>
    answerError(new PlatformError('NOT_FOUND', `There is no ${c.req.method} ${c.req.path}; see /docs.`), c),
  )
  app.use(requestId({ headerName: REQUEST_ID_HEADER, limitLength: 64 }))
  app.use(async (c, next) => {
    c.set('logger', logger)
    await next()
  })
  addObjects(app, dependencies)
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
    }),
  )

  addHealth(app, dependencies)
  addDocs(app)

  const signedIn = authenticate(verifyToken, resolveMember)
  app.use('/tasks/*', signedIn)
  app.use('/uploads/*', signedIn)
  app.use('/tenant/*', signedIn)
  app.use('/workers', signedIn, requireRole('operator'))
  app.use('/admin/*', signedIn, requireRole('operator'))
  app.use('/metrics', signedIn, requireRole('operator'))
  addTasks(app, dependencies)
  addUploads(app, dependencies)
  addPolicy(app, dependencies)
  addWorkers(app, dependencies)
  addLanes(app, dependencies)
  addMetrics(app, dependencies)
  return app
}
