export type Observed = {
  /** `completed`, `failed timeout`, `refused 422`. */
  outcome: string
  message: string
  result: unknown
  log: string
  attempts: Attempt[]
  /** All that the platform tells of it, files included, as one text. */
  everything: string
}

type Attempt = { wall_seconds: number | null; cpu_seconds: number | null; memory_peak_mb: number | null }

type Task = {
  id: string
  status: string
  failure_code: string | null
  error_message: string | null
  attempts: Attempt[]
}

const WAIT_SECONDS = 30
const REQUEST_TIMEOUT_MS = 60_000
const TERMINAL = ['completed', 'failed', 'cancelled']

/** A user of the platform, over HTTP and nothing else. */
export const createClient = (url: string, token: string) => {
  const request = async (
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        ...headers,
        ...(path.startsWith('/') && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    return { status: response.status, text: await response.text() }
  }
  const read = async (path: string) => (await request('GET', path)).text
  const readTask = async (id: string) => JSON.parse(await read(`/tasks/${id}`)) as Task
  const readLog = async (id: string) => {
    const { entries } = JSON.parse(await read(`/tasks/${id}/logs`)) as { entries: { chunk: string }[] }
    return entries.map(({ chunk }) => chunk).join('')
  }

  /** Submits a task and does not wait. @returns its id */
  const submit = async (submission: object): Promise<string> => {
    const { status, text } = await request('POST', '/tasks', submission)
    if (status !== 202) throw new Error(`the submission was answered with ${status}: ${text}`)
    return (JSON.parse(text) as Task).id
  }

  /** Submits a task and waits for its end. */
  const run = (submission: object) =>
    request('POST', '/tasks', submission, { prefer: `wait=${WAIT_SECONDS}` })

  const lookAt = async (id: string): Promise<Observed> => {
    const [task, log, resultText, filesText] = await Promise.all([
      readTask(id),
      readLog(id),
      read(`/tasks/${id}/result`),
      read(`/tasks/${id}/artifacts`),
    ])
    const { artifacts } = JSON.parse(filesText) as { artifacts: { url: string }[] }
    const contents = await Promise.all(artifacts.map((artifact) => read(artifact.url)))
    return {
      outcome: task.failure_code === null ? task.status : `${task.status} ${task.failure_code}`,
      message: task.error_message ?? '',
      result: JSON.parse(resultText) as unknown,
      log,
      attempts: task.attempts,
      everything: [JSON.stringify(task), log, resultText, filesText, ...contents].join('\n'),
    }
  }

  return {
    request,
    readTask,
    readLog,
    submit,
    run,
    cancel: (id: string) => request('POST', `/tasks/${id}/cancel`),
    /** Submits a task, waits for its end, and looks at everything that came of it. */
    observe: async (submission: object): Promise<Observed> => {
      const { status, text } = await run(submission)
      if (status >= 300) {
        const refused = { result: undefined, log: '', attempts: [], everything: text }
        return { outcome: `refused ${status}`, message: text, ...refused }
      }
      const { id, status: reached } = JSON.parse(text) as Task
      if (!TERMINAL.includes(reached)) throw new Error(`after ${WAIT_SECONDS} s the task is ${reached}`)
      return await lookAt(id)
    },
  }
}

export type Client = ReturnType<typeof createClient>
