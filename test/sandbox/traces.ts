import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it went in this moment
  }
}

const listFolders = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [join(folder, name), ...listFolders(join(folder, name))])
  } catch {
    return [] // it went in this moment: others have cgroups here too
  }
}

type Process = { pid: number; parent: number; state: string; cgroup: string; command: string }

const listProcesses = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      const stat = read(`/proc/${pid}/stat`)
      const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200)
      return { pid: Number(pid), parent: Number(parent), state, cgroup: read(`/proc/${pid}/cgroup`), command }
    })

const describe = ({ pid, state, command }: Process): string =>
  `process ${pid} ${state === 'Z' ? '(dead)' : command}`

/** The processes that a worker started, the dead that nobody has looked at among them. */
export const listChildren = (worker: number): string[] =>
  listProcesses()
    .filter(({ parent }) => parent === worker)
    .map(describe)

/** What a worker has on this host: all of it bears the worker's name, so that what others do here does not count. */
export const listTraces = (worker: number): string[] => {
  const named = new RegExp(String.raw`(worker|mecapy-[a-z]+)-\d+-${worker}-`)
  const processes = listProcesses()
    // A killed worker's dead are for the machine's first process to look at, which may never do.
    .filter(({ state, cgroup, command }) => state !== 'Z' && (named.test(cgroup) || named.test(command)))
    .map(describe)
  const mounts = read('/proc/self/mounts').split('\n')
  const places = [...mounts, ...listFolders('/sys/fs/cgroup'), ...readdirSync(tmpdir())]
  return [...processes, ...places.filter((place) => named.test(place))]
}

/** Pipes and sockets are what a worker holds of a sandbox. */
export const countDescriptors = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(pipe|socket):/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false
    }
  }).length
