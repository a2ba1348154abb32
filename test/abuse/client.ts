export type Observed = {
  /** `completed`, `failed timeout`, `refused 422`. */
  outcome: string
  message: string
  result: unknown
  log: string
  attempts: { memory_peak_mb: number | null; cpu_seconds: number | null }[]
  /** All that the platform tells of it, files included, as one text. */
  everything: string
}

type TaskAnswer = {
  id: string
  status: string
  failure_code: string | null
  error_message: string | null
  attempts: Observed['attempts']
}

const WAIT_SECONDS = 30
const REQUEST_TIMEOUT_MS = 60_000
const TERMINAL = ['completed', 'failed', 'cancelled']

/** A user of the platform, over HTTP and nothing else. */
export const createClient = (url: string, token: string) => {
  const request = async (method: string, path: string, body?: object) =>
    await fetch(new URL(path, url), {
      method,
      headers: {
        ...(path.startsWith('/') && { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
        prefer: `wait=${WAIT_SECONDS}`,
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  const read = async (path: string) => await (await request('GET', path)).text()
  const readTask = async (id: string) => JSON.parse(await read(`/tasks/${id}`)) as TaskAnswer

  const submit = async (submission: object) => {
    const response = await request('POST', '/tasks', submission)
    return { status: response.status, text: await response.text() }
  }

  /** Submits a task, waits for its end, and looks at everything that came of it. */
  const observe = async (submission: object): Promise<Observed> => {
    const { status, text } = await submit(submission)
    if (status >= 300)
      return {
        outcome: `refused ${status}`,
        message: text,
        result: undefined,
        log: '',
        attempts: [],
        everything: text,
      }
    const { id, status: reached } = JSON.parse(text) as TaskAnswer
    if (!TERMINAL.includes(reached)) throw new Error(`after ${WAIT_SECONDS} s the task is ${reached}`)
    const [task, resultText, logText, filesText] = await Promise.all([
      readTask(id),
      read(`/tasks/${id}/result`),
      read(`/tasks/${id}/logs`),
      read(`/tasks/${id}/artifacts`),
    ])
    const { entries } = JSON.parse(logText) as { entries: { chunk: string }[] }
    const { artifacts } = JSON.parse(filesText) as { artifacts: { name: string; url: string }[] }
    const contents = await Promise.all(artifacts.map((artifact) => read(artifact.url)))
    return {
      outcome: task.failure_code === null ? task.status : `${task.status} ${task.failure_code}`,
      message: task.error_message ?? '',
      result: JSON.parse(resultText) as unknown,
      log: entries.map(({ chunk }) => chunk).join(''),
      attempts: task.attempts,
      everything: [text, JSON.stringify(task), resultText, logText, filesText, ...contents].join('\n'),
    }
  }

  const cancel = async (id: string) => await request('POST', `/tasks/${id}/cancel`)

  return { request, submit, observe, cancel, readTask }
}

export type Client = ReturnType<typeof createClient>
