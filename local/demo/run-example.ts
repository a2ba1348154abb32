import { mkdir, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Artifact, Client, Task } from './client.ts'
import { compareResult } from './compare.ts'
import type { Example } from './example.ts'
import type { DownloadedArtifact, ExampleReport } from './report.ts'

/** The first question comes soon, for calculations of milliseconds; each later one waits twice as long, up to the most. */
const FIRST_POLL_MS = 10
const MAX_POLL_MS = 250

const submitExample = async (client: Client, example: Example): Promise<Task> => {
  const uploads = Object.entries(example.files).map(
    async ([port, path]) => [port, await client.uploadFile(path)] as const,
  )
  return client.submitTask(example.describeTask(Object.fromEntries(await Promise.all(uploads))))
}

const isOver = ({ status }: Task) => status === 'completed' || status === 'failed' || status === 'cancelled'

const startsWith = async (path: string, beginning: string): Promise<boolean> => {
  const expected = Buffer.from(beginning)
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(expected.length))
    return buffer.subarray(0, bytesRead).equals(expected)
  } finally {
    await file.close()
  }
}

const fetchArtifact = async (
  client: Client,
  artifact: Artifact,
  example: Example,
  folder: string,
): Promise<DownloadedArtifact> => {
  const { name, size_bytes: sizeBytes } = artifact
  const path = join(folder, basename(name))
  await client.downloadArtifact(artifact, path)
  const wanted = example.expected.artifacts.find((expected) => expected.name === name)
  return {
    name,
    path,
    sizeBytes,
    asExpected: wanted === undefined || (await startsWith(path, wanted.starts_with)),
  }
}

const fetchArtifacts = async (client: Client, task: Task, example: Example, folder: string) => {
  const artifacts = await client.listArtifacts(task.id)
  for (const { name } of example.expected.artifacts) {
    if (!artifacts.some((artifact) => artifact.name === name)) throw new Error(`the task left no ${name}`)
  }
  await mkdir(folder, { recursive: true })
  return Promise.all(artifacts.map((artifact) => fetchArtifact(client, artifact, example, folder)))
}

export type RunExampleOptions = {
  client: Client
  /** Artifacts land in a folder of it that has the task's id. */
  downloadsDir: string
  signal: AbortSignal
  /** Called with the task each time the platform has been asked about it. */
  onTask(task: Task): void
}

/** Submits an example, follows it to its end and compares what it left. A failure is reported, only an abort is thrown. */
export const runExample = async (example: Example, options: RunExampleOptions): Promise<ExampleReport> => {
  const { client, downloadsDir, signal, onTask } = options
  const started = performance.now()
  const report: ExampleReport = {
    name: example.name,
    title: example.expected.title,
    passed: false,
    elapsedMs: 0,
    checks: [],
    artifacts: [],
  }
  try {
    let task = await submitExample(client, example)
    onTask(task)
    for (let pollMs = FIRST_POLL_MS; !isOver(task); pollMs = Math.min(2 * pollMs, MAX_POLL_MS)) {
      await sleep(pollMs, undefined, { signal })
      task = await client.getTask(task.id)
      onTask(task)
    }
    report.elapsedMs = performance.now() - started
    report.task = task
    if (task.status !== 'completed') {
      report.logTail = await client.getLogTail(task.id)
      throw new Error(`${task.status}: ${task.error_message ?? 'no reason given'}`)
    }
    report.checks = compareResult(JSON.parse(await client.getResultText(task.id)), example.expected.values)
    report.artifacts = await fetchArtifacts(client, task, example, join(downloadsDir, task.id))
    report.passed =
      report.checks.every(({ within }) => within) && report.artifacts.every(({ asExpected }) => asExpected)
  } catch (error) {
    signal.throwIfAborted()
    report.failure = error instanceof Error ? error.message : String(error)
  }
  return report
}
