import { createHash } from 'node:crypto'
import type { Arena } from '../arena.ts'
import type { Receipt } from '../clients.ts'
import type { History } from './history.ts'

const AT_ONCE = 16
const REQUEST_MS = 20_000

type Result = { digest: string; nonce: string; pad: string }
type Artifact = { name: string; size_bytes: number; sha256: string; url: string }
type LogEntry = { kind: string; chunk: string }

const inputsOf = ({ task }: Receipt) =>
  task.body['inputs'] as { pad?: number; files?: number; lines?: number }

const download = async (url: string, headers: Record<string, string> = {}): Promise<string> => {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_MS) })
  const text = await response.text()
  if (!response.ok)
    throw new Error(`${new URL(url).pathname} was answered with ${response.status}: ${text.slice(0, 300)}`)
  return text
}

/** Files, log and progress carry the nonce of their run: another's would be the writing of a worker that had lost its lease. */
const checkFiles = async (
  artifacts: readonly Artifact[],
  wanted: number,
  nonce: string,
): Promise<string[]> => {
  if (artifacts.length !== wanted) return [`it has ${artifacts.length} of ${wanted} files`]
  const faults = artifacts.map(async ({ name, url, sha256 }) => {
    const content = await download(url)
    if (createHash('sha256').update(content).digest('hex') !== sha256)
      return [`${name} is not what was recorded`]
    return content.startsWith(nonce) ? [] : [`${name} is of another run`]
  })
  return (await Promise.all(faults)).flat()
}

const checkLog = (entries: readonly LogEntry[], wanted: number, nonce: string): string[] => {
  const lines = entries.flatMap(({ chunk }) => chunk.split('\n').filter((line) => line !== ''))
  if (lines.length !== wanted) return [`its log has ${lines.length} of ${wanted} lines`]
  return lines.every((line) => line.startsWith(nonce)) ? [] : ['its log has lines of another run']
}

const checkProgress = ({ events }: History, nonce: string): string[] => {
  const began = events.findLastIndex(({ type }) => type === 'task.running')
  const shown = events.slice(began).filter(({ type }) => type === 'task.progress')
  return shown.every(({ data }) => data.message === nonce) ? [] : ['it shows the progress of another run']
}

/**
 * Asks the gateway for everything that completed tasks left, as a user does, and finds what is missing, wrong, or
 * another run's than the one that completed the task.
 */
export const findWrongAnswers = async (
  { gatewayUrls, tokens }: Pick<Arena, 'gatewayUrls' | 'tokens'>,
  receipts: readonly Receipt[],
  histories: readonly History[],
): Promise<string[]> => {
  const byId = new Map(histories.map((history) => [history.id, history]))
  const faults: string[] = []

  const check = async (receipt: Receipt, history: History, gateway: number): Promise<string[]> => {
    const base = `${gatewayUrls[gateway % gatewayUrls.length]}/tasks/${receipt.id}`
    const headers = { authorization: `Bearer ${tokens[receipt.tenant]}` }
    const { digest, nonce, pad } = JSON.parse(await download(`${base}/result`, headers)) as Result
    const { pad: padLength = 0, files = 0, lines = 0 } = inputsOf(receipt)
    const found = checkProgress(history, nonce)
    if (digest !== receipt.task.digest || pad.length !== padLength) found.push('its result is wrong')
    if (files > 0) {
      const { artifacts } = JSON.parse(await download(`${base}/artifacts`, headers)) as {
        artifacts: Artifact[]
      }
      found.push(...(await checkFiles(artifacts, files, nonce)))
    }
    if (lines > 0) {
      const { entries } = JSON.parse(await download(`${base}/logs`, headers)) as { entries: LogEntry[] }
      found.push(...checkLog(entries, lines, nonce))
    }
    return found
  }

  const pending = receipts.entries()
  const work = async () => {
    for (const [index, receipt] of pending) {
      const history = byId.get(receipt.id)
      if (history?.status !== 'completed') continue
      const found = await check(receipt, history, index).catch((error: unknown) => [String(error)])
      faults.push(...found.map((fault) => `${history.name}: ${fault}`))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return faults
}
