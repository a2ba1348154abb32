import { closeServer, listenOn } from '../http/serve.ts'
import { answerMetrics, type Registry } from './metrics.ts'
import type { Part } from './stop-on-signal.ts'

const STOP_GRACE_MS = 1_000

/** Serves `GET /metrics` on a port of its own, which scrapers reach and users do not; without a port, nothing. */
export const serveMetrics = async (
  registry: Registry,
  { hostname, port }: { hostname: string; port: number | undefined },
): Promise<Part> => {
  if (port === undefined) return { name: 'metrics', stop: async () => {} }
  const { server } = await listenOn(
    async (request) =>
      new URL(request.url).pathname === '/metrics'
        ? await answerMetrics(registry)
        : new Response(undefined, { status: 404 }),
    { hostname, port },
  )
  return { name: 'metrics', stop: () => closeServer(server, STOP_GRACE_MS) }
}
