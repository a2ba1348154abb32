import postgres from 'postgres'
import type { Sql } from '../../shared/database/index.ts'

type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

/** A statement as it ran: every node of its plan. */
export type Explained = { query: string; nodes: Plan[] }

const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)]

/**
 * A connection that tells how PostgreSQL ran each statement, with the parameters that our own code gave it
 * (auto_explain); statements that a trigger or a function runs are told, too.
 */
export const connectExplaining = (url: string, plans: 'custom' | 'generic') => {
  const told: Explained[] = []
  const settings = {
    application_name: 'explain',
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
    'auto_explain.log_nested_statements': 'on',
    plan_cache_mode: `force_${plans}_plan`,
    jit: 'off',
  }
  const sql: Sql = postgres(url, {
    max: 1,
    connection: settings,
    types: {
      json: { to: 114, from: [114], serialize: (text: string) => text, parse: (text: string) => text },
    },
    onnotice: ({ message = '' }) => {
      const start = message.indexOf('{')
      if (start === -1 || !message.includes('plan:')) return
      const { 'Query Text': query, Plan } = JSON.parse(message.slice(start)) as {
        'Query Text': string
        Plan: Plan
      }
      told.push({ query, nodes: flatten(Plan) })
    },
  })
  return {
    sql,
    /** What ran since the last call. */
    take: () => told.splice(0),
  }
}

/** Whether a statement read a table that grows from end to end. */
export const readsWhole = ({ nodes }: Explained): boolean =>
  nodes.some((node) => node['Node Type'] === 'Seq Scan' && GROWING.has(node['Relation Name'] ?? ''))

const GROWING = new Set([
  'tasks',
  'turns',
  'attempts',
  'events',
  'artifacts',
  'log_chunks',
  'task_labels',
  'uploads',
  'idempotency_keys',
  'object_deletions',
])

/** The rows that statements took off tables and indexes, those included that a filter threw away. */
export const countRead = (statements: readonly Explained[]): number =>
  statements
    .flatMap(({ nodes }) => nodes)
    .filter((node) => / Scan$/.test(node['Node Type']) && node.Plans === undefined)
    .reduce(
      (sum, node) =>
        sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    )
