import { setTimeout as delay } from 'node:timers/promises'
import type { Arena } from './arena.ts'
import type { PlannedRequest, PlannedTask, Tenant } from './workload.ts'

/** What a client was told, and so may rely on. */
export type Receipt = { id: string; tenant: Tenant; task: PlannedTask }

export type Clients = {
  receipts: Receipt[]
  /** What the platform told them and should not have. */
  complaints: string[]
  counts: { requests: number; retries: number; replays: number; waits: number }
  /** Resolves when every request was answered and every cancellation acknowledged. */
  done: Promise<void>
}

const REQUEST_MS = 6_000
const MAX_PAUSE_MS = 1_000
/** Whoever is refused for so long calls somebody. */
const PATIENCE_MS = 180_000

type Answer = { status: number; text: string; replayed: boolean }
type View = { id: string; status: string; result?: { digest: string } }
type Verdict = { task?: View; problem?: { status: number; detail: string } }

/** Answers that say "not now"; the API's documentation says to try again with the same key. */
const isTransient = (status: number) => status === 429 || status >= 500

/**
 * Users who submit, wait and cancel, `perSecond` tasks in the mean. They try again with the same Idempotency-Key
 * until they are answered, now at one gateway, now at the other, and keep what they were told.
 */
export const startClients = (
  { gatewayUrls, tokens }: Pick<Arena, 'gatewayUrls' | 'tokens'>,
  requests: readonly PlannedRequest[],
  options: { perSecond: number; atOnce: number },
): Clients => {
  const receipts: Receipt[] = []
  const complaints: string[] = []
  const counts = { requests: 0, retries: 0, replays: 0, waits: 0 }
  const started = performance.now()
  const errands: Promise<void>[] = []
  const complain = (about: string) => (error: unknown) => void complaints.push(`${about}: ${String(error)}`)
  const runErrand = (name: string, errand: Promise<void>) => void errands.push(errand.catch(complain(name)))

  const send = async (
    tenant: Tenant,
    path: string,
    body: string,
    headers: Record<string, string>,
    gateway: number,
  ) => {
    const response = await fetch(`${gatewayUrls[gateway % gatewayUrls.length]}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[tenant]}`, 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    const replayed = response.headers.get('idempotent-replayed') === 'true'
    return { status: response.status, text: await response.text(), replayed } satisfies Answer
  }

  const sendUntilAnswered = async (
    tenant: Tenant,
    path: string,
    body: string,
    headers: Record<string, string>,
    isAnswer: (answer: Answer) => boolean,
    gateway: number,
  ): Promise<Answer> => {
    const deadline = performance.now() + PATIENCE_MS
    let last = 'no answer'
    for (let tries = 0; performance.now() < deadline; tries += 1) {
      counts.requests += 1
      const answer = await send(tenant, path, body, headers, gateway + tries).catch((error: unknown) => {
        last = String(error)
        return undefined
      })
      if (answer && isAnswer(answer)) return answer
      if (answer) last = `${answer.status} ${answer.text.slice(0, 300)}`
      counts.retries += 1
      await delay(Math.min(50 * 2 ** tries, MAX_PAUSE_MS))
    }
    throw new Error(`${path} was not answered for ${PATIENCE_MS / 1_000} s: ${last}`)
  }

  const toBody = ({ body, runInMs, expiresInMs }: PlannedTask) => ({
    ...body,
    ...(runInMs !== undefined && { run_at: new Date(Date.now() + runInMs).toISOString() }),
    ...(expiresInMs !== undefined && { expires_at: new Date(Date.now() + expiresInMs).toISOString() }),
  })

  const readViews = ({ tasks }: PlannedRequest, { status, text }: Answer): View[] => {
    if (status !== 200 && status !== 202) throw new Error(`${status} ${text.slice(0, 500)}`)
    const answered = JSON.parse(text) as View & { verdicts?: Verdict[] }
    const verdicts = answered.verdicts ?? [{ task: answered }]
    if (verdicts.length !== tasks.length)
      throw new Error(`${verdicts.length} verdicts for ${tasks.length} tasks`)
    return verdicts.map(({ task, problem }) => {
      if (!task) throw new Error(`a good task was refused: ${problem?.detail}`)
      return task
    })
  }

  const isAnswer = ({ status, text }: Answer) => {
    if (isTransient(status)) return false
    // A task of a batch may have met the trouble alone; the others are replayed.
    const { verdicts = [] } = JSON.parse(text) as { verdicts?: Verdict[] }
    return !verdicts.some(({ problem }) => problem !== undefined && isTransient(problem.status))
  }

  const submit = async (request: PlannedRequest, gateway: number): Promise<View[]> => {
    const bodies = request.tasks.map(toBody)
    const path = bodies.length === 1 ? '/tasks' : '/tasks/batch'
    const body = JSON.stringify(bodies.length === 1 ? bodies[0] : { tasks: bodies })
    const headers = {
      'idempotency-key': request.key,
      ...(request.waitSeconds !== undefined && { prefer: `wait=${request.waitSeconds}` }),
    }
    const answer = await sendUntilAnswered(request.tenant, path, body, headers, isAnswer, gateway)
    if (answer.replayed) counts.replays += 1
    const views = readViews(request, answer)
    if (request.again) runErrand(request.key, submitAgain(request, path, body, views, gateway + 1))
    return views
  }

  const submitAgain = async (
    request: PlannedRequest,
    path: string,
    body: string,
    first: readonly View[],
    gateway: number,
  ) => {
    const key = { 'idempotency-key': request.key }
    const answer = await sendUntilAnswered(request.tenant, path, body, key, isAnswer, gateway)
    const ids = readViews(request, answer).map(({ id }) => id)
    if (ids.join() !== first.map(({ id }) => id).join())
      complaints.push(`${request.key}: the same key made other tasks`)
  }

  const cancelLater = async (receipt: Receipt, afterMs: number, gateway: number) => {
    await delay(afterMs)
    const path = `/tasks/${receipt.id}/cancel`
    const { status, text } = await sendUntilAnswered(
      receipt.tenant,
      path,
      '',
      {},
      (answer) => !isTransient(answer.status),
      gateway,
    )
    if (status !== 200 && status !== 202)
      complaints.push(`a cancellation of ${receipt.task.name} was answered with ${status} ${text}`)
  }

  const serve = async (request: PlannedRequest, gateway: number) => {
    const views = await submit(request, gateway)
    for (const [index, view] of views.entries()) {
      const task = request.tasks[index]
      if (!task) continue
      const receipt = { id: view.id, tenant: request.tenant, task }
      receipts.push(receipt)
      if (view.result !== undefined) {
        counts.waits += 1
        if (view.result.digest !== task.digest)
          complaints.push(`${task.name} was answered with a wrong result`)
      }
      if (task.cancelAfterMs !== undefined)
        runErrand(task.name, cancelLater(receipt, task.cancelAfterMs, gateway))
    }
  }

  const pending = requests.map((request, index) => ({ request, index })).values()
  let taken = 0
  const work = async () => {
    for (const { request, index } of pending) {
      const dueMs = started + (taken / options.perSecond) * 1_000
      taken += request.tasks.length
      await delay(Math.max(0, dueMs - performance.now()))
      await serve(request, index).catch(complain(request.key))
    }
  }
  const run = async () => {
    await Promise.all(Array.from({ length: options.atOnce }, work))
    await Promise.all(errands)
  }
  return { receipts, complaints, counts, done: run() }
}
