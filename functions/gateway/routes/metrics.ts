import { createRoute, z } from '@hono/zod-openapi'
import { answerMetrics } from '../../../shared/telemetry/metrics.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const route = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['operation'],
  summary: "This gateway's metrics and the workers it knows of, for Prometheus; role operator",
  description: 'A scraper inside the network needs no token on the port METRICS_PORT.',
  security: bearerSecurity,
  responses: {
    200: { description: 'In the text format', content: { 'text/plain': { schema: z.string() } } },
    ...problemResponses(401, 403),
  },
})

export const addMetrics = (app: Gateway, { metrics }: Pick<GatewayDependencies, 'metrics'>) => {
  app.openapi(route, async () => (await answerMetrics(metrics)) as never)
}
