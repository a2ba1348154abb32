import { Agent, request } from 'node:http'

export type Answer = { status: number; body: string }

/** One keep-alive client; as little of its own as Node allows, so that the gateway is what is measured. */
export const createClient = (baseUrl: string, token: string, connections: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const { hostname, port } = new URL(baseUrl)
  return {
    post: (path: string, body: string, headers: Record<string, string> = {}) =>
      new Promise<Answer>((resolve, reject) => {
        const message = request(
          {
            agent,
            hostname,
            port,
            path,
            method: 'POST',
            headers: {
              authorization: `Bearer ${token}`,
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(body),
              ...headers,
            },
          },
          (response) => {
            let text = ''
            response.setEncoding('utf8')
            response.on('data', (chunk: string) => {
              text += chunk
            })
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
          },
        )
        message.on('error', reject)
        message.end(body)
      }),
    close: () => agent.destroy(),
  }
}
