import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The kernel's accounts and limits of one sandbox. Reading and writing is synchronous: these files are the kernel's
 * memory, a thread pool would take longer than they do.
 */
export type Cgroup = {
  /** Below the root of every hierarchy, for those who make their own way there. */
  readonly path: string
  /** The files into which a process writes its id to enter. */
  readonly doors: readonly string[]
  limit(limits: CgroupLimits): void
  /** Before a run: begins a new measure of the peak, and tells what has been used up to now. */
  begin(): CgroupUse
  /** Counters since the sandbox began. */
  read(): CgroupCounters
  /** Ends every process inside, but for one that is to see the others die. */
  kill(exceptPid?: number): void
  /** Waits until it is empty and removes it. */
  remove(): Promise<void>
}

export type CgroupLimits = { cpu: number; memoryMb: number; pids: number }

export type CgroupUse = {
  cpuSeconds: number
  /** In use now. */
  memoryMb: number
}

export type CgroupCounters = CgroupUse & {
  memoryPeakMb: number
  oomKills: number
  pidsRefused: number
}

const CPU_PERIOD_US = 100_000
const MEBIBYTE = 1024 * 1024
const MICROSECONDS = 1e6
const NANOSECONDS = 1e9
const REMOVE_TIMEOUT_MS = 30_000

export const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')
export const write = (folder: string, name: string, value: string | number): void =>
  writeFileSync(join(folder, name), String(value))

/** Swap has its own limit only where the kernel accounts for it. */
const writeIfOffered = (folder: string, name: string, value: string | number): void => {
  try {
    write(folder, name, value)
  } catch (error) {
    if (!['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** The number after `key ` in a file of such lines; 0 without one. */
const counter = (text: string, key: string): number =>
  Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)

const killListed = (folder: string, exceptPid?: number): void => {
  for (const pid of read(folder, 'cgroup.procs').split('\n').map(Number)) {
    // 0 stands for a process that cannot be seen from here, and to `kill` for oneself and all beside.
    if (pid === 0 || pid === exceptPid) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

const removeFolder = async (folder: string, kill: () => void): Promise<void> => {
  const deadline = Date.now() + REMOVE_TIMEOUT_MS
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      rmdirSync(folder)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > deadline) throw error
    }
    kill()
    await sleep(pauseMs)
  }
}

/** Ends whatever lives in a group that its owner left, and in those below it, and removes them. */
export const removeAbandoned = async (folder: string): Promise<void> => {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await removeAbandoned(join(folder, entry.name))
  await removeFolder(folder, () => killListed(folder))
}

/**
 * The peak of memory since the last reset. Linux 6.12 resets it for whoever holds the file open; before that only a
 * new high is this run's own, and before 5.19 there is none: the present use stands in, a lower bound.
 */
const openPeak = (folder: string) => {
  let file: number | undefined
  let before = 0
  const current = () => Number(read(folder, 'memory.current'))
  const highest = () => {
    if (file === undefined) return 0
    const text = Buffer.alloc(32)
    return Number(text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)))
  }
  try {
    file = openSync(join(folder, 'memory.peak'), 'r+')
  } catch {}
  return {
    read: () => {
      const peak = highest()
      return peak > before ? peak : current()
    },
    reset: () => {
      try {
        if (file !== undefined) writeSync(file, 'reset')
      } catch {
        before = highest()
      }
    },
    close: () => {
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}

/** Version 2: one folder. */
export const cgroupV2 = (folder: string, path: string): Cgroup => {
  const peak = openPeak(folder)
  const readUse = () => ({
    cpuSeconds: counter(read(folder, 'cpu.stat'), 'usage_usec') / MICROSECONDS,
    memoryMb: Number(read(folder, 'memory.current')) / MEBIBYTE,
  })
  const kill = (exceptPid?: number) => {
    if (exceptPid !== undefined) return killListed(folder, exceptPid)
    try {
      write(folder, 'cgroup.kill', 1)
    } catch {
      killListed(folder) // Linux before 5.14
    }
  }
  return {
    path,
    doors: [join(folder, 'cgroup.procs')],
    limit({ cpu, memoryMb, pids }) {
      write(folder, 'memory.max', memoryMb * MEBIBYTE)
      writeIfOffered(folder, 'memory.swap.max', 0)
      write(folder, 'pids.max', pids)
      write(folder, 'cpu.max', `${Math.round(cpu * CPU_PERIOD_US)} ${CPU_PERIOD_US}`)
    },
    begin() {
      peak.reset()
      return readUse()
    },
    read: () => ({
      ...readUse(),
      memoryPeakMb: peak.read() / MEBIBYTE,
      oomKills: counter(read(folder, 'memory.events'), 'oom_kill'),
      pidsRefused: counter(read(folder, 'pids.events'), 'max'),
    }),
    kill,
    remove: () => {
      peak.close()
      return removeFolder(folder, kill)
    },
  }
}

export type V1Folders = Record<'memory' | 'pids' | 'cpu' | 'cpuacct', string>

/** Version 1: a folder per controller (some may share one). */
export const cgroupV1 = ({ memory, pids, cpu, cpuacct }: V1Folders, path: string): Cgroup => {
  const folders = [...new Set([memory, pids, cpu, cpuacct])]
  const readUse = () => ({
    cpuSeconds: Number(read(cpuacct, 'cpuacct.usage')) / NANOSECONDS,
    memoryMb: Number(read(memory, 'memory.usage_in_bytes')) / MEBIBYTE,
  })
  const kill = (exceptPid?: number) => {
    for (const folder of folders) killListed(folder, exceptPid)
  }
  return {
    path,
    doors: folders.map((folder) => join(folder, 'cgroup.procs')),
    limit(limits) {
      const bytes = limits.memoryMb * MEBIBYTE
      // The limit with swap is never below the one without: which goes first depends on the direction.
      const raise = Number(read(memory, 'memory.limit_in_bytes')) < bytes
      if (raise) writeIfOffered(memory, 'memory.memsw.limit_in_bytes', bytes)
      write(memory, 'memory.limit_in_bytes', bytes)
      writeIfOffered(memory, 'memory.memsw.limit_in_bytes', bytes)
      write(pids, 'pids.max', limits.pids)
      write(cpu, 'cpu.cfs_period_us', CPU_PERIOD_US)
      write(cpu, 'cpu.cfs_quota_us', Math.round(limits.cpu * CPU_PERIOD_US))
    },
    begin() {
      write(memory, 'memory.max_usage_in_bytes', 0)
      return readUse()
    },
    read: () => ({
      ...readUse(),
      memoryPeakMb: Number(read(memory, 'memory.max_usage_in_bytes')) / MEBIBYTE,
      oomKills: counter(read(memory, 'memory.oom_control'), 'oom_kill'),
      pidsRefused: counter(read(pids, 'pids.events'), 'max'),
    }),
    kill,
    remove: async () => {
      for (const folder of folders) await removeFolder(folder, kill)
    },
  }
}
