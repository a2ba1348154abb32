import type { Sql } from '../../shared/database/index.ts'
import { type AdmissionNews, admitTurns } from '../../shared/lanes/admit-turns.ts'
import type { Lane } from '../../shared/lanes/index.ts'
import {
  type Claim,
  cancelTasks,
  claimTask,
  finishAttempt,
  type NewTask,
  submitTasks,
} from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { addWorker } from '../../test/tasks/admit.ts'
import { createMember, newTask } from '../../test/tasks/new-task.ts'

type ArenaNews = { tenants?: string[]; settle?: Record<string, number>; freed?: [string, string][] }

/** A lane on a real database, with workers that do what a test says. */
export type Arena = {
  sql: Sql
  member(tenant: string): Promise<Member>
  submit(tenant: string, changes?: Partial<NewTask>, count?: number): Promise<string[]>
  /** Lets tasks start as a dispatcher does that heard of these tenants; returns their ids in order. */
  admit(lane: Lane, news?: ArenaNews): Promise<string[]>
  claim(lane: Lane): Promise<Claim | undefined>
  /** Ends a claimed task after so many seconds of use; the dispatcher is still to be told. */
  end(claim: Claim, seconds: number): Promise<{ lane: Lane; news: ArenaNews }>
  /** Ends a claimed task, and tells the dispatcher. */
  finish(claim: Claim, seconds: number): Promise<void>
  cancel(tenant: string, ids: string[]): Promise<void>
  tenantOf(tenantId: string): string
  close(): Promise<void>
}

export const openArena = async (sql: Sql, slots: Partial<Record<Lane, number>>): Promise<Arena> => {
  await addWorker(sql, slots)
  const members = new Map<string, Promise<Member>>()
  const names = new Map<string, string>()
  const member = (tenant: string) => {
    const known = members.get(tenant)
    if (known) return known
    const made = createMember(sql, tenant).then((found) => {
      names.set(found.tenantId, tenant)
      return found
    })
    members.set(tenant, made)
    return made
  }
  const idOf = async (tenant: string) => (await member(tenant)).tenantId
  const admit: Arena['admit'] = async (lane, { tenants = [], settle = {}, freed = [] } = {}) => {
    const settled = [...tenants.map((tenant) => [tenant, 0] as const), ...Object.entries(settle)]
    const news: AdmissionNews = {
      settlements: await Promise.all(
        settled.map(async ([tenant, seconds]) => ({ tenantId: await idOf(tenant), seconds })),
      ),
      freedKeys: await Promise.all(
        freed.map(async ([tenant, key]) => ({ tenantId: await idOf(tenant), key })),
      ),
    }
    return (await admitTurns(sql, lane, news, 64)).map(({ taskId }) => taskId)
  }
  const end: Arena['end'] = async (claim, seconds) => {
    const ended = await finishAttempt(sql, claim, {
      outcome: 'completed',
      result: { text: '{}', sizeBytes: 2 },
      artifacts: [],
      usage: { wallSeconds: seconds, cpuSeconds: seconds, memoryPeakMb: 1 },
    })
    if (!ended) throw new Error('the lease was lost')
    const tenant = tenantOf(claim.tenantId)
    const { leftLane: lane, concurrencyKey, charge } = ended
    const freed: [string, string][] = concurrencyKey === null ? [] : [[tenant, concurrencyKey]]
    return { lane, news: { settle: { [tenant]: seconds - charge }, freed } }
  }
  const tenantOf = (tenantId: string) => names.get(tenantId) ?? ''
  return {
    sql,
    member,
    admit,
    tenantOf,
    submit: async (tenant, changes = {}, count = 1) => {
      const owner = await member(tenant)
      const tasks = Array.from({ length: count }, () => newTask(changes))
      await submitTasks(
        sql,
        tasks.map((task) => ({ member: owner, task })),
      )
      return tasks.map(({ id }) => id)
    },
    claim: (lane) => claimTask(sql, { lane }, 'test', 60),
    end,
    finish: async (claim, seconds) => {
      const { lane, news } = await end(claim, seconds)
      await admit(lane, news)
    },
    cancel: async (tenant, ids) => {
      await cancelTasks(sql, await idOf(tenant), ids)
    },
    close: () => sql.end(),
  }
}
