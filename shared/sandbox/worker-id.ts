import { readFileSync, readlinkSync } from 'node:fs'

/** When a process started, in ticks since the machine did; undefined when it is gone or only waits to be reaped. */
const readStart = (pid: string): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may hold anything, brackets and spaces too.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : fields[18]
  } catch {
    return undefined
  }
}

const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'

/**
 * Names this process for good: in which process namespace it is, its number there, and when it started, for numbers are
 * used again. What a worker makes on the host bears this name, so that a later one knows what nobody owns any more.
 */
export const workerId = `${namespace}-${process.pid}-${readStart(String(process.pid))}`

/** The pattern of a {@link workerId}. */
export const WORKER_ID = String.raw`\d+-\d+-\d+`

/** Whether the worker of that name has ended. Of another process namespace's nothing can be known: they count as alive. */
export const hasEnded = (id: string): boolean => {
  const [home, pid = '', start] = id.split('-')
  return home === namespace && readStart(pid) !== start
}
