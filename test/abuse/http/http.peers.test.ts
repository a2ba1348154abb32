import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeBodies } from './bodies.ts'
import { describeInjection } from './injection.ts'
import { describeOtherTenants } from './other-tenants.ts'
import { describeRawRequests } from './raw-requests.ts'
import { describeSignedUrls } from './signed-urls.ts'
import { type Site, startSite } from './site.ts'
import { openSlowClients } from './slow-clients.ts'
import { describeTokens } from './tokens.ts'

const START_TIMEOUT_MS = 90_000

describe('over HTTP', () => {
  let started: Site | undefined
  let pids: ReturnType<Site['listPids']>
  let slowClients: ReturnType<typeof openSlowClients> | undefined
  const site = (): Site => {
    if (started === undefined) throw new Error('the platform did not start')
    return started
  }
  beforeAll(async () => {
    started = await startSite()
    pids = started.listPids()
    // All along, so that everything else is served beside them.
    slowClients = openSlowClients(started)
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    slowClients?.stop()
    await started?.stop()
  }, START_TIMEOUT_MS)

  describeTokens(site)
  describeOtherTenants(site)
  describeSignedUrls(site)
  describeRawRequests(site)
  describeBodies(site)
  describeInjection(site)

  it('two hundred clients that never finish a request are hung up on', async () => {
    await slowClients?.expectHungUp()
  })

  it('the platform is unharmed, and the victim’s task as it was', async () => {
    const { victim, tokens, send, listPids } = site()
    expect(listPids()).toEqual(pids)
    const result = await send('GET', `/tasks/${victim.taskId}/result`, { token: tokens.victim })
    expect(JSON.parse(result.text)).toEqual({ result: victim.secret })
  })

  it('the logs are lines of JSON, without an error of ours and without a secret', async () => {
    const lines = await site().readLogs()
    for (const line of lines) {
      const { level, msg } = JSON.parse(line) as { level: number; msg: string }
      expect(level, line).toBeLessThan(50)
      expect(msg).not.toBe('forged')
      for (const secret of site().secrets) expect(line).not.toContain(secret)
    }
  })
})
